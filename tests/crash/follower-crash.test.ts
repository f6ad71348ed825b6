import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { resourceRecordId } from '../../src/arm/resource.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { clusterResources } from '../../src/providers/kusto/cluster-record.ts';
import { rootKeyFileName } from '../../src/server/data-directory-names.ts';
import { callLocal, localToken } from '../../src/server/local-client.ts';
import type { LocalResult } from '../../src/server/local-client.ts';
import type { Seeded } from '../../src/server/seed.ts';
import { defaultSeed } from '../../src/server/seed.ts';
import { stateTables } from '../../src/server/state-tables.ts';
import { openRootKeyFile } from '../../src/state/root-key.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import { writeRecord } from '../../src/state/state.ts';
import type { StartedCommand } from '../support/kustody-command.ts';
import { serveKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { openLiveCluster } from '../support/live-cluster.ts';

const { resourceGroup, cluster: leaderName, database } = defaultSeed;
const attempts = Math.max(2, Math.floor(Number(process.env['KUSTODY_CRASH_RUNS'] ?? 40) / 20));

/** A server with the seeded cluster as leader, and a cluster `follower`. */
async function serve(data: string, known?: Seeded) {
  const server = await serveKustody(data);
  // One that a test that fails leaves behind has ports, and processes, that others ask about.
  onTestFinished(() => void server.process.kill('SIGKILL'));
  const leader = await openLiveCluster(data, known);
  const { environment } = leader;
  const armToken = await localToken(environment, 'https://management.azure.com');
  const kustoToken = await localToken(environment, 'https://kusto.kusto.windows.net');
  const clusters = `/subscriptions/${environment.subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Kusto/clusters`;
  const arm = (method: string, path: string, body?: object): Promise<LocalResult> =>
    callLocal(environment, {
      ...{ host: 'management.azure.com', method, path: `${clusters}/${path}?api-version=2024-04-13`, token: armToken },
      ...(body === undefined ? {} : { body: body as never }),
    });
  const state = async (name: string): Promise<unknown> =>
    ((await arm('GET', name)).value as { properties: { state: string } }).properties.state;
  return {
    ...{ server, leader, arm, clusters },
    states: async () => [await state(leaderName), await state('follower')],
    attach: () =>
      arm('PUT', 'follower/attachedDatabaseConfigurations/adc', {
        location: 'eastus',
        properties: {
          clusterResourceId: `${clusters}/${leaderName}`,
          databaseName: database,
          defaultPrincipalsModificationKind: 'Union',
        },
      }),
    readStatus: async () =>
      (
        await callLocal(environment, {
          ...{ host: 'follower.eastus.kusto.windows.net', method: 'POST', path: '/v2/rest/query', token: kustoToken },
          body: { db: database, csl: 'T' },
        })
      ).status,
  };
}

type Served = Awaited<ReturnType<typeof serve>>;

async function prepared(data: string): Promise<Served> {
  const served = await serve(data);
  await served.leader.command('.create table T (n: long)');
  const sku = { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 };
  expect((await served.arm('PUT', 'follower', { location: 'eastus', sku })).status).toBe(201);
  return served;
}

async function kill({ process, result }: StartedCommand): Promise<void> {
  process.kill('SIGKILL');
  expect(await result).toMatchObject({ signal: 'SIGKILL' });
}

/** As a crash leaves it that comes between the record of the leader's key and the mark of its follower. */
async function withoutMark(data: string, follower: string): Promise<void> {
  const rootKey = openRootKeyFile(join(data, rootKeyFileName), systemRandomBytes);
  const store = SqliteStateStore.open(data);
  const state = await SealedState.open({ store, rootKey, randomBytes: systemRandomBytes, tables: stateTables });
  const found = await state.get(clusterResources, resourceRecordId(follower));
  if (found === undefined) throw new Error('there is no follower');
  const properties = { ...found.value.properties };
  Reflect.deleteProperty(properties, 'heldByLeader');
  await state.commit({
    write: [writeRecord(clusterResources, found.id, found.version, { ...found.value, properties })],
  });
  await state.close();
  await store.close();
}

describe('a follower whose server is killed', () => {
  it(
    'stays suspended with its leader until it is resumed, whether or not it was marked',
    { timeout: 240_000 },
    async () => {
      using directory = temporaryDirectory();
      const data = join(directory.path, 'data');
      let served = await prepared(data);
      expect((await served.attach()).status).toBe(201);
      expect(await served.readStatus()).toBe(200);
      for (const isMarked of [true, false]) {
        const { server, leader } = served;
        const disabled = leader.setKeyEnabled(false).catch(() => undefined); // the answer may not come any more
        await expect.poll(() => served.states()).toEqual(['Unavailable', 'Unavailable']);
        await kill(server);
        await disabled;
        if (!isMarked) await withoutMark(data, `${served.clusters}/follower`);

        served = await serve(data, leader.seeded);
        expect(await served.states()).toEqual(['Unavailable', 'Unavailable']);
        expect(await served.readStatus()).toBe(503);
        await served.leader.setKeyEnabled(true);
        expect(await served.states()).toEqual(['Running', 'Unavailable']);
        expect(await served.readStatus()).toBe(503);
        expect((await served.arm('POST', 'follower/start')).status).toBe(202);
        expect(await served.readStatus()).toBe(200);
      }
      await kill(served.server);
    },
  );

  it(
    `follows a database or does not, whole, after a kill while attaching (${attempts} kills)`,
    { timeout: 240_000 + attempts * 30_000 },
    async () => {
      using directory = temporaryDirectory();
      const data = join(directory.path, 'data');
      let served = await prepared(data);
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        const { server, leader, arm, attach } = served;
        const attaching = attach().catch(() => undefined);
        for (let asked = randomInt(0, 6); asked > 0; asked -= 1) await arm('GET', 'follower');
        await kill(server);
        const acknowledged = (await attaching)?.status === 201;

        served = await serve(data, leader.seeded);
        const { status } = await served.arm('GET', 'follower/attachedDatabaseConfigurations/adc');
        if (acknowledged) expect(status).toBe(200);
        const followers = (await served.arm('POST', `${leaderName}/listFollowerDatabases`)).value as {
          value: object[];
        };
        expect([status, await served.readStatus(), followers.value.length]).toEqual(
          status === 200 ? [200, 200, 1] : [404, 400, 0],
        );
        expect((await served.attach()).status).toBe(status === 200 ? 200 : 201);
        expect(await served.readStatus()).toBe(200);
        await served.arm('DELETE', 'follower/attachedDatabaseConfigurations/adc');
        expect(await served.readStatus()).toBe(400);
      }
      await kill(served.server);
    },
  );
});
