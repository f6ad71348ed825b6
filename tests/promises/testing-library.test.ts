import { execFileSync } from 'node:child_process';
import { ClientSecretCredential } from '@azure/identity';
import { KustoManagementClient } from '@azure/arm-kusto';
import { createPipelineRequest } from '@azure/core-rest-pipeline';
import { KeyClient } from '@azure/keyvault-keys';
import { describe, expect, it } from 'vitest';
import { startKustody } from '../../dist/testing.js';

describe('kustody/testing', () => {
  it('gives a cluster under a key of its own, and what clients need to reach it', async () => {
    await using k = await startKustody({ cluster: { name: 'testcluster', database: 'logs' } });
    const credential = new ClientSecretCredential(k.tenantId, k.clientId, k.clientSecret, k.azureOptions);
    const kusto = new KustoManagementClient(credential, k.subscriptionId, k.azureOptions);
    const cluster = await kusto.clusters.get('kustody', 'testcluster');
    expect(cluster).toMatchObject({ state: 'Running', uri: k.cluster.uri });
    expect(cluster.keyVaultProperties).toMatchObject({ keyName: k.cluster.keyName, keyVaultUri: k.cluster.vaultUri });

    await k.query('.create table T (A:long, B:string)');
    await k.query('.ingest inline into table T <| 1,one');
    expect(await k.query('T | extend C = A + 1')).toEqual([{ A: 1, B: 'one', C: 2 }]);
    await expect(k.query('NoSuchTable')).rejects.toThrow(/NoSuchTable/);

    const keys = new KeyClient(k.cluster.vaultUri, credential, k.azureOptions);
    const key = await keys.getKey(k.cluster.keyName);
    await keys.updateKeyProperties(key.name, key.properties.version ?? '', { enabled: false });
    expect(await k.checkKeys()).toMatchObject([{ suspended: true, custody: 'customer' }]);
    expect(await kusto.clusters.get('kustody', 'testcluster')).toMatchObject({ state: 'Unavailable' });
  });

  it('refuses options that it does not know', async () => {
    await expect(startKustody({ clusters: true } as never)).rejects.toThrow("'clusters' is no option of startKustody");
    await expect(startKustody({ cluster: { databse: 'x' } as never })).rejects.toThrow(
      "'databse' is no option of cluster",
    );
  });

  it('has one subscription, and a second when it is asked for', async () => {
    const list = async (k: Awaited<ReturnType<typeof startKustody>>): Promise<readonly string[]> => {
      const credential = new ClientSecretCredential(k.tenantId, k.clientId, k.clientSecret, k.azureOptions);
      const token = await credential.getToken('https://management.azure.com/.default');
      const request = createPipelineRequest({
        url: 'https://management.azure.com/subscriptions?api-version=2022-12-01',
      });
      request.headers.set('authorization', `Bearer ${token.token}`);
      const { bodyAsText } = await k.azureOptions.httpClient.sendRequest(request);
      return (JSON.parse(bodyAsText ?? '') as { value: { subscriptionId: string }[] }).value.map(
        (one) => one.subscriptionId,
      );
    };
    await using plain = await startKustody();
    expect(plain.secondSubscriptionId).toBeUndefined();
    expect(await list(plain)).toEqual([plain.subscriptionId]);
    await using k = await startKustody({ secondSubscription: true });
    expect(await list(k)).toEqual([k.subscriptionId, k.secondSubscriptionId]);
  });

  it('runs several at once that share nothing', async () => {
    const all = await Promise.all([startKustody(), startKustody(), startKustody()]);
    expect(new Set(all.map((k) => k.tenantId)).size).toBe(3);
    expect(new Set(all.map((k) => k.endpoints.control)).size).toBe(3);
    await Promise.all(all.map((k) => k.close()));
  });

  it('moves its clock and makes trouble on request', async () => {
    await using k = await startKustody({ cluster: true });
    const before = k.clock.now().getTime();
    await k.clock.advance(90 * 86_400_000);
    expect(k.clock.now().getTime() - before).toBeGreaterThanOrEqual(90 * 86_400_000);
    await k.faults.add({ kind: 'vault', effect: { status: 503 } });
    expect(await k.checkKeys()).toMatchObject([{ suspended: false }]); // an outage is no refusal
    await k.faults.clear();
    await expect(k.faults.add({ kind: 'nonsense' } as never)).rejects.toThrow(TypeError);
  });

  it('can be had by require()', () => {
    const script = `
      const { startKustody } = require('./dist/testing.cjs');
      startKustody().then(async (k) => { console.log(k.endpoints.resourceManager); await k.close(); });`;
    const printed = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', cwd: process.cwd() });
    expect(printed).toBe('https://management.azure.com\n');
  });
});
