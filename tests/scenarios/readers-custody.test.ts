import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../src/base/json.ts';
import { isJsonObject, textMember } from '../../src/base/json.ts';
import { azureCalls } from '../../src/server/azure-calls.ts';
import { defaultSeed } from '../../src/server/seed.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import type { LiveCluster } from '../support/live-cluster.ts';
import type { Postgres } from '../support/postgres.ts';
import { hasPostgres, startPostgres } from '../support/postgres.ts';
import { answers, countOf, kustoRequest, openReadingNodes } from '../support/reading-nodes.ts';
import { until } from '../support/until.ts';

const armVersion = '2024-04-13';

describe.skipIf(!hasPostgres)('a node that stands by and reads', () => {
  let server: Postgres | undefined;
  let azurite: Azurite | undefined;
  beforeAll(async () => {
    [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  });
  afterAll(() => Promise.all([server?.stop(), azurite?.stop()]));

  /** A second cluster, with double encryption under Microsoft-managed keys. @returns it, as each node is asked for it */
  async function openTwice({ writer, reader }: Awaited<ReturnType<typeof openReadingNodes>>) {
    const { environment } = writer;
    const { arm, vault } = azureCalls(environment);
    const group = `/subscriptions/${environment.subscriptionId}/resourceGroups/${defaultSeed.resourceGroup}/providers`;
    const path = `${group}/Microsoft.Kusto/clusters/twice`;
    await arm('PUT', path, armVersion, {
      location: 'eastus',
      sku: { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 },
      identity: { type: 'SystemAssigned' },
      properties: { enableDoubleEncryption: true },
    });
    await arm('PUT', `${path}/databases/db`, armVersion, { location: 'eastus', kind: 'ReadWrite' });
    await arm('PUT', `${path}/principalAssignments/owner`, armVersion, {
      properties: { principalId: environment.clientId, principalType: 'App', role: 'AllDatabasesAdmin' },
    });
    const made = await arm('GET', path, armVersion);
    const member = (name: string, of: string): string => {
      const found = made?.[name];
      return isJsonObject(found) ? textMember(found, of) : '';
    };
    const keys = { keys: ['get', 'wrapKey', 'unwrapKey'] };
    const entry = { tenantId: environment.tenantId, objectId: member('identity', 'principalId'), permissions: keys };
    await arm('PUT', `${group}/Microsoft.KeyVault/vaults/${defaultSeed.vault}/accessPolicies/add`, '2023-02-01', {
      properties: { accessPolicies: [entry] },
    });
    const seeded = { ...writer.seeded, clusterUri: member('properties', 'uri') };
    return {
      there: { ...writer, seeded },
      here: { ...reader, seeded },
      change: (below: string, method: 'PUT' | 'PATCH', body: Json) => arm(method, `${path}${below}`, armVersion, body),
      keys: vault(defaultSeed.vault),
    };
  }

  const summed = async (cluster: LiveCluster, database = 'db') => {
    const asked = { path: '/v1/rest/query', database };
    const { status, text } = await kustoRequest(cluster, 'T | summarize count(), sum(N)', asked);
    const { Tables: tables = [] } = (status === 200 ? JSON.parse(text) : {}) as { Tables?: { Rows: number[][] }[] };
    return { status, rows: tables[0]?.Rows[0] };
  };
  const total = (count: number) => ({ status: 200, rows: [count, (count * (count + 1)) / 2] });

  it('reads what lies under two layers, while custody changes and keys of clusters and databases come and go', async () => {
    await using opened = await openReadingNodes(server, azurite, 'custody');
    const { there, here, change, keys } = await openTwice(opened);
    const { checkKeys, setKeyEnabled, newKeyVersion } = opened.writer;
    const run = async (csl: string, database = 'db'): Promise<void> => {
      expect((await kustoRequest(there, csl, { path: '/v1/rest/mgmt', database })).status).toBe(200);
    };
    let count = 0;
    const append = async (): Promise<void> => {
      await run(`.append T <| range N from ${count + 1} to ${count + 100} step 1`);
      count += 100;
    };
    await run('.create table T (N: long)');
    await append();
    expect(await summed(here)).toEqual(total(count));
    expect(opened.readHere()).toBeGreaterThan(0);

    // Whatever is answered meanwhile is whole; what was acknowledged is in it.
    const whileChanging = async (work: Promise<unknown>): Promise<void> => {
      const under = { way: true };
      void work.finally(() => (under.way = false)).catch(() => undefined);
      while (under.way) {
        const answer = await summed(here);
        if (answer.status === 200) expect(answer).toEqual(total(count));
        else expect(answer.status).toBe(503);
      }
      await work;
      await append();
      await until(async () => {
        const answer = await summed(here);
        if (answer.status === 200) expect(answer).toEqual(total(count));
        return answer.status === 200;
      });
    };
    const keyVaultUri = `https://${defaultSeed.vault}.vault.azure.net/`;
    const clusterKey = { keyName: 'cluster-key', keyVaultUri, keyVersion: '' };
    await whileChanging(change('', 'PATCH', { properties: { keyVaultProperties: clusterKey } }));
    await whileChanging(newKeyVersion().then(checkKeys));

    await keys('POST', '/keys/db-key/create?api-version=7.4', { kty: 'RSA', key_size: 2048 });
    const own = {
      location: 'eastus',
      kind: 'ReadWrite',
      properties: { keyVaultProperties: { ...clusterKey, keyName: 'db-key' } },
    };
    await whileChanging(change('/databases/sealed', 'PUT', own));
    await run('.create table T (N: long)', 'sealed');
    await run('.append T <| range N from 1 to 10 step 1', 'sealed');
    await until(async () => (await summed(here, 'sealed')).status === 200);
    expect(await summed(here, 'sealed')).toEqual(total(10));
    for (let round = 0; round < 2; round += 1) {
      await keys('PATCH', '/keys/db-key?api-version=7.4', { attributes: { enabled: false } });
      await checkKeys();
      const refused = await summed(here, 'sealed');
      expect(refused.rows).toBeUndefined();
      await until(async () => (await summed(there)).status === 200 && (await summed(here)).status === 200);
      expect((await summed(here, 'sealed')).status).toBe((await summed(there, 'sealed')).status);
      expect(await summed(here)).toEqual(total(count));
      await keys('PATCH', '/keys/db-key?api-version=7.4', { attributes: { enabled: true } });
      await checkKeys();
      await until(async () => (await summed(here, 'sealed')).status === 200);
      expect(await summed(here, 'sealed')).toEqual(total(10));
    }
    await setKeyEnabled(false);
    expect((await summed(here)).status).toBe(503);
    await setKeyEnabled(true);
    await until(async () => (await summed(here)).status === 200);
    expect(await summed(here)).toEqual(total(count));
  });

  it('says by name that nobody serves, so that clients ask again, and serves after the takeover', async () => {
    await using opened = await openReadingNodes(server, azurite, 'away');
    const { nodes, east, west, writer, reader } = opened;
    await writer.command('.create table T (N: long)');
    await writer.ingest('T', '1\n2\n3');
    await answers(reader);
    expect(await countOf(reader)).toBe(3);
    // Out of reach, with every connection open: nobody knows yet that it will not come back.
    nodes.signal(east, 'SIGSTOP');
    const isServing = west.printed('Stop with');
    let [isOver, said] = [false, 0];
    void isServing.then(() => (isOver = true));
    const { token } = reader;
    while (!isOver) {
      const answer = await kustoRequest(reader, 'T | count', { token }).catch(() => undefined);
      if (answer === undefined || answer.status === 200) continue;
      // Who asks is not known to a process that ends meanwhile: it says the same in plain text.
      expect([answer.status, answer.text]).toEqual([503, expect.stringMatching(/ServiceUnavailable.*(again|reach)/is)]);
      if (answer.text.startsWith('{'))
        expect(JSON.parse(answer.text)).toMatchObject({ error: { '@permanent': false } });
      said += 1;
    }
    expect(said).toBeGreaterThan(0);
    nodes.signal(east, 'SIGKILL');
    await answers(reader);
    expect(await countOf(reader)).toBe(3);
  });
});
