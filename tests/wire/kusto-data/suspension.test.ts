import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { azureClientsOf } from '../../support/azure-clients.ts';
import { createKeyVault, permitKeyUse } from './customer-key.ts';
import type { KustoData } from './kusto-fixture.ts';
import { clusterHost, clusterName, databaseName, startKustoData } from './kusto-fixture.ts';
import { until } from '../../support/until.ts';

let kusto: KustoData;
let revoke: () => Promise<void>;
let restore: () => Promise<void>;

const vaultUri = 'https://wire-vault.vault.azure.net/';

beforeAll(async () => {
  kusto = await startKustoData();
  const azure = azureClientsOf(kusto);
  await createKeyVault(kusto, 'wire-vault');
  const key = await azure.keysOf(vaultUri).createRsaKey('wire-key', { keySize: 2048 });
  const { identity } = await azure.kusto.clusters.beginUpdateAndWait('rg1', clusterName, {
    identity: { type: 'SystemAssigned' },
  });
  const change = async (operation: 'add' | 'remove'): Promise<void> => {
    await permitKeyUse(kusto, 'wire-vault', identity?.principalId ?? '', operation);
    await kusto.send({ host: 'localhost', method: 'POST', path: '/check-keys', token: kusto.server.controlToken });
  };
  await change('add');
  await azure.kusto.clusters.beginUpdateAndWait('rg1', clusterName, {
    keyVaultProperties: { keyName: 'wire-key', keyVersion: key.properties.version ?? '', keyVaultUri: vaultUri },
  });
  revoke = () => change('remove');
  restore = () => change('add');
});
afterAll(() => kusto[Symbol.asyncDispose]());

const command = (csl: string, properties?: unknown) =>
  kusto.post('/v1/rest/mgmt', { db: databaseName, csl, properties });
const keptQuery = () =>
  kusto.post('/v2/rest/query', {
    db: databaseName,
    csl: 'T | where n == 7',
    properties: { Options: { query_results_cache_max_age: '1.00:00:00' } },
  });
const rowsOf = (body: unknown): unknown[][] => (body as { Tables: { Rows: unknown[][] }[] }).Tables[0]?.Rows ?? [];

const clusterProcesses = (): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[3] === String(process.pid) &&
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('cluster-process')
        );
      } catch {
        return false; // gone meanwhile
      }
    });

describe('a cluster whose key is taken away', () => {
  it('serves under the customer key', async () => {
    expect((await command('.create table T (n:long)')).status).toBe(200);
    expect((await command('.ingest inline into table T <| 7')).status).toBe(200);
    expect((await kusto.post('/v2/rest/query', { db: databaseName, csl: 'T' })).text).toContain('"Rows":[[7]]');
    // An answer that is kept is no way round the key.
    expect((await keptQuery()).text).toContain('"Rows":[[7]]');
    expect((await keptQuery()).text).toContain('ServerCache');
  });

  it('breaks off what is running, ends its process, and says which key is missing and why', async () => {
    const running = kusto.call({
      call: 'query',
      database: databaseName,
      text: 'range a from 1 to 100000000000 step 1 | summarize sum(a % 7)',
    });
    await until(async () => (await command('.show queries')).text.includes('range a'));
    const before = clusterProcesses(); // one more may be there, without keys, that asks vaults before changes
    await revoke();
    const { failed } = await running;
    expect(failed).toBeDefined();
    const left = clusterProcesses();
    expect(before.filter((pid) => !left.includes(pid))).toHaveLength(1);
    expect(await keptQuery()).toMatchObject({
      status: 503,
      text: expect.stringContaining('ClusterSuspended') as string,
    });
    const { failed: refused } = await kusto.call({ call: 'query', database: databaseName, text: 'T' });
    expect(refused).toMatchObject({
      status: 503,
      body: {
        error: {
          code: 'ClusterSuspended',
          '@type': 'Kusto.Data.Exceptions.ClusterSuspendedException',
          '@permanent': false,
          '@message': expect.stringMatching(
            /wire-vault\.vault\.azure\.net.*wire-key|wire-key.*wire-vault\.vault\.azure\.net/s,
          ) as string,
        },
      },
    });
  });

  it.each([
    ['a command', '/v1/rest/mgmt', { db: databaseName, csl: '.show tables' }],
    ['ingestion', `/v1/rest/ingest/${databaseName}/T?streamFormat=csv`, '1\n'],
  ])('refuses %s in JSON, whatever the client takes', async (_what, path, body) => {
    const answer = await kusto.post(path, body, { accept: '*/*' });
    expect({ status: answer.status, body: answer.body }).toMatchObject({
      status: 503,
      body: { error: { code: 'ClusterSuspended' } },
    });
  });

  it('answers 412 to those who ask for a running cluster only', async () => {
    const answer = await command('.show tables', { Options: { request_execute_only_if_running: true } });
    expect({ status: answer.status, body: answer.body }).toMatchObject({
      status: 412,
      body: { error: { code: 'PreconditionFailed', '@permanent': true } },
    });
  });

  it('still tells where to sign in, its version and its databases with the reason', async () => {
    expect((await kusto.send({ host: clusterHost, method: 'GET', path: '/v1/rest/auth/metadata' })).status).toBe(200);
    const { tables } = await kusto.call({ call: 'mgmt', database: databaseName, text: '.show version' });
    expect(tables?.[0]?.rows[0]?.[2]).toBe('Engine');
    const rows = rowsOf((await command('.show databases')).body);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.[0]).toBe(databaseName);
    expect(rows[0]?.[9]).toContain('wire-key');
  });

  it('still wants to know who asks', async () => {
    const answer = await kusto.send({
      host: clusterHost,
      method: 'POST',
      path: '/v1/rest/mgmt',
      body: { db: '', csl: '.show version' },
    });
    expect(answer.status).toBe(401);
  });

  it('serves its data again once the key is back', async () => {
    await restore();
    expect((await keptQuery()).text).not.toContain('ServerCache'); // it went with the process
    const answer = await kusto.post('/v2/rest/query', { db: databaseName, csl: 'T' });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('"Rows":[[7]]');
  });
});
