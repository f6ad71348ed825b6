import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostAnswer } from '../../support/server-fixture.ts';
import { startServerFixture } from '../../support/server-fixture.ts';
import { azureClientsOf } from '../../support/azure-clients.ts';
import { createKeyVault, permitKeyUse } from './customer-key.ts';

type Fixture = Awaited<ReturnType<typeof startServerFixture>>;

const vaultUri = 'https://leader-vault.vault.azure.net/';
let fixture: Fixture;
let tokens: { readonly arm: string; readonly kusto: string };
let principal: string;
let clusters: string;

const arm = (method: string, path: string, body?: unknown, version = '2024-04-13'): Promise<HostAnswer> =>
  fixture.send({
    ...{ host: 'management.azure.com', method, token: tokens.arm, body },
    path: `${path.startsWith('/') ? path : `${clusters}/${path}`}?api-version=${version}`,
  });
const post = (cluster: string, path: string, body: unknown): Promise<HostAnswer> =>
  fixture.send({
    ...{ host: `${cluster}.eastus.kusto.windows.net`, method: 'POST', path, token: tokens.kusto, body },
    headers: { accept: 'application/json' },
  });
const command = (cluster: string, db: string, csl: string) => post(cluster, '/v1/rest/mgmt', { db, csl });
const query = (cluster: string, db: string, csl: string) => post(cluster, '/v2/rest/query', { db, csl });
const checkKeys = () =>
  fixture.send({ host: 'localhost', method: 'POST', path: '/check-keys', token: fixture.server.controlToken });
const attach = (properties: object, name = 'adc') =>
  arm('PUT', `follower/attachedDatabaseConfigurations/${name}`, {
    location: 'eastus',
    properties: {
      clusterResourceId: `${clusters}/leader`,
      databaseName: 'logs',
      defaultPrincipalsModificationKind: 'Union',
      ...properties,
    },
  });
const detach = (name = 'adc') => arm('DELETE', `follower/attachedDatabaseConfigurations/${name}`);
const stateOf = async (cluster: string): Promise<unknown> => {
  const { body } = await arm('GET', cluster);
  return (body as { properties: { state: string } }).properties.state;
};

const permit = (operation: 'add' | 'remove') => permitKeyUse(fixture, 'leader-vault', principal, operation);

beforeAll(async () => {
  fixture = await startServerFixture();
  tokens = {
    arm: await fixture.tokenFor('https://management.azure.com'),
    kusto: await fixture.tokenFor('https://kusto.kusto.windows.net'),
  };
  const { subscriptionId } = fixture.environment;
  const group = `/subscriptions/${subscriptionId}/resourceGroups/rg1`;
  clusters = `${group}/providers/Microsoft.Kusto/clusters`;
  await arm('PUT', group, { location: 'eastus' }, '2021-04-01');
  const azure = azureClientsOf(fixture);
  await createKeyVault(fixture, 'leader-vault');
  await azure.keysOf(vaultUri).createRsaKey('leader-key');
  for (const cluster of ['leader', 'follower'])
    await arm('PUT', cluster, {
      location: 'eastus',
      identity: { type: 'SystemAssigned' },
      sku: { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 },
      properties: { enableStreamingIngest: true },
    });
  const { body } = await arm('GET', 'leader');
  principal = (body as { identity: { principalId: string } }).identity.principalId;
  await permit('add');
  const keyed = await arm('PATCH', 'leader', {
    properties: { keyVaultProperties: { keyName: 'leader-key', keyVaultUri: vaultUri, keyVersion: '' } },
  });
  expect(keyed.status).toBe(202);
  for (const database of ['leader/databases/logs', 'leader/databases/hidden', 'follower/databases/own'])
    await arm('PUT', database, { location: 'eastus', kind: 'ReadWrite' });
  for (const table of ['T', 'Secret']) {
    await command('leader', 'logs', `.create table ${table} (n:long)`);
    await command('leader', 'logs', `.ingest inline into table ${table} <| 7`);
  }
  await command('leader', 'hidden', '.create table H (n:long)');
  await command('follower', 'own', '.create table O (n:long)');
  await command('follower', 'own', '.ingest inline into table O <| 5');
});

afterAll(() => fixture[Symbol.asyncDispose]());

describe('a database that follows another cluster', () => {
  it('appears in the follower, to read', async () => {
    expect((await query('follower', 'logs', 'T')).status).toBe(400);
    expect((await attach({})).status).toBe(201);
    expect((await query('follower', 'logs', 'T | where n > 0')).text).toContain('"Rows":[[7]]');
    expect((await command('follower', 'own', '.show databases')).text).toMatch(/"logs",[^[\]]*"ReadOnlyFollowing"/);
    expect((await command('follower', 'logs', '.show tables')).text).toContain('"Secret"');
    expect((await command('follower', 'logs', '.show database schema as json')).text).toContain('ReadOnlyFollowing');
    const { body } = await arm('GET', 'follower/databases/logs');
    expect(body).toMatchObject({
      name: 'follower/logs',
      kind: 'ReadOnlyFollowing',
      properties: {
        leaderClusterResourceId: expect.stringMatching(/clusters\/leader$/i) as string,
        attachedDatabaseConfigurationName: 'adc',
        principalsModificationKind: 'Union',
        originalDatabaseName: 'logs',
        databaseShareOrigin: 'Direct',
        provisioningState: 'Succeeded',
      },
    });
    const listed = (await arm('GET', 'follower/databases')).body as { value: { name: string; kind: string }[] };
    expect(listed.value.map(({ name, kind }) => [name, kind])).toEqual([
      ['follower/logs', 'ReadOnlyFollowing'],
      ['follower/own', 'ReadWrite'],
    ]);
    expect((await arm('GET', 'leader/databases/logs')).body).toMatchObject({ properties: { isFollowed: true } });
    await command('leader', 'logs', '.ingest inline into table T <| 8');
    expect((await query('follower', 'logs', 'T | count')).text).toContain('"Rows":[[2]]');
  });

  it('has the materialized views of the leader, and takes none', async () => {
    const view = 'materialized-view V on table T { T | summarize Rows = count() by n }';
    await command('leader', 'logs', `.create ${view}`);
    await command('leader', 'logs', '.ingest inline into table T <| 8');
    for (const csl of ['V', "materialized_view('V', 0s)"])
      expect((await query('follower', 'logs', csl)).text).toContain('"Rows":[[8,1]]');
    expect((await command('follower', 'logs', '.show materialized-views')).text).toContain('["V","T"');
    expect((await command('follower', 'logs', '.show materialized-view V policy caching')).status).toBe(200);
    for (const csl of [
      `.create-or-alter ${view}`,
      '.drop materialized-view V',
      '.show materialized-view V extents',
      '.show materialized-views details',
    ])
      expect([csl, (await command('follower', 'logs', csl)).status]).toEqual([csl, 400]);
    expect((await query('leader', 'logs', 'V')).text).toContain('"Rows":[[8,1]]');
  });

  it('takes nothing', async () => {
    const streamed = await fixture.send({
      ...{ host: 'follower.eastus.kusto.windows.net', method: 'POST', token: tokens.kusto, body: '8\n' },
      path: '/v1/rest/ingest/logs/T?streamFormat=csv',
    });
    for (const answer of [
      streamed,
      await command('follower', 'logs', '.create table New (n:long)'),
      await command('follower', 'logs', '.ingest inline into table T <| 9'),
      await command('follower', 'logs', '// c\n .drop table T'),
      await query('follower', 'logs', 'H'),
      await query('follower', 'logs', "database('hidden').H"),
      await query('follower', 'own', "union O, database('logs').T"),
      await query('follower', 'logs', "union T, database('own').O"),
      await command('follower', 'logs', '.show tables details'),
      await command('follower', 'logs', '.show table T extents'),
    ])
      expect([answer.status, answer.text.slice(0, 300)]).toEqual([400, expect.any(String)]);
    expect((await query('follower', 'own', "union O, database('logs').T")).text).toContain('databases of two clusters');
    expect((await query('follower', 'logs', "database('own').O")).text).toContain('databases of two clusters');
    expect((await query('leader', 'logs', 'T | count')).text).toContain('"Rows":[[3]]');
    expect((await arm('DELETE', 'follower/databases/logs')).status).toBe(501);
    expect((await arm('DELETE', 'leader/databases/logs')).status).toBe(400);
    expect((await arm('DELETE', 'leader')).status).toBe(400);
  });

  it('is not to be had from the leader in the name of the follower', async () => {
    const answer = await fixture.send({
      ...{ host: 'leader.eastus.kusto.windows.net', method: 'POST', path: '/v2/rest/query', token: tokens.kusto },
      ...{ body: { db: 'logs', csl: 'T' }, headers: { 'x-kustody-follower': 'made-up' } },
    });
    expect(answer.status).toBe(403);
  });

  it('has the name and the tables that its configuration says', async () => {
    expect((await detach()).status).toBe(202);
    await attach({ databaseNameOverride: 'renamed', tableLevelSharingProperties: { tablesToExclude: ['Sec*'] } });
    expect((await query('follower', 'renamed', 'T | count')).text).toContain('"Rows":[[3]]');
    expect((await query('follower', 'renamed', "database('renamed').T | count")).text).toContain('"Rows":[[3]]');
    for (const csl of ['Secret', "database('renamed').Secret", "table('Secret')", "database('logs').Secret"])
      expect((await query('follower', 'renamed', csl)).status).toBe(400);
    expect((await query('follower', 'logs', 'T')).status).toBe(400);
    expect((await command('follower', 'renamed', '.show tables')).text).not.toContain('Secret');
    await detach();
    await attach({ databaseName: '*', databaseNamePrefix: 'all-' });
    expect((await query('follower', 'all-logs', 'Secret | count')).text).toContain('"Rows":[[1]]');
    expect((await query('follower', 'all-hidden', 'H | count')).text).toContain('"Rows":[[0]]');
    await detach();
  });

  it('goes with the leader\u2019s key, and the follower as a whole', async () => {
    await attach({});
    await permit('remove');
    await checkKeys();
    for (const [cluster, db, csl] of [
      ['leader', 'logs', 'T'],
      ['follower', 'logs', 'T'],
      ['follower', 'logs', 'V'],
      ['follower', 'own', 'O'],
    ] as const) {
      const answer = await query(cluster, db, csl);
      expect([answer.status, answer.text]).toEqual([503, expect.stringContaining('leader-key')]);
    }
    expect([await stateOf('leader'), await stateOf('follower')]).toEqual(['Unavailable', 'Unavailable']);
    await arm('POST', 'follower/start');
    expect(await stateOf('follower')).toBe('Unavailable');
  });

  it('is back when the key is and the follower is resumed', async () => {
    await permit('add');
    await checkKeys();
    expect((await query('leader', 'logs', 'T | count')).text).toContain('"Rows":[[3]]');
    expect((await query('follower', 'own', 'O')).status).toBe(503);
    expect((await arm('POST', 'follower/start')).status).toBe(202);
    expect((await query('follower', 'own', 'O')).text).toContain('"Rows":[[5]]');
    expect((await query('follower', 'logs', 'T | count')).text).toContain('"Rows":[[3]]');
    expect((await query('follower', 'logs', 'V')).text).toContain('"Rows":[[8,1]]');
  });

  it('lets the follower go on alone once it is detached', async () => {
    await permit('remove');
    await checkKeys();
    expect((await query('follower', 'own', 'O')).status).toBe(503);
    expect((await detach()).status).toBe(202);
    expect((await query('follower', 'own', 'O')).status).toBe(503);
    expect((await arm('POST', 'follower/start')).status).toBe(202);
    expect((await query('follower', 'own', 'O')).text).toContain('"Rows":[[5]]');
    expect((await query('follower', 'logs', 'T')).status).toBe(400);
    expect((await query('leader', 'logs', 'T')).status).toBe(503);
  });
});
