import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseVersionedKeyId } from '../../../src/base/key-id.ts';
import { dependants } from '../../../src/cli/custody/lineage.ts';
import type { ShownEvents } from '../../../src/server/audit-routes.ts';
import type { ClusterDescription } from '../../../src/server/cluster-inventory.ts';
import { azureClientsOf } from '../../support/azure-clients.ts';
import type { HostAnswer } from '../../support/server-fixture.ts';
import { startServerFixture } from '../../support/server-fixture.ts';
import { createKeyVault, permitKeyUse } from './customer-key.ts';

type Fixture = Awaited<ReturnType<typeof startServerFixture>>;

const clusterName = 'rekeyed';
const host = `${clusterName}.eastus.kusto.windows.net`;
const vaultName = (which: string): string => `rekeyed-${which}`;
const vaultUri = (which: string): string => `https://${vaultName(which)}.vault.azure.net/`;
const directory = mkdtempSync(join(tmpdir(), 'kustody-database-key-changes-'));

let fixture: Fixture;
let tokens: { readonly arm: string; readonly kusto: string };
let path: string;
let principal: string;
const versions = new Map<string, string>();

async function start(): Promise<void> {
  fixture = await startServerFixture({ dataDirectory: directory });
  tokens = {
    arm: await fixture.tokenFor('https://management.azure.com'),
    kusto: await fixture.tokenFor('https://kusto.kusto.windows.net'),
  };
  path = `/subscriptions/${fixture.environment.subscriptionId}/resourceGroups/rg1/providers/Microsoft.Kusto/clusters/${clusterName}`;
}

const arm = (method: string, below: string, body?: unknown, version = '2024-04-13'): Promise<HostAnswer> =>
  fixture.send({
    ...{ host: 'management.azure.com', method, token: tokens.arm, body },
    path: `${path}${below}?api-version=${version}`,
  });
const post = (where: string, body: unknown): Promise<HostAnswer> =>
  fixture.send({
    host,
    method: 'POST',
    path: where,
    token: tokens.kusto,
    body,
    headers: { accept: 'application/json' },
  });
const command = (db: string, csl: string) => post('/v1/rest/mgmt', { db, csl });
const rowsOf = async (db: string): Promise<string> =>
  (await post('/v2/rest/query', { db, csl: 'T | order by n asc' })).text;
const patch = (keyVaultProperties: unknown, version?: string) =>
  arm('PATCH', '/databases/db', { kind: 'ReadWrite', properties: { keyVaultProperties } }, version);
const key = (which: string, named = true) => ({
  keyName: which,
  keyVaultUri: vaultUri(which),
  ...(named ? { keyVersion: versions.get(which) ?? '' } : {}),
});
const checkKeys = () =>
  fixture.send({ host: 'localhost', method: 'POST', path: '/check-keys', token: fixture.server.controlToken });
const clusters = () =>
  fixture.send({ host: 'localhost', method: 'GET', path: '/clusters', token: fixture.server.controlToken });
const permit = (which: string, operation: 'add' | 'remove') =>
  permitKeyUse(fixture, vaultName(which), principal, operation);

/** Rows of the log and of extents. */
async function ingest(n: number): Promise<void> {
  expect((await command('db', `.ingest inline into table T <| ${n}`)).status).toBe(200);
  const streamed = await fixture.send({
    ...{ host, method: 'POST', token: tokens.kusto, body: `${n + 1}\n` },
    path: `/v1/rest/ingest/db/T?streamFormat=csv`,
  });
  expect(streamed.status).toBe(200);
}

/** Nobody reads with the key that was left behind, and a process that starts anew finds all rows. */
async function expectRows(rows: string): Promise<void> {
  await checkKeys();
  expect(await rowsOf('db')).toContain(`"Rows":${rows}`);
  expect(await rowsOf('plain')).toContain('"Rows":[[1]]');
  await fixture[Symbol.asyncDispose]();
  await start();
  expect(await rowsOf('db')).toContain(`"Rows":${rows}`);
  expect(await rowsOf('plain')).toContain('"Rows":[[1]]');
}

beforeAll(async () => {
  await start();
  const { subscriptionId } = fixture.environment;
  await fixture.send({
    ...{ host: 'management.azure.com', method: 'PUT', token: tokens.arm, body: { location: 'eastus' } },
    path: `/subscriptions/${subscriptionId}/resourceGroups/rg1?api-version=2021-04-01`,
  });
  for (const which of ['one', 'two']) {
    await createKeyVault(fixture, vaultName(which));
    const made = await azureClientsOf(fixture).keysOf(vaultUri(which)).createRsaKey(which);
    versions.set(which, made.properties.version ?? '');
  }
  await arm('PUT', '', {
    location: 'eastus',
    identity: { type: 'SystemAssigned' },
    sku: { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 },
    properties: { enableStreamingIngest: true },
  });
  const { body } = await arm('GET', '');
  principal = (body as { identity: { principalId: string } }).identity.principalId;
  for (const db of ['db', 'plain']) {
    await arm('PUT', `/databases/${db}`, { location: 'eastus', kind: 'ReadWrite', properties: {} });
    await command(db, '.create table T (n:long)');
    await command(db, '.alter table T policy streamingingestion enable');
  }
  await command('plain', '.ingest inline into table T <| 1');
  await ingest(1);
});

afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

describe('the key of a database that is there', () => {
  it('is added, with the errors of a cluster that takes such a key', async () => {
    const refused = await patch(key('one'));
    expect(refused.body).toMatchObject({ error: { code: 'IdentityDoesNotHaveAccessToKeyVault' } });
    expect((await patch(key('one'), '2022-12-29')).status).toBe(501);
    expect((await arm('GET', '/databases/db')).text).not.toContain('keyVaultProperties');
    await permit('one', 'add');
    expect((await patch({ ...key('one'), keyName: 'none' })).body).toMatchObject({ error: { code: 'KeyNotFound' } });
    const added = await patch(key('one'));
    expect(added.status).toBe(202);
    expect(added.body).toMatchObject({ properties: { keyVaultProperties: key('one') } });
    await ingest(3);
    await expectRows('[[1],[2],[3],[4]]');
  });

  it('is named by lineage and by the audit of its vault', async () => {
    const kid = `${vaultUri('one')}keys/one/${versions.get('one') ?? ''}`;
    const named = parseVersionedKeyId(kid);
    if (named === undefined) throw new Error('this is a key');
    const { clusters: all } = (await clusters()).body as { clusters: readonly ClusterDescription[] };
    const database = { name: 'db', kid, followsLatest: false };
    expect(dependants(all, named)).toMatchObject([{ name: clusterName, databaseKeys: [database] }]);
    const asked = await fixture.send({
      ...{ host: 'localhost', method: 'GET', token: fixture.server.controlToken },
      path: `/audit/events?vault=${vaultName('one')}`,
    });
    const { events } = asked.body as ShownEvents;
    const used = events.map(({ event }) => event).filter((event) => JSON.stringify(event).includes(principal));
    for (const operationName of ['KeyWrap', 'KeyUnwrap'])
      expect(used).toContainEqual(
        expect.objectContaining({
          operationName,
          resultType: 'Success',
          properties: expect.objectContaining({ id: kid }) as unknown,
        }),
      );
  });

  it('is needed from then on for the rows that were there before, too', async () => {
    await permit('one', 'remove');
    expect((await checkKeys()).body).toMatchObject({
      clusters: [{ suspended: false, databases: [{ name: 'db', suspended: true }] }],
    });
    expect((await post('/v2/rest/query', { db: 'db', csl: 'T' })).status).toBe(503);
    expect(await rowsOf('plain')).toContain('"Rows":[[1]]');
  });

  it('is neither changed nor removed by whoever may only change the database', async () => {
    await permit('two', 'add');
    for (const to of [key('two'), {}]) {
      const { status, text } = await patch(to);
      expect(status).toBe(400);
      expect(text).toContain('IdentityDoesNotHaveAccessToKeyVault');
      expect(text).toContain(vaultName('one'));
    }
    expect((await patch({}, '2022-12-29')).status).toBe(501);
  });

  it('is another key in another vault, and the first one may be destroyed', async () => {
    await permit('one', 'add');
    await checkKeys();
    expect((await patch(key('two', false))).status).toBe(202);
    expect((await arm('GET', '/databases/db')).body).toMatchObject({
      properties: { keyVaultProperties: { keyName: 'two', keyVaultUri: vaultUri('two') } },
    });
    const keys = azureClientsOf(fixture).keysOf(vaultUri('one'));
    await (await keys.beginDeleteKey('one')).pollUntilDone();
    await permit('one', 'remove');
    await ingest(5);
    await expectRows('[[1],[2],[3],[4],[5],[6]]');
  });

  it('that names no version follows its key', async () => {
    const keys = azureClientsOf(fixture).keysOf(vaultUri('two'));
    const [old, next] = [versions.get('two') ?? '', (await keys.createRsaKey('two')).properties.version ?? ''];
    expect((await checkKeys()).body).toMatchObject({
      clusters: [{ databases: [{ name: 'db', kid: `${vaultUri('two')}keys/two/${next}`, suspended: false }] }],
    });
    await keys.updateKeyProperties('two', old, { enabled: false });
    await expectRows('[[1],[2],[3],[4],[5],[6]]');
  });

  it('is removed, and then needed no more', async () => {
    expect((await patch({})).status).toBe(202);
    expect((await arm('GET', '/databases/db')).text).not.toContain('keyVaultProperties');
    await permit('two', 'remove');
    await ingest(7);
    await expectRows('[[1],[2],[3],[4],[5],[6],[7],[8]]');
    expect((await clusters()).text).not.toContain('databaseKeys');
  });
});
