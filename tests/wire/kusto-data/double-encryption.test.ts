import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instant } from '../../../src/clock/clock.ts';
import type { ClusterDescription } from '../../../src/server/cluster-inventory.ts';
import { backUp } from '../../../src/server/moving/backup.ts';
import { restoreCluster } from '../../../src/server/moving/cluster-restore.ts';
import { azureClientsOf } from '../../support/azure-clients.ts';
import type { HostAnswer } from '../../support/server-fixture.ts';
import { startServerFixture } from '../../support/server-fixture.ts';
import { createKeyVault, permitKeyUse } from './customer-key.ts';

// Two clusters, one of them with `enableDoubleEncryption`: what lies on the disk has a second layer there, and all else is the same.

const names = ['once', 'twice'] as const;
type Name = (typeof names)[number];
const vault = 'twice-vault';
const directory = mkdtempSync(join(tmpdir(), 'kustody-double-encryption-'));

let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let tokens: { readonly arm: string; readonly kusto: string };

async function start(): Promise<void> {
  fixture = await startServerFixture({ dataDirectory: directory });
  tokens = {
    arm: await fixture.tokenFor('https://management.azure.com'),
    kusto: await fixture.tokenFor('https://kusto.kusto.windows.net'),
  };
}

async function restart(): Promise<void> {
  await fixture[Symbol.asyncDispose]();
  await start();
}

const arm = (method: string, cluster: Name, below = '', body?: unknown): Promise<HostAnswer> => {
  const group = `/subscriptions/${fixture.environment.subscriptionId}/resourceGroups/rg1`;
  return fixture.send({
    ...{ host: 'management.azure.com', method, token: tokens.arm, body },
    path: `${group}/providers/Microsoft.Kusto/clusters/${cluster}${below}?api-version=2024-04-13`,
  });
};
const post = (cluster: Name, path: string, body: unknown): Promise<HostAnswer> =>
  fixture.send({
    ...{ host: `${cluster}.eastus.kusto.windows.net`, method: 'POST', path, token: tokens.kusto, body },
    headers: { accept: 'application/json' },
  });
const command = (cluster: Name, csl: string) => post(cluster, '/v1/rest/mgmt', { db: 'db', csl });
const sum = (cluster: Name) => post(cluster, '/v2/rest/query', { db: 'db', csl: 'T | summarize sum(n), count()' });
const control = (method: string, path: string) =>
  fixture.send({ host: 'localhost', method, path, token: fixture.server.controlToken });

const described = async (cluster: Name): Promise<ClusterDescription> => {
  const { clusters } = (await control('GET', '/clusters')).body as { clusters: readonly ClusterDescription[] };
  const found = clusters.find(({ name }) => name === cluster);
  if (found === undefined) throw new Error('the cluster is there');
  return found;
};

/** Sealed extents on the disk. */
async function extentFiles(cluster: Name): Promise<string[]> {
  const { clusterId } = await described(cluster);
  const all = readdirSync(join(directory, 'extents'), { recursive: true, withFileTypes: true });
  return all
    .filter((entry) => entry.isFile() && entry.parentPath.includes(clusterId))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The first region of a sealed extent begins with its number. */
const firstNonce = Buffer.alloc(12);
const begins = (file: string): Buffer => readFileSync(file).subarray(0, 12);

beforeAll(async () => {
  await start();
  await fixture.send({
    ...{ host: 'management.azure.com', method: 'PUT', token: tokens.arm, body: { location: 'eastus' } },
    path: `/subscriptions/${fixture.environment.subscriptionId}/resourceGroups/rg1?api-version=2021-04-01`,
  });
  await createKeyVault(fixture, vault);
  await azureClientsOf(fixture).keysOf(`https://${vault}.vault.azure.net/`).createRsaKey('k');
  for (const cluster of names) {
    await arm('PUT', cluster, '', {
      location: 'eastus',
      identity: { type: 'SystemAssigned' },
      sku: { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 },
      properties: { enableStreamingIngest: true, enableDoubleEncryption: cluster === 'twice' },
    });
    await arm('PUT', cluster, '/databases/db', { location: 'eastus', kind: 'ReadWrite', properties: {} });
    await command(cluster, '.create table T (n:long)');
    await command(cluster, '.alter table T policy streamingingestion enable');
    expect((await command(cluster, '.append T <| range n from 1 to 1000 step 1')).status).toBe(200);
    const streamed = await fixture.send({
      ...{ host: `${cluster}.eastus.kusto.windows.net`, method: 'POST', token: tokens.kusto, body: '1001\n' },
      path: '/v1/rest/ingest/db/T?streamFormat=csv',
    });
    expect(streamed.status).toBe(200);
  }
});

afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const allRows = '[[501501,1001]]';

describe('a cluster with double encryption', () => {
  it('says so, and can never be without', async () => {
    expect((await arm('GET', 'twice')).body).toMatchObject({ properties: { enableDoubleEncryption: true } });
    expect((await arm('GET', 'once')).body).toMatchObject({ properties: { enableDoubleEncryption: false } });
    for (const [cluster, to] of [
      ['twice', false],
      ['once', true],
    ] as const)
      expect((await arm('PATCH', cluster, '', { properties: { enableDoubleEncryption: to } })).status).toBe(400);
    expect((await arm('PATCH', 'twice', '', { properties: { enableDoubleEncryption: true } })).status).toBeLessThan(
      300,
    );
  });

  it('has a layer around each extent on the disk, which is off for whoever has the keys of the cluster', async () => {
    const [single, double] = [await extentFiles('once'), await extentFiles('twice')];
    expect([single.length, double.length]).toEqual([1, 1]);
    for (const file of single) expect(begins(file)).toEqual(firstNonce);
    for (const file of double) expect(begins(file)).not.toEqual(firstNonce);
    const tables = (await described('twice')).databases?.flatMap((database) => database.tables);
    const id = tables?.flatMap(({ extents }) => extents)[0]?.extentId ?? '';
    const exported = await control('GET', `/clusters/twice/extents/${id}`);
    expect(exported.status).toBe(200);
    expect(exported.text.startsWith('\0'.repeat(12))).toBe(true);
  });

  it('finds its rows again after a start, in extents and in the log', async () => {
    await restart();
    for (const cluster of names) expect((await sum(cluster)).text).toContain(allRows);
  });

  it('changes custody as any other, and is refused without its key', async () => {
    const { body } = await arm('GET', 'twice');
    const { principalId } = (body as { identity: { principalId: string } }).identity;
    await permitKeyUse(fixture, vault, principalId, 'add');
    const properties = { keyVaultProperties: { keyName: 'k', keyVaultUri: `https://${vault}.vault.azure.net/` } };
    expect((await arm('PATCH', 'twice', '', { properties })).status).toBe(202);
    expect((await sum('twice')).text).toContain(allRows);
    await permitKeyUse(fixture, vault, principalId, 'remove');
    await control('POST', '/check-keys');
    expect((await sum('twice')).status).toBe(503);
    await permitKeyUse(fixture, vault, principalId, 'add');
    await control('POST', '/check-keys');
    await restart();
    expect((await sum('twice')).text).toContain(allRows);
  });

  it('is backed up and set back as any other', async () => {
    await fixture[Symbol.asyncDispose]();
    const [instance, copy] = [{ dataDirectory: directory }, { dataDirectory: mkdtempSync(`${directory}-copy-`) }];
    const now = () => instant(Date.now());
    await backUp({ from: instance, to: copy, cluster: 'twice', now });
    await start();
    expect((await command('twice', '.append T <| print n=5')).status).toBe(200);
    expect((await sum('twice')).text).not.toContain(allRows);
    await fixture[Symbol.asyncDispose]();
    await restoreCluster({ from: copy, to: instance, cluster: 'twice', acceptsRollback: true, now });
    rmSync(copy.dataDirectory, { recursive: true });
    await start();
    expect((await sum('twice')).text).toContain(allRows);
  });

  it('tells damage by its name', async () => {
    const files = await extentFiles('twice');
    await fixture[Symbol.asyncDispose]();
    for (const file of files) {
      const bytes = readFileSync(file);
      writeFileSync(file, bytes.fill((bytes[100] ?? 0) ^ 1, 100, 101));
    }
    await start();
    expect(await sum('twice')).toMatchObject({ status: 520, body: { error: { code: 'DataIntegrityError' } } });
  });
});
