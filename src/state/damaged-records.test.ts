import { expect, it } from 'vitest';
import type { Json } from '../base/json.ts';
import { systemRandomBytes } from '../base/random.ts';
import { listAll, listIntact } from './list-all.ts';
import type { MemoryRecords } from './memory/memory-state-store.ts';
import { MemoryStateStore } from './memory/memory-state-store.ts';
import { RootKey } from './root-key.ts';
import { SealedState } from './sealed/sealed-state.ts';
import type { Table } from './state.ts';
import { sharedOwner } from './table-rows.ts';
import { writeRecord } from './state.ts';

const numbers: Table<Json> = { name: 'numbers', parse: (value) => value };
const history: Table<Json> = { name: 'history', parse: (value) => value };

/** Ten records in each table, `r3` and `r4` of them flipped, read by a state that keeps a record of what it was told. */
async function damaged() {
  const records: MemoryRecords = new Map();
  const told: string[] = [];
  const open = () =>
    SealedState.open({
      store: new MemoryStateStore(records),
      rootKey: new RootKey(Buffer.alloc(32, 1)),
      randomBytes: systemRandomBytes,
      tables: [{ table: history, owner: sharedOwner('history'), losable: true }],
      damaged: ({ table, id }) => void told.push(`${table}/${id}`),
    });
  const first = await open();
  for (const table of [numbers, history]) {
    await first.commit({ write: Array.from({ length: 10 }, (_, n) => writeRecord(table, `r${n}`, null, n)) });
    for (const id of ['r3', 'r4']) {
      const record = records.get(table.name)?.get(id);
      if (record !== undefined) record.value[record.value.length - 20] = 0xaa ^ (record.value.at(-20) ?? 0);
    }
  }
  return { state: await open(), told };
}

it('names table and id of what does not open, to the reader and once to the log', async () => {
  const { state, told } = await damaged();
  const named = {
    name: 'SealedRecordError',
    table: 'numbers',
    id: 'r3',
    message: expect.stringContaining('numbers/r3') as string,
  };
  await expect(state.get(numbers, 'r3')).rejects.toMatchObject(named);
  await expect(listAll(state, numbers)).rejects.toMatchObject(named);
  expect(told).toEqual(['numbers/r3']);
  const refusing = { ...numbers, parse: () => JSON.parse('{') as Json };
  const unreadable = {
    name: 'SealedRecordError',
    damage: 'unreadable',
    message: expect.stringContaining('numbers/r1') as string,
  };
  await expect(state.get(refusing, 'r1')).rejects.toMatchObject(unreadable);
});

it('leaves out of a list what is damaged when the reader says so, without ending the list there', async () => {
  const { state } = await damaged();
  expect((await listIntact(state, numbers)).map(({ value }) => value)).toEqual([0, 1, 2, 5, 6, 7, 8, 9]);
  const page = await state.list(numbers, { after: 'r1', limit: 3, damaged: () => undefined });
  expect(page.map(({ id }) => id)).toEqual(['r2', 'r5', 'r6']);
  await expect(state.list(numbers, { after: 'r1', limit: 3 })).rejects.toMatchObject({ id: 'r3' });
});

it('reads a table of history around what is damaged, and writes it again', async () => {
  const { state, told } = await damaged();
  expect((await state.list(history, { limit: 4 })).map(({ id }) => id)).toEqual(['r0', 'r1', 'r2', 'r5']);
  expect(await state.get(history, 'r3')).toBeUndefined();
  await state.commit({ write: [writeRecord(history, 'r3', null, 33)] });
  expect((await state.get(history, 'r3'))?.value).toBe(33);
  await expect(state.commit({ write: [writeRecord(history, 'r0', null, 0)] })).rejects.toThrow('has changed');
  expect(told).toEqual(['history/r3', 'history/r4']);
});
