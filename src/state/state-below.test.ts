import { expect, it } from 'vitest';
import { systemRandomBytes } from '../base/random.ts';
import { listAll } from './list-all.ts';
import { MemoryStateStore } from './memory/memory-state-store.ts';
import { RootKey } from './root-key.ts';
import { SealedState } from './sealed/sealed-state.ts';
import type { State, Table } from './state.ts';
import { writeRecord } from './state.ts';
import { stateBelow } from './state-below.ts';

const table: Table<{ readonly n: number }> = { name: 'things', parse: (value) => value as { n: number } };
const shouting: Table<string> = { name: 'things', parse: (value) => `${(value as { n: number }).n}!` };

async function stateWith(ids: readonly string[]): Promise<State> {
  const state = await SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(systemRandomBytes(32)),
    randomBytes: systemRandomBytes,
  });
  await state.commit({ write: ids.map((id, n) => writeRecord(table, id, null, { n })) });
  return state;
}

it('tells what the state tells, by id, by prefix, and page by page', async () => {
  const ids = ['a/x', 'b/1', 'b/1/p', 'b/1/q', 'b/10', 'b/10/p', 'b/2', 'c/x'];
  const state = await stateWith(ids);
  const below = await stateBelow(state, table, 'b/');
  for (const id of ids.filter((one) => one.startsWith('b/'))) {
    expect(await below.get(table, id)).toEqual(await state.get(table, id));
    expect(await below.list(table, { prefix: `${id}/` })).toEqual(await state.list(table, { prefix: `${id}/` }));
  }
  expect(await below.get(table, 'b/3')).toBeUndefined();
  expect((await below.get(shouting, 'b/2'))?.value).toBe('6!');
  for (const options of [{ prefix: 'b/' }, { prefix: 'b/1', limit: 2 }, { prefix: 'b/1', after: 'b/1/p', limit: 2 }])
    expect(await below.list(table, options)).toEqual(await state.list(table, options));
  expect(await listAll(below, table, 'b/1')).toHaveLength(5);
});

it('asks the state once, and says nothing of what it has not read', async () => {
  const state = await stateWith(['b/1', 'b/2']);
  let lists = 0;
  const counted: State = {
    get: (one, id) => state.get(one, id),
    list: (one, options) => {
      lists += 1;
      return state.list(one, options);
    },
    commit: (commit) => state.commit(commit),
  };
  const below = await stateBelow(counted, table, 'b/');
  for (const id of ['b/1', 'b/2']) await below.list(table, { prefix: `${id}/` });
  expect(lists).toBe(1);
  expect(() => below.get(table, 'a/1')).toThrow('only what was read');
  expect(() => below.list({ ...table, name: 'others' }, { prefix: 'b/' })).toThrow('only what was read');
});
