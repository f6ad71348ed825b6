import { expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { ChannelBusyError, ChannelClosedError } from '../messages/channel.ts';
import { createRemoteCatalogStore } from './remote-catalog-store.ts';
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
