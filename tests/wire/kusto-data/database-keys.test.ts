import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostAnswer } from '../../support/server-fixture.ts';
import { startServerFixture } from '../../support/server-fixture.ts';
import { azureClientsOf } from '../../support/azure-clients.ts';
import { createKeyVault, permitKeyUse } from './customer-key.ts';

type Fixture = Awaited<ReturnType<typeof startServerFixture>>;

const clusterName = 'ownkeys';
const host = `${clusterName}.eastus.kusto.windows.net`;
const vaultUri = 'https://ownkeys-vault.vault.azure.net/';
const directory = mkdtempSync(join(tmpdir(), 'kustody-database-keys-'));

let fixture: Fixture;
let tokens: { readonly arm: string; readonly kusto: string };
let clusterPath: string;
let principal: string;
let versions: readonly string[];

async function start(): Promise<void> {
  fixture = await startServerFixture({ dataDirectory: directory });
  tokens = {
    arm: await fixture.tokenFor('https://management.azure.com'),
    kusto: await fixture.tokenFor('https://kusto.kusto.windows.net'),
  };
  clusterPath = `/subscriptions/${fixture.environment.subscriptionId}/resourceGroups/rg1/providers/Microsoft.Kusto/clusters/${clusterName}`;
}

const arm = (method: string, path: string, body?: unknown, version = '2024-04-13'): Promise<HostAnswer> =>
  fixture.send({
    ...{ host: 'management.azure.com', method, token: tokens.arm, body },
    path: `${path}?api-version=${version}`,
  });
const post = (path: string, body: unknown): Promise<HostAnswer> =>
  fixture.send({ host, method: 'POST', path, token: tokens.kusto, body, headers: { accept: 'application/json' } });
const command = (db: string, csl: string) => post('/v1/rest/mgmt', { db, csl });
const query = (db: string, csl: string) => post('/v2/rest/query', { db, csl });
const checkKeys = () =>
  fixture.send({ host: 'localhost', method: 'POST', path: '/check-keys', token: fixture.server.controlToken });
const key = (version = versions[0]) => ({ keyName: 'db-key', keyVaultUri: vaultUri, keyVersion: version ?? '' });
const database = (keyVaultProperties?: unknown) => ({
  location: 'eastus',
  kind: 'ReadWrite',
  properties: keyVaultProperties === undefined ? {} : { keyVaultProperties },
});

const permit = (operation: 'add' | 'remove') => permitKeyUse(fixture, 'ownkeys-vault', principal, operation);

beforeAll(async () => {
  await start();
  const azure = azureClientsOf(fixture);
  const { subscriptionId } = fixture.environment;
  await arm('PUT', `/subscriptions/${subscriptionId}/resourceGroups/rg1`, { location: 'eastus' }, '2021-04-01');
  await createKeyVault(fixture, 'ownkeys-vault');
  const keys = azure.keysOf(vaultUri);
  const made = [await keys.createRsaKey('db-key'), await keys.createRsaKey('db-key'), await keys.createRsaKey('other')];
  versions = made.map(({ properties }) => properties.version ?? '');
  await arm('PUT', clusterPath, {
    location: 'eastus',
    identity: { type: 'SystemAssigned' },
    sku: { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 },
    properties: { enableStreamingIngest: true },
  });
  const { body } = await arm('GET', clusterPath);
  principal = (body as { identity: { principalId: string } }).identity.principalId;
  await arm('PUT', `${clusterPath}/databases/plain`, database());
});

afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

describe('a database with a key of its own', () => {
  it('is refused with the errors of a cluster that takes such a key', async () => {
    const codeOf = async (properties: unknown, version?: string): Promise<unknown> => {
      const { status, body } = await arm('PUT', `${clusterPath}/databases/sealed`, database(properties), version);
      return [status, (body as { error: { code: string } }).error.code];
    };
    expect(await codeOf(key())).toEqual([400, 'IdentityDoesNotHaveAccessToKeyVault']);
    expect(await codeOf({ keyName: 'db-key' })).toEqual([400, 'InvalidKeyVaultProperties']);
    expect(await codeOf({ ...key(), userIdentity: '/subscriptions/x' })).toEqual([403, 'LinkedAuthorizationFailed']);
    expect(await codeOf({ keyName: 'k', keyVaultUri: 'https://nowhere-at-all.vault.azure.net' })).toEqual([
      400,
      'KeyVaultNotFound',
    ]);
    expect(await codeOf(key(), '2022-12-29')).toEqual([501, 'NotImplemented']);
    expect((await arm('GET', `${clusterPath}/databases/sealed`)).status).toBe(404);
    await permit('add');
    expect(await codeOf({ ...key(), keyName: 'no-such-key' })).toEqual([400, 'KeyNotFound']);
  });

  it('is made with it and shows it', async () => {
    const made = await arm('PUT', `${clusterPath}/databases/sealed`, database(key()));
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ properties: { keyVaultProperties: key(), provisioningState: 'Creating' } });
    const { body } = await arm('GET', `${clusterPath}/databases/sealed`);
    expect(body).toMatchObject({ properties: { keyVaultProperties: { ...key(), userIdentity: null } } });
    expect((await arm('PUT', `${clusterPath}/databases/sealed`, database(key()))).status).toBe(200);
    const older = await arm('GET', `${clusterPath}/databases/sealed`, undefined, '2022-12-29');
    expect(JSON.stringify(older.body)).not.toContain('keyVaultProperties');
  });

  it('takes rows and gives them back', async () => {
    for (const db of ['plain', 'sealed']) {
      expect((await command(db, '.create table T (n:long)')).status).toBe(200);
      expect((await command(db, '.alter table T policy streamingingestion enable')).status).toBe(200);
      expect((await command(db, '.ingest inline into table T <| 7')).status).toBe(200);
      const streamed = await fixture.send({
        ...{ host, method: 'POST', token: tokens.kusto, body: '8\n' },
        path: `/v1/rest/ingest/${db}/T?streamFormat=csv`,
      });
      expect(streamed.status).toBe(200);
      expect((await query(db, 'T | order by n asc')).text).toContain('"Rows":[[7],[8]]');
    }
  });

  it('takes another version of its key', async () => {
    const path = `${clusterPath}/databases/sealed`;
    const rotated = { kind: 'ReadWrite', properties: { keyVaultProperties: key(versions[1]) } };
    expect((await arm('PATCH', path, rotated)).status).toBe(202);
    expect((await arm('GET', path)).body).toMatchObject({ properties: { keyVaultProperties: key(versions[1]) } });
    expect((await query('sealed', 'T | count')).text).toContain('"Rows":[[2]]');
  });

  it('is out of use alone when its key is taken away', async () => {
    await permit('remove');
    const kid = `${vaultUri}keys/db-key/${versions[1] ?? ''}`;
    expect((await checkKeys()).body).toMatchObject({
      clusters: [
        {
          suspended: false,
          databases: [{ name: 'sealed', kid, suspended: true, reason: expect.any(String) as string }],
        },
      ],
    });
    const listed = await fixture.send({
      ...{ host: 'localhost', method: 'GET', path: '/clusters', token: fixture.server.controlToken },
    });
    expect(listed.body).toMatchObject({
      clusters: [{ state: 'Running', databaseKeys: [{ name: 'sealed', kid, followsLatest: false, suspension: {} }] }],
    });
    expect((await query('plain', 'T | count')).text).toContain('"Rows":[[2]]');
    expect((await command('plain', '.ingest inline into table T <| 9')).status).toBe(200);
    for (const answer of [
      await query('sealed', 'T'),
      await query('sealed', 'T | count'),
      await query('plain', "union T, database('sealed').T"),
      await command('sealed', '.ingest inline into table T <| 9'),
      await command('sealed', '.show tables'),
    ]) {
      expect(answer.status).toBe(503);
      expect(answer.text).toContain('db-key');
    }
    expect((await command('plain', '.show databases')).text).toContain('sealed');
    expect((await arm('GET', `${clusterPath}/databases/sealed`)).body).toMatchObject({
      properties: { suspensionDetails: { suspensionStartDate: expect.any(String) as string } },
    });
    expect(JSON.stringify((await arm('GET', `${clusterPath}/databases/plain`)).body)).not.toContain('suspension');
    expect((await arm('GET', clusterPath)).body).toMatchObject({ properties: { state: 'Running' } });
  });

  it('stays so over a restart, while a change of the cluster leaves it as it is', async () => {
    await fixture[Symbol.asyncDispose]();
    await start();
    expect((await query('plain', 'T | count')).text).toContain('"Rows":[[3]]');
    expect((await query('sealed', 'T')).status).toBe(503);
    // Nobody mends it who may only change the database.
    const path = `${clusterPath}/databases/sealed`;
    const patch = { kind: 'ReadWrite', properties: { keyVaultProperties: key(versions[0]) } };
    expect((await arm('PATCH', path, patch)).body).toMatchObject({
      error: { code: 'IdentityDoesNotHaveAccessToKeyVault' },
    });
  });

  it('is back with its key, rows of the log and of extents', async () => {
    await permit('add');
    expect((await checkKeys()).body).toMatchObject({
      clusters: [{ databases: [{ name: 'sealed', suspended: false }] }],
    });
    expect((await query('sealed', 'T | order by n asc')).text).toContain('"Rows":[[7],[8]]');
    expect((await command('sealed', '.ingest inline into table T <| 9')).status).toBe(200);
    expect((await query('sealed', 'T | where n > 8 | count')).text).toContain('"Rows":[[1]]');
  });

  it('goes to the vault no more when the cluster loses its identity', async () => {
    await arm('PATCH', clusterPath, { identity: { type: 'None' } });
    expect((await query('sealed', 'T')).status).toBe(503);
    expect((await query('plain', 'T | count')).status).toBe(200);
  });

  it('goes with its key', async () => {
    expect((await arm('DELETE', `${clusterPath}/databases/sealed`)).status).toBe(202);
    expect((await query('plain', 'T | count')).status).toBe(200);
    const answer = await fixture.send({
      ...{ host: 'localhost', method: 'POST', path: '/check-keys', token: fixture.server.controlToken },
    });
    expect(answer.status).toBe(200);
  });
});
