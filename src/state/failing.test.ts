import { describe, expect, it } from 'vitest';
import { FailingStateStore, InjectedFailure } from './failing.ts';
import type { MemoryRecords } from './memory/memory-state-store.ts';
import { MemoryStateStore } from './memory/memory-state-store.ts';
import { stateStoreConformance } from './state-store.conformance.ts';

stateStoreConformance('FailingStateStore that does not fail yet', () => {
  const records: MemoryRecords = new Map();
  return {
    open: () => new FailingStateStore(new MemoryStateStore(records), { onCommit: 1_000_000, when: 'before' }),
    shared: true,
  };
});

describe('FailingStateStore', () => {
  it.each([
    ['before', 1],
    ['after', 2],
  ] as const)('fails the second commit %s it is durable, and everything from then on', async (when, survivors) => {
    const records: MemoryRecords = new Map();
    const store = new FailingStateStore(new MemoryStateStore(records), { onCommit: 2, when });
    const write = (id: string): Promise<void> =>
      store.commit({ write: [{ table: 't', id, expect: null, put: { version: 1, value: Buffer.from(id) } }] });
    await write('1');
    await expect(write('2')).rejects.toBeInstanceOf(InjectedFailure);
    await expect(write('3')).rejects.toBeInstanceOf(InjectedFailure);
    await expect(store.get('t', '1')).rejects.toBeInstanceOf(InjectedFailure);
    expect(await new MemoryStateStore(records).list('t')).toHaveLength(survivors);
  });
});
