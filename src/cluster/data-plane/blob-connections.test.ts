import { expect, it } from 'vitest';
import type { Guid } from '../../base/guid.ts';
import type { StorageKeysRecord } from '../../database/catalog/queued-records.ts';
import type { FoundBlob, Watched } from '../../database/queued/blob-watches.ts';
import type { BlobConnectionPorts } from './blob-connections.ts';
import { BlobConnections } from './blob-connections.ts';
import { readConnection, signConnection } from './storage/connection-token.ts';
import { signIdentity } from './storage/identity-token.ts';

it('are looked at once a minute of the Kustody clock, as long as there are any', async () => {
  let now = 1_000_000;
  let count = 0;
  const looked: string[] = [];
  const ports = {
    call: () =>
      Promise.resolve({
        ...{ databases: [], now },
        connections: Array.from({ length: count }, (_, index) => ({ connectionId: `c${index}`, databaseId: 'd' })),
      }),
    host: {
      tell: () => undefined,
      data: () =>
        Promise.resolve({
          ...{ setDatabases: () => Promise.resolve(), databases: () => [] },
          queued: { watches: { keepOnly: (ids: readonly string[]) => Promise.resolve(looked.push(...ids)) } },
        }),
    },
  } as unknown as BlobConnectionPorts;
  const job = new BlobConnections(ports);
  await job.prepare();
  expect(job.dueOn()).toBeUndefined(); // a cluster without any may rest
  count = 1;
  await job.prepare();
  expect(job.dueOn()).toBe(now);
  await job.run();
  expect([looked, job.dueOn()]).toEqual([['c0'], now + 60_000]);
  now -= 500_000;
  await job.prepare();
  expect(job.dueOn()).toBe(now); // the clock was put back
});

it('are looked at by one at a time', async () => {
  let [under, most] = [0, 0];
  const keepOnly = async (): Promise<void> => {
    most = Math.max(most, (under += 1));
    await new Promise((resolve) => setImmediate(resolve));
    under -= 1;
  };
  const data = { setDatabases: () => Promise.resolve(), databases: () => [], queued: { watches: { keepOnly } } };
  const job = new BlobConnections({
    call: () => Promise.resolve({ databases: [], connections: [], now: 1 }),
    host: { tell: () => undefined, data: () => Promise.resolve(data) },
  } as unknown as BlobConnectionPorts);
  await job.prepare();
  await Promise.all([job.run(), job.run(), job.run()]);
  expect(most).toBe(1);
});

it('take what was written since they were made, to the second, however late they are looked at', async () => {
  const taken: [Watched, readonly FoundBlob[]][] = [];
  const watches = {
    keepOnly: () => Promise.resolve(),
    floorOf: ({ since }: Watched) => since,
    take: (watched: Watched, found: readonly FoundBlob[]) => {
      taken.push([watched, found]);
      return Promise.resolve(0);
    },
  };
  const keys = { kind: 'storageKeys', accounts: [], identity: 'AAAA' };
  const database = { databaseId: 'd', name: 'db' };
  const data = {
    ...{ setDatabases: () => Promise.resolve(), databases: () => [database] },
    queued: { watches, ensureKeys: () => Promise.resolve(keys) },
  };
  const connections = ['slow', 'next'].map((connectionId) => ({
    connectionId,
    databaseId: 'd',
    createdOn: 5,
    since: 5_600,
  }));
  let wall = 6_000;
  const job = new BlobConnections({
    call: () => Promise.resolve({ databases: [], connections, now: 905 }),
    host: { tell: () => undefined, data: () => Promise.resolve(data) },
    wallClock: () => (wall += 60_000),
    lease: {},
    // eslint-disable-next-line @typescript-eslint/require-await
    list: async function* () {
      for (const modifiedOn of [4_000, 5_000, 6_000])
        yield { modifiedOn, etag: '1', metadata: {}, name: `b${modifiedOn}`, address: 'a', bytes: 1 };
    },
  } as unknown as BlobConnectionPorts);
  await job.prepare();
  await job.run();
  expect(
    taken.map(([{ connectionId, since }, found]) => [connectionId, since, found.map((one) => one.modifiedOn)]),
  ).toEqual([
    ['slow', 5_000, [5_000, 6_000]],
    ['next', 5_000, [5_000, 6_000]],
  ]);
});

it('have a token that nobody else can write', () => {
  const keys = { kind: 'storageKeys', accounts: [], identity: 'AAAA' } as StorageKeysRecord;
  const token = { connection: 'c', principal: 'p', database: 'db' };
  const text = signConnection(keys, token);
  expect(readConnection(keys, text)).toEqual(token);
  const anywhere = { connection: 'c', principal: 'p' };
  expect(readConnection(keys, signConnection(keys, anywhere))).toEqual(anywhere);
  expect(readConnection({ ...keys, identity: 'BBBB' }, text)).toBeUndefined();
  const [mark = '', payload = '', tag = ''] = text.split('.');
  const wider = Buffer.from(JSON.stringify({ connection: 'c', principal: 'p' })).toString('base64url');
  expect(readConnection(keys, `${mark}.${wider}.${tag}`)).toBeUndefined();
  const guid = '11111111-1111-1111-1111-111111111111' as Guid;
  const clients = signIdentity(keys, { objectId: guid, tenantId: guid, isUser: true, endsAt: 1 });
  for (const other of [clients, `connection.${clients}`, `connection.${payload}`, ''])
    expect(readConnection(keys, other)).toBeUndefined();
});
