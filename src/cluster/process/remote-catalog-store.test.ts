import { expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { CatalogDamagedError } from '../../database/catalog/catalog-seal.ts';
import { SecondLayer } from '../../encryption/infrastructure/infrastructure-key.ts';
import { MemoryStateStore } from '../../state/memory/memory-state-store.ts';
import { RootKey } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import { ChannelBusyError, ChannelClosedError } from '../messages/channel.ts';
import { writeRecord } from '../../state/state.ts';
import { clusterCatalogTable, createRemoteCatalogStore } from './remote-catalog-store.ts';
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
