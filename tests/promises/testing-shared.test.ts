import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import setup, { kustody, kustodySetup } from '../../dist/vitest.js';
import type { SharedKustody } from '../../dist/vitest.js';

const day = 86_400_000;
const named = [
  'AZURE_TENANT_ID',
  'AZURE_CLIENT_SECRET',
  'KUSTODY_CLUSTER_URI',
  'KUSTODY_KEY_ID',
  'HTTPS_PROXY',
] as const;
const environment = () => named.map((name) => process.env[name]);

describe('the instance that a test run has in common', () => {
  const before = environment();
  let teardown: () => Promise<void>;
  let k: SharedKustody<{ readonly cluster: true }>;
  beforeAll(async () => {
    teardown = await setup();
    k = kustody();
  });
  afterAll(() => teardown());

  it('is in the environment, with who signs in, and with no proxy', () => {
    expect(environment()).toEqual([
      k.tenantId,
      k.clientSecret,
      k.cluster.uri,
      new URL(`keys/${k.cluster.keyName}`, k.cluster.vaultUri).href,
      before[4],
    ]);
  });

  it('does over its control API what an instance does in the process of a test', async () => {
    await k.query('.create table T (A: long)');
    await using start = await k.snapshot();
    await k.query('.ingest inline into table T <| 1');
    const at = (await k.clock.now()).getTime();
    await k.clock.advance(day);
    expect((await k.clock.now()).getTime() - at).toBeGreaterThanOrEqual(day);
    await k.clock.freeze();
    expect(await k.clock.now()).toEqual(await k.clock.now());
    await k.clock.resume();
    await k.faults.add({ kind: 'vault', effect: { status: 503 } });
    await k.faults.clear();
    await expect(k.faults.add({ kind: 'nonsense' } as never)).rejects.toThrow('InvalidFault');
    expect(await k.checkKeys()).toMatchObject([{ suspended: false, custody: 'customer' }]);
    expect(await k.flushQueued()).toBe(0);
    const keys = await k.keyClient();
    const { properties } = await keys.getKey(k.cluster.keyName);
    await keys.updateKeyProperties(k.cluster.keyName, properties.version ?? '', { enabled: false });
    await expect(k.flushQueued()).rejects.toThrow('ClusterNotServing: These clusters do not serve now');
    await k.restore(start);
    expect(await k.query('T')).toEqual([]);
    expect((await k.clock.now()).getTime() - at).toBeLessThan(day / 2);
    await start.release();
    await expect(k.restore(start)).rejects.toThrow('SnapshotRefused: There is no such snapshot');
  });

  it('is one for all who ask, and goes with the last of them', async () => {
    await expect(kustodySetup({ cluster: { database: 'another' } })()).rejects.toThrow('with other options');
    const again = await kustodySetup({ cluster: true })();
    expect(kustody().tenantId).toBe(k.tenantId);
    await again();
    expect(await k.query('print A = 1')).toEqual([{ A: 1 }]);
    await teardown();
    expect(environment()).toEqual(before);
    expect(() => kustody()).toThrow("name 'kustody/vitest' or 'kustody/jest' in globalSetup");
    teardown = await setup();
    expect(kustody().tenantId).not.toBe(k.tenantId);
  });
});
