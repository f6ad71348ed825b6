import { describe, expect, it } from 'vitest';
import { HeldStore, HeldTooLongError, keyOf } from './held-store.ts';
import type { MemoryRecords } from './memory/memory-state-store.ts';
import { MemoryStateStore } from './memory/memory-state-store.ts';
import { stateStoreConformance } from './state-store.conformance.ts';

stateStoreConformance('HeldStore', () => {
  const records: MemoryRecords = new Map();
  return { open: () => new HeldStore(new MemoryStateStore(records)), shared: true };
});

const put = (id: string, expected: number | null = null, version = 1) => ({
  write: [{ table: 't', id, expect: expected, put: { version, value: Buffer.from(id) } }],
});
const never = () => () => undefined;

describe('HeldStore', () => {
  it('works when what is under way has ended, and lets what waits go on in its order', async () => {
    const store = new HeldStore(new MemoryStateStore());
    const order: string[] = [];
    const first = store.commit(put('a')).then(() => order.push('first'));
    const held = store.hold(1_000, never, async () => {
      order.push('held');
      const second = store.commit(put('a', 1, 2)).then(() => order.push('second'));
      const third = store.commit(put('a', 2, 3)).then(() => order.push('third'));
      await new Promise(setImmediate);
      expect((await store.get('t', 'a'))?.version).toBe(1);
      order.push('held still');
      return [second, third];
    });
    await Promise.all(await held);
    await first;
    expect(order).toEqual(['first', 'held', 'held still', 'second', 'third']);
  });

  it('holds nobody longer than was said, and tells whoever held', async () => {
    const store = new HeldStore(new MemoryStateStore());
    let timeIsUp: () => void = () => undefined;
    const startTimer = (_: number, run: () => void) => {
      timeIsUp = run;
      return () => undefined;
    };
    const held = store.hold(1_000, startTimer, async () => {
      const waiting = store.commit(put('a'));
      timeIsUp();
      await waiting;
    });
    await expect(held).rejects.toThrow(HeldTooLongError);
    await store.commit(put('b'));
  });

  it('lets commits go on when the work fails', async () => {
    const store = new HeldStore(new MemoryStateStore());
    await expect(store.hold(1_000, never, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await store.commit(put('a'));
  });

  it('tells of what is written before it is there, and again afterwards', async () => {
    const store = new HeldStore(new MemoryStateStore());
    const changes = store.watch();
    const commit = store.commit(put('a'));
    expect([...changes.keys]).toEqual([keyOf({ table: 't', id: 'a' })]);
    expect(changes.take()).toEqual([{ table: 't', id: 'a' }]);
    await commit;
    expect(changes.take()).toEqual([{ table: 't', id: 'a' }]);
    changes.end();
    await store.commit(put('b'));
    expect(changes.take()).toEqual([]);
  });
});
