import { expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { CatalogDamagedError } from '../../database/catalog/catalog-seal.ts';
import type { CatalogStore } from '../../database/catalog/catalog-store.ts';
import { SecondLayer } from '../../encryption/infrastructure/infrastructure-key.ts';
import { MemoryStateStore } from '../../state/memory/memory-state-store.ts';
import { RootKey } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import { ChannelBusyError, ChannelClosedError } from '../messages/channel.ts';
import type { StateListOptions, Table } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { CatalogState } from './remote-catalog-store.ts';
import { clearSide, clusterCatalogTable, createRemoteCatalogStore } from './remote-catalog-store.ts';
import { createRemoteState } from './remote-state.ts';

const write = { id: 'd/1', expect: null, put: { generation: 1, revision: 1, bytes: Buffer.from('sealed') } };
const storeWhoseCalls = (fail: () => Promise<never>) => {
  const clusterId = newGuid(systemRandomBytes);
  return createRemoteCatalogStore(createRemoteState({ clusterId, call: fail, generation: () => 1 }), clusterId);
};

it('a commit for which the channel has no room was not made: it is tried again, and nothing is broken', async () => {
  const store = storeWhoseCalls(() => Promise.reject(new ChannelBusyError('full')));
  expect(await store.commit([write])).toEqual({ outcome: 'changing' });
  expect(await store.commit([{ ...write, expect: 0 }])).toEqual({ outcome: 'changing' }); // which looks it up first
});

it('of a commit whose channel closes nobody knows what happened', async () => {
  const store = storeWhoseCalls(() => Promise.reject(new ChannelClosedError('gone')));
  await expect(store.commit([write])).rejects.toThrow(ChannelClosedError);
});

/** A state that tells of each list, and of each commit that clears, how many pages of extents were in it. */
async function watchedState() {
  const state = await SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(systemRandomBytes(32)),
    randomBytes: systemRandomBytes,
  });
  const [listed, cleared]: [number[], number[]] = [[], []];
  const watched: CatalogState = {
    get: (table, id) => state.get(table, id),
    list: async <T>(table: Table<T>, options?: StateListOptions) => {
      const found = await state.list(table, options);
      listed.push(found.filter(({ id }) => id.includes('/g/')).length);
      return found;
    },
    commit: (commit) => {
      cleared.push(commit.write.filter(({ id, put }) => id.includes('/g/') && put === null).length);
      return state.commit(commit);
    },
  };
  return { state, watched, listed, cleared };
}

const numbered = (kind: string, count: number): string[] =>
  Array.from({ length: count }, (_value, index) => `${kind}/${String(index).padStart(4, '0')}`);

async function loadAll(store: Pick<CatalogStore, 'load'>): Promise<string[]> {
  const loaded: string[] = [];
  for (let after: string | undefined; ;) {
    const page = await store.load(after);
    loaded.push(...page.map(({ id }) => id));
    after = page.at(-1)?.id;
    if (after === undefined) return loaded;
  }
}

it('pages of extents are read, looked up and cleared a few at a time, and all of them', async () => {
  const clusterId = newGuid(systemRandomBytes);
  const { state, watched, listed, cleared } = await watchedState();
  const store = createRemoteCatalogStore(watched, clusterId);
  const ids = [...numbered('d', 40), ...numbered('e', 1_100), ...numbered('g', 100), ...numbered('t', 40)];
  await store.commit(ids.map((id) => ({ ...write, id })));
  expect(await loadAll(store)).toEqual(ids);
  expect(Math.max(...listed)).toBe(32);
  expect(listed.length).toBeLessThan(20); // extents, which are small, come in large numbers

  listed.length = 0;
  const again = numbered('g', 8).map((id) => ({ ...write, id, expect: 0 }));
  expect(await store.commit(again)).toEqual({
    outcome: 'committed',
    versions: again.map((): unknown => expect.any(Number)),
  });
  expect(listed).toEqual([]);
  expect(await store.commit([{ ...write, id: 'g/none', expect: 0 }])).toEqual({ outcome: 'conflict' });

  const beside = writeRecord(clusterCatalogTable, `${clusterId}/~/g/1`, null, {
    ...{ format: 1, generation: 1, revision: 1, sealed: 'AAAA' },
  } as const);
  await state.commit({ write: [beside] });
  await clearSide(watched, clusterId, '', (gone) => watched.commit({ write: gone }));
  expect(Math.max(...listed, ...cleared)).toBe(32);
  const left = await state.list(clusterCatalogTable, { prefix: `${clusterId}/` });
  expect(left.map(({ id }) => id)).toEqual([`${clusterId}/~/g/1`]);
});

it('a listing of one side of a change of custody reads a few pages of the other, not a thousand', async () => {
  const clusterId = newGuid(systemRandomBytes);
  const { state, watched, listed } = await watchedState();
  const store = createRemoteCatalogStore(watched, clusterId);
  const ids = [...numbered('d', 3), 'head', ...numbered('l', 2_100), ...numbered('t', 20)];
  const beside = [...numbered('g', 300), 'head'].map((id) => `~/${id}`);
  const value = { format: 1, generation: 1, revision: 1, sealed: 'AAAA' } as const;
  const put = (some: readonly string[]) =>
    state.commit({ write: some.map((id) => writeRecord(clusterCatalogTable, `${clusterId}/${id}`, null, value)) });
  await put([...ids, ...beside.slice(0, -1)]); // laid out beside the catalog in use
  expect(await loadAll(store)).toEqual(ids);
  expect(Math.max(...listed)).toBe(32);
  expect(listed.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(64);
  expect(listed.length).toBeLessThan(16); // records of one kind come in large numbers
  await put(beside.slice(-1)); // the head has moved; what is left behind is counted, and cleared
  listed.length = 0;
  await clearSide(watched, clusterId, '', (gone) => watched.commit({ write: gone }));
  expect(listed.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(64);
  expect((await state.list(clusterCatalogTable, { prefix: `${clusterId}/` })).length).toBe(beside.length);
});

it('a record without the layers of its cluster is damage, not something to be believed', async () => {
  const clusterId = newGuid(systemRandomBytes);
  const state = await SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(systemRandomBytes(32)),
    randomBytes: systemRandomBytes,
  });
  const layer = new SecondLayer(Buffer.alloc(32, 1), systemRandomBytes);
  const other = new SecondLayer(Buffer.alloc(32, 2), systemRandomBytes);
  const under = (of?: SecondLayer) =>
    createRemoteCatalogStore(state, clusterId, { secondLayer: () => Promise.resolve(of) });
  await under(layer).commit([write]);
  expect(await under(layer).get('d/1')).toMatchObject({ sealed: { bytes: Buffer.from('sealed') } });
  expect(await under(layer).load(undefined)).toMatchObject([{ sealed: { bytes: Buffer.from('sealed') } }]);
  for (const wrong of [undefined, other]) {
    await expect(under(wrong).get('d/1')).rejects.toBeInstanceOf(CatalogDamagedError);
    await expect(under(wrong).load(undefined)).rejects.toBeInstanceOf(CatalogDamagedError);
  }
  // A backup that is set back lies on the other side, and what is kept of the catalog before beside both.
  const found = await state.get(clusterCatalogTable, `${clusterId}/d/1`);
  if (found === undefined) throw new Error('it is stored');
  const copies = ['~/head', '~/d/1', '~k/d/1'].map((id) => `${clusterId}/${id}`);
  await state.commit({ write: copies.map((id) => writeRecord(clusterCatalogTable, id, null, found.value)) });
  expect(await under(layer).get('d/1')).toMatchObject({ sealed: { bytes: Buffer.from('sealed') } });
  await expect(under(layer).get('head')).rejects.toBeInstanceOf(CatalogDamagedError); // of another record
  expect(await under(layer).setBack?.load(undefined)).toMatchObject([{ id: 'd/1', sealed: { generation: 1 } }]);
  const head = await state.get(clusterCatalogTable, `${clusterId}/~/head`);
  await state.commit({ write: [writeRecord(clusterCatalogTable, `${clusterId}/~/head`, head?.version ?? null, null)] });
  await under().commit([{ ...write, id: 'd/2' }]);
  await expect(under(layer).get('d/2')).rejects.toBeInstanceOf(CatalogDamagedError);
});
