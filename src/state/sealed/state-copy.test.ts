import { describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../../base/random.ts';
import { MemoryStateStore } from '../memory/memory-state-store.ts';
import type { MemoryRecords } from '../memory/memory-state-store.ts';
import { RootKey } from '../root-key.ts';
import { SealedState } from './sealed-state.ts';
import type { State, Table } from '../state.ts';
import { writeRecord } from '../state.ts';

const things: Table<{ readonly n: number }> = { name: 'things', parse: (value) => value as { n: number } };
const kept: Table<{ readonly n: number }> = { name: 'kept', parse: (value) => value as { n: number } };
const isLeftOut = (table: string): boolean => table === 'kept';

async function opened(): Promise<{ records: MemoryRecords; state: SealedState }> {
  const records: MemoryRecords = new Map();
  const state = await SealedState.open({
    store: new MemoryStateStore(records),
    rootKey: new RootKey(Buffer.alloc(32, 5)),
    randomBytes: systemRandomBytes,
  });
  return { records, state };
}

async function set(state: State, table: typeof things, id: string, n: number | null): Promise<void> {
  const found = await state.get(table, id);
  await state.commit({ write: [writeRecord(table, id, found?.version ?? null, n === null ? null : { n })] });
}

const all = async (state: State): Promise<unknown> => (await state.list(things)).map(({ id, value: { n } }) => [id, n]);

describe('a copy of the state', () => {
  it('is put back by one commit of what differs', async () => {
    const { state } = await opened();
    for (const [n, id] of ['a', 'b', 'c'].entries()) await set(state, things, id, n);
    await set(state, kept, 'k', 1);
    const copy = await state.copy(isLeftOut);
    expect(await state.writesBackTo(copy, isLeftOut)).toEqual([]);

    await set(state, things, 'a', 10);
    await set(state, things, 'b', null);
    await set(state, things, 'd', 4);
    await set(state, kept, 'k', 2);
    const write = await state.writesBackTo(copy, isLeftOut);
    expect(write.map(({ id }) => id).sort()).toEqual(['a', 'b', 'd']);
    await state.commit({ write });
    expect(await all(state)).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
    expect((await state.get(kept, 'k'))?.value).toEqual({ n: 2 });
    await set(state, things, 'b', 20); // whoever comes next goes on from there
    await state.commit({ write: await state.writesBackTo(copy, isLeftOut) });
    expect((await state.get(things, 'b'))?.value).toEqual({ n: 1 });
  });

  it('holds sealed bytes only, and conflicts with whoever wrote meanwhile', async () => {
    const { state } = await opened();
    await set(state, things, 'a', 12_345_678);
    const copy = await state.copy(isLeftOut);
    for (const { value } of copy.records.values()) expect(Buffer.from(value).includes('12345678')).toBe(false);
    await set(state, things, 'a', 2);
    const write = await state.writesBackTo(copy, isLeftOut);
    await set(state, things, 'a', 3);
    await expect(state.commit({ write })).rejects.toMatchObject({ name: 'StateConflictError' });
  });

  it('counts the commits of everybody', async () => {
    const { state } = await opened();
    const before = state.position;
    await set(state, things, 'a', 1);
    expect(state.position).toBeGreaterThan(before);
    await state.copy(isLeftOut);
    expect(state.position).toBe(before + 1);
  });

  it('is refused when a record is damaged', async () => {
    const { records, state } = await opened();
    await set(state, things, 'a', 1);
    await set(state, things, 'b', 2);
    records.get('things')?.delete('a');
    await expect(state.copy(isLeftOut)).rejects.toMatchObject({ name: 'SealedRecordError', id: 'a' });
  });
});
