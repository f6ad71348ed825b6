import { describe, expect, it } from 'vitest';
import { WorkState } from './work-state.ts';

/** Two sides of the same memory. */
function sides(): readonly [engine: WorkState, thread: WorkState] {
  const engine = new WorkState();
  return [engine, new WorkState(engine.shared)];
}

describe('what an engine thread is at', () => {
  it('is a call, until that is answered', () => {
    const [engine, thread] = sides();
    const seen: string[] = [];
    thread.call(() => {
      seen.push(engine.underway);
      engine.answered(); // the function thread's part
    });
    expect([...seen, engine.underway]).toEqual(['functions', 'nothing']);
  });

  it('has to be ended by whoever cancels while it is at it, and takes no more then', () => {
    const [engine, thread] = sides();
    expect(() => thread.call(() => expect(engine.cancel()).toBe('functions'))).toThrow('stopped');
    engine.uncancel();
    expect(() => thread.call(() => expect.unreachable())).toThrow('stopped');
    expect(() => thread.walk(() => expect.unreachable())).toThrow('stopped');
  });

  it('does not begin once it is cancelled, and nothing has to be ended', () => {
    const [engine, thread] = sides();
    expect(engine.cancel()).toBe('nothing');
    expect(() => thread.call(() => expect.unreachable())).toThrow('stopped');
    expect(() => thread.walk(() => expect.unreachable())).toThrow('stopped');
    engine.uncancel();
    let walked = false;
    thread.walk(() => (walked = engine.underway === 'rows'));
    expect([walked, engine.underway]).toEqual([true, 'nothing']);
  });

  it('comes to an end when there is nobody to answer any more', () => {
    const [engine, thread] = sides();
    expect(() => thread.call(() => engine.wake())).toThrow('stopped');
  });

  it('is no work any more when that has failed', () => {
    const [engine, thread] = sides();
    expect(() =>
      thread.walk(() => {
        throw new Error('mine');
      }),
    ).toThrow('mine');
    expect(engine.underway).toBe('nothing');
  });
});
