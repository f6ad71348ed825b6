import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKustody } from '../../dist/testing.js';
import type { Started } from '../../dist/testing.js';

const day = 86_400_000;

describe('snapshot and restore', () => {
  let k: Started<{ readonly cluster: { readonly database: 'logs' } }>;
  let startMs = 0;
  beforeAll(async () => {
    const started = performance.now();
    k = await startKustody({ cluster: { database: 'logs' } });
    startMs = performance.now() - started;
    await k.query('.create table T (A: long)');
    await k.query('.set-or-append T <| range A from 1 to 1000 step 1');
    await k.query('.ingest inline into table T <| 4711');
  });
  afterAll(() => k.close());

  const count = async (table = 'T'): Promise<unknown> => (await k.query(`${table} | count`))[0]?.['Count'];

  it('puts rows, tables and their extents back, in a small part of the time of a start', async () => {
    await using before = await k.snapshot();
    const times: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      expect(await count()).toBe(1001);
      await k.query('.create table Later (A: long)');
      await k.query('.ingest inline into table T <| 1');
      await k.query('.set-or-append T <| range A from 1 to 10 step 1');
      await k.query('.drop table T');
      await expect(k.query('T')).rejects.toThrow(/T/);
      const started = performance.now();
      await k.restore(before);
      times.push(performance.now() - started);
      await expect(k.query('Later')).rejects.toThrow(/Later/);
    }
    expect(await count()).toBe(1001);
    await k.query('.ingest inline into table T <| 2'); // it can be written to
    expect(await count()).toBe(1002);
    await k.restore(before);
    const [median = startMs] = times.toSorted((left, right) => left - right).slice(2);
    console.log(`A restore takes ${Math.round(median)} ms, a start ${Math.round(startMs)} ms.`);
    expect(median).toBeLessThan(startMs / 2);
  });

  it('puts keys, custody and suspension back', async () => {
    await using before = await k.snapshot();
    const keys = await k.keyClient();
    const { keyName } = k.cluster;
    const first = (await keys.getKey(keyName)).properties.version ?? '';
    await keys.updateKeyProperties(keyName, first, { enabled: false });
    await expect(k.query('T')).rejects.toThrow();
    await using suspended = await k.snapshot();
    await k.restore(before);
    expect(await count()).toBe(1001);
    expect((await keys.getKey(keyName)).properties.enabled).toBe(true);

    // Another key, so another cluster key: the process of the cluster has the wrong one then.
    await keys.createKey('another', 'RSA', { keySize: 2048 });
    const management = await k.kustoManagementClient();
    const { identity } = await management.clusters.get('kustody', 'kustody');
    const [userIdentity = ''] = Object.keys(identity?.userAssignedIdentities ?? {});
    const keyVaultProperties = { keyVaultUri: k.cluster.vaultUri, keyName: 'another', keyVersion: '', userIdentity };
    await management.clusters.beginUpdateAndWait('kustody', 'kustody', { keyVaultProperties });
    expect((await k.checkKeys())[0]?.kid).toContain('/keys/another/');
    await k.restore(before);
    expect((await k.checkKeys())[0]?.kid).toContain(`/keys/${keyName}/`);
    expect(await count()).toBe(1001);
    await expect(keys.getKey('another')).rejects.toMatchObject({ statusCode: 404 });

    await k.restore(suspended);
    expect(await k.checkKeys()).toMatchObject([{ suspended: true }]);
    await expect(k.query('T')).rejects.toThrow();
    await k.restore(before);
    expect(await count()).toBe(1001);
  });

  it('puts resources, roles, faults and the clock back, and what is due is due again', async () => {
    const keys = await k.keyClient();
    await keys.createKey('doomed', 'RSA', { keySize: 2048 });
    const poller = await keys.beginDeleteKey('doomed');
    await poller.pollUntilDone();
    await using before = await k.snapshot();
    const at = k.clock.now().getTime();
    await k.clock.advance(100 * day);
    await expect(keys.getDeletedKey('doomed')).rejects.toMatchObject({ statusCode: 404 }); // purged
    const resources = await k.resourceManagementClient();
    await resources.resourceGroups.createOrUpdate('later', { location: 'eastus' });
    await k.faults.add({ kind: 'vault', effect: { status: 503 } });

    await k.restore(before);
    expect(k.clock.now().getTime() - at).toBeLessThan(day);
    expect((await keys.getDeletedKey('doomed')).name).toBe('doomed');
    await expect(resources.resourceGroups.get('later')).rejects.toMatchObject({ statusCode: 404 });
    const [row] = await k.query('print Now = now()');
    expect(Math.abs(Date.parse(String(row?.['Now'])) - at)).toBeLessThan(day);
    await k.clock.advance(100 * day);
    await expect(keys.getDeletedKey('doomed')).rejects.toMatchObject({ statusCode: 404 });
  });

  it('brings a deleted cluster back, with its rows', async () => {
    await using before = await k.snapshot();
    const rows = await count();
    const management = await k.kustoManagementClient();
    await management.clusters.beginDeleteAndWait('kustody', 'kustody');
    await k.clock.advance(60_000); // its contents go
    await k.restore(before);
    expect(await count()).toBe(rows);
  });

  it('brings back a cluster under a key of Microsoft, which was destroyed with it', async () => {
    await using other = await startKustody({ cluster: { key: 'microsoftManaged' } });
    await other.query('.create table T (A: long)');
    await other.query('.ingest inline into table T <| 7');
    await using before = await other.snapshot();
    const management = await other.kustoManagementClient();
    await management.clusters.beginDeleteAndWait('kustody', 'kustody');
    await other.clock.advance(10 * 60_000);
    await other.restore(before);
    expect(await other.query('T')).toEqual([{ A: 7 }]);
  });

  it('keeps nothing in the clear', async () => {
    await k.query('.create table Secret (Text: string)');
    await k.query('.ingest inline into table Secret <| canary-in-the-snapshot');
    await k.query('.set-or-append Secret <| print Text = strcat("canary-in", "-the-snapshot")');
    await using before = await k.snapshot();
    await k.query('.drop table Secret');
    const directory = (await k.environment())['KUSTODY_DATA_DIR'] ?? '';
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.some((entry) => entry.parentPath.includes('snapshots'))).toBe(true);
    for (const file of files)
      expect(readFileSync(join(file.parentPath, file.name)).includes('canary-in-the-snapshot')).toBe(false);
    await k.restore(before);
    expect(await count('Secret')).toBe(2);
  });

  it('has bounds, and refuses a snapshot that is not there', async () => {
    const taken = await Promise.all(Array.from({ length: 32 }, () => k.snapshot()));
    await expect(k.snapshot()).rejects.toThrow('32 snapshots');
    await Promise.all(taken.map((one) => one.release()));
    const [first] = taken;
    if (first === undefined) throw new Error('none');
    await expect(k.restore(first)).rejects.toThrow('There is no such snapshot');
    await (await k.snapshot()).release();
  });
});
