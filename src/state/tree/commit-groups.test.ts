import { expect, it } from 'vitest';
import { systemRandomBytes } from '../../base/random.ts';
import { MemoryStateStore } from '../memory/memory-state-store.ts';
import { RootKey } from '../root-key.ts';
import { SealedState } from '../sealed/sealed-state.ts';
import type { Table } from '../state.ts';
import { writeRecord } from '../state.ts';
import type { RecordCommit, StoredRecord } from '../state-store.ts';
import { StateConflictError } from '../state-store.ts';

const notes: Table<string> = { name: 'notes', parse: String };

/** Somebody else has written meanwhile, and what cannot be read. */
class BusyStore extends MemoryStateStore {
  isAway = false;

  override commit(commit: RecordCommit): Promise<void> {
    return this.isAway ? Promise.reject(new StateConflictError(notes.name, 'a')) : super.commit(commit);
  }

  override get(table: string, id: string): Promise<StoredRecord | undefined> {
    return this.isAway ? Promise.reject(new Error('the store is away')) : super.get(table, id);
  }
}

it('tells whoever waits when the state cannot be read again after a refusal, and goes on when it can', async () => {
  const store = new BusyStore(new Map());
  const state = await SealedState.open({
    ...{ store, rootKey: new RootKey(Buffer.alloc(32, 5)), randomBytes: systemRandomBytes },
  });
  const note = (id: string): Promise<void> => state.commit({ write: [writeRecord(notes, id, null, id)] });
  store.isAway = true;
  const told = await Promise.allSettled([note('a'), note('b')]);
  expect(told.map((one) => one.status === 'rejected' && String(one.reason))).toEqual(
    told.map(() => 'Error: the store is away'),
  );
  store.isAway = false;
  await note('a');
  expect((await state.get(notes, 'a'))?.value).toBe('a');
  await state.close();
});
