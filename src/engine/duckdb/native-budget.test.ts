import { describe, expect, it } from 'vitest';
import { NativeBudget, NeedsThreadError } from './native-budget.ts';

/** A clock that work moves. */
function clocked(limit: ConstructorParameters<typeof NativeBudget>[0], isCancelled = () => false) {
  let now = 0;
  const budget = new NativeBudget(limit, isCancelled, () => now);
  return { budget, takes: (milliseconds: number) => () => void (now += milliseconds) };
}

describe('what JavaScript may do for one query', () => {
  it('is counted over all of its chunks', () => {
    const { budget, takes } = clocked({ milliseconds: 100, then: 'end' });
    for (let chunk = 0; chunk < 10; chunk += 1) expect(budget.within(takes(10))).toBe(true);
    expect(budget.usedMs).toBe(100);
    expect(() => budget.within(takes(1))).toThrow('take too long altogether');
  });

  it('goes on in a thread where others wait for this one', () => {
    const { budget, takes } = clocked({ milliseconds: 100, then: 'apart' });
    budget.within(takes(100));
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

  it('may be given a part of what is left, and says when that was not enough', () => {
    const budget = new NativeBudget({ milliseconds: 60_000, then: 'end' });
    const endless = (): never => {
      for (;;);
    };
    expect(budget.within(endless, 20)).toBe(false);
    expect(budget.within(() => undefined, 20)).toBe(true);
  });

  it('counts what fails, too, and stops when nobody waits any more', () => {
    let cancelled = false;
    const { budget, takes } = clocked({ milliseconds: 100, then: 'end' }, () => cancelled);
    const fail = (): never => {
      takes(30)();
      throw new RangeError('mine');
    };
    expect(() => budget.within(fail)).toThrow(RangeError);
    expect(budget.usedMs).toBe(30);
    budget.check();
    cancelled = true;
    expect(() => budget.check()).toThrow('The query was stopped.');
  });
});
