import { expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { clusterCatalogTable } from '../../cluster/process/remote-catalog-store.ts';
import { MemoryStateStore } from '../../state/memory/memory-state-store.ts';
import { RootKey } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import type { State, StateListOptions, Table } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { catalogRecords, catalogStore } from './catalog-store.ts';

const value = { format: 1, generation: 1, revision: 1, sealed: 'AAAA' } as const;

it('a side is listed without reading through the other one', async () => {
  const clusterId = newGuid(systemRandomBytes);
  const state = await SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(systemRandomBytes(32)),
    randomBytes: systemRandomBytes,
  });
  const numbered = (prefix: string, count: number): string[] =>
    Array.from({ length: count }, (_value, index) => `${prefix}/${String(index).padStart(4, '0')}`);
  const [own, beside] = [numbered('t', 25), numbered('~/g', 300)];
  const write = [...own, ...beside].map((id) =>
    writeRecord(clusterCatalogTable, `${clusterId}/${id}`, null, { ...value }),
  );
  await state.commit({ write });
  let foreign = 0;
  const watched: State = Object.assign(Object.create(state) as State, {
    list: async <T>(table: Table<T>, options?: StateListOptions) => {
      const found = await state.list(table, options);
      foreign += found.filter(({ id }) => id.includes('/~/')).length;
      return found;
    },
  });
  const limit = 10;
  const store = catalogStore(watched, clusterId, '');
  const listed: string[] = [];
  for (let after: string | undefined; ;) {
    const page = await store.list(catalogRecords, { limit, ...(after === undefined ? {} : { after }) });
    listed.push(...page.map(({ id }) => id));
    after = page.at(-1)?.id;
    if (page.length < limit || after === undefined) break;
  }
  expect(listed).toEqual(own);
  expect(foreign).toBeLessThanOrEqual(limit);
  const other = await catalogStore(watched, clusterId, '~/').list(catalogRecords);
  expect(other.map(({ id }) => `~/${id}`)).toEqual(beside);
});
