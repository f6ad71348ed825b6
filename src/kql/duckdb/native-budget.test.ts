import { describe, expect, it } from 'vitest';
import { KqlError } from '../plan/kql-error.ts';
import type { Stopping } from './native-budget.ts';
import { NativeBudget, NeedsThreadError } from './native-budget.ts';

/** A clock that work moves. V8's timer follows the machine's, so limits are such that work which takes no time comes to its end. */
function clocked(limit: ConstructorParameters<typeof NativeBudget>[0], isCancelled = () => false) {
  let now = 0;
  const stopping: Stopping = {
    get isCancelled() {
      return isCancelled();
    },
    walk: (work) => work(),
  };
  const budget = new NativeBudget(limit, stopping, () => now);
  return { budget, takes: (milliseconds: number) => () => void (now += milliseconds) };
}

describe('what JavaScript may do for one query', () => {
  it('is counted over all of its chunks', () => {
    const { budget, takes } = clocked({ milliseconds: 1_000_000, then: 'end' });
    for (let chunk = 0; chunk < 10; chunk += 1) expect(budget.within(takes(100_000))).toBe(true);
    expect(budget.usedMs).toBe(1_000_000);
    expect(() => budget.within(takes(1))).toThrow('take too long altogether');
  });

  it('goes on in a thread where others wait for this one', () => {
    const { budget, takes } = clocked({ milliseconds: 100_000, then: 'apart' });
    budget.within(takes(100_000));
    expect(budget.isShared).toBe(true);
    expect(() => budget.within(takes(1))).toThrow(NeedsThreadError);
  });

  it('is ended in the middle of a chunk, however long that would go on', () => {
    const budget = new NativeBudget({ milliseconds: 50, then: 'end' });
    const endless = (): never => {
      for (;;);
    };
    expect(() => budget.within(endless)).toThrow('take too long altogether');
  });

  it('is used up by what was ended for it, though the clock may be a moment behind the timer', () => {
    const endless = (): never => {
      for (;;);
    };
    for (const then of ['end', 'apart'] as const) {
      const { budget } = clocked({ milliseconds: 20, then }); // nothing moves its clock
      expect(() => budget.within(endless)).toThrow(KqlError);
      expect(budget.failure).toBeDefined();
      expect(() => budget.requireLeft()).toThrow(KqlError);
    }
  });

  it('may be given a part of what is left, and says when that was not enough', () => {
    const budget = new NativeBudget({ milliseconds: 60_000, then: 'end' });
    const endless = (): never => {
      for (;;);
    };
    expect(budget.within(endless, 20)).toBe(false);
    expect(budget.within(() => undefined, 30_000)).toBe(true);
  });

  it('counts what fails, too, and stops when nobody waits any more', () => {
    let cancelled = false;
    const { budget, takes } = clocked({ milliseconds: 100_000, then: 'end' }, () => cancelled);
    const fail = (): never => {
      takes(30_000)();
      throw new RangeError('mine');
    };
    expect(() => budget.within(fail)).toThrow(RangeError);
    expect(budget.usedMs).toBe(30_000);
    budget.check();
    cancelled = true;
    expect(() => budget.check()).toThrow('The query was stopped.');
  });

  it('counts what was done elsewhere, and remembers that nothing is left', () => {
    const { budget } = clocked({ milliseconds: 100, then: 'end' });
    budget.add(40);
    expect(budget.requireLeft()).toBe(60);
    const own = new KqlError('limits', 'one of a function’s own');
    expect(budget.explained(own)).toBe(own);
    expect(budget.failure).toBeUndefined();
    budget.add(60);
    expect(budget.explained(own)).toMatchObject({ message: expect.stringContaining('altogether') as unknown });
    expect(budget.failure).toBeDefined();
    expect(() => budget.requireLeft()).toThrow('altogether');
  });

  it('leaves a thread that others wait for before a value that one step takes long for', () => {
    const long = ['x'.repeat(3 << 20), null, 'y'.repeat(2 << 20), 1n];
    const shared = clocked({ milliseconds: 100, then: 'apart' }).budget;
    shared.weigh(long.slice(0, 2));
    expect(() => shared.weigh(long)).toThrow(NeedsThreadError);
    expect(shared.failure).toBeInstanceOf(NeedsThreadError);
    clocked({ milliseconds: 100, then: 'end' }).budget.weigh(long);
  });
});
