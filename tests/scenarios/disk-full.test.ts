import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reserveFileName } from '../../src/state/sqlite/disk-reserve.ts';
import type { LiveCluster } from '../support/live-cluster.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { startServerFixture } from '../support/server-fixture.ts';

const mountPoint = mkdtempSync(join(tmpdir(), 'kustody-full-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40m,mode=0700', 'tmpfs', mountPoint]).status === 0;
afterAll(() => {
  if (mounted) spawnSync('umount', ['-l', mountPoint]);
  rmdirSync(mountPoint);
});

/** Somebody else's file takes what is left, to the last block. */
function fill(path: string): void {
  for (let bytes = 1024 * 1024; bytes >= 1024; bytes /= 2) {
    try {
      for (;;) appendFileSync(path, Buffer.alloc(bytes, 1));
    } catch {
      // a smaller piece may still fit
    }
  }
}

/** Skipped where a file system of its own cannot be mounted: only root may. */
describe.skipIf(!mounted)('a server on a disk that is full', () => {
  const directory = join(mountPoint, 'data');
  const other = join(mountPoint, 'other');
  const reserveBytes = 8 * 1024 * 1024;
  const reserve = (): number => statSync(join(directory, reserveFileName)).size;
  let server: Awaited<ReturnType<typeof startServerFixture>>;
  let cluster: LiveCluster;
  beforeAll(async () => {
    spawnSync('mkdir', ['-m', '700', directory]);
    server = await startServerFixture({ dataDirectory: directory });
    cluster = await openLiveCluster(directory);
    await cluster.command('.create table T (n: long, s: string)');
    await cluster.command('.create table Gone (n: long)');
    await cluster.command('.alter table T policy streamingingestion enable');
  });
  afterAll(async () => {
    rmSync(other, { force: true });
    await server[Symbol.asyncDispose]();
  });

  /** Commits of other kinds take the room that is kept for them, until there is none either. @returns what each plane says then */
  async function withoutReserve(): Promise<Record<string, string>> {
    const { subscriptionId } = server.environment;
    const token = {
      arm: await server.tokenFor('https://management.azure.com'),
      vault: await server.tokenFor('https://vault.azure.net'),
      graph: await server.tokenFor('https://graph.microsoft.com'),
    };
    const tags = Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`tag${n}`, 'x'.repeat(256)]));
    const arm = (n: number) =>
      server.send({
        ...{ host: 'management.azure.com', method: 'PUT', token: token.arm, body: { location: 'eastus', tags } },
        path: `/subscriptions/${subscriptionId}/resourcegroups/full-${n}?api-version=2024-11-01`,
      });
    let answer = await arm(0);
    for (let n = 1; answer.status < 300 && n < 5_000; n += 1) answer = await arm(n);
    const vault = (n: number) =>
      server.send({
        ...{ host: new URL(cluster.seeded.vaultUri ?? '').hostname, method: 'POST', token: token.vault },
        ...{ path: `/keys/another-${n}/create?api-version=7.4`, body: { kty: 'RSA', key_size: 2048 } },
      });
    const graph = (n: number) =>
      server.send({
        ...{ host: 'graph.microsoft.com', method: 'POST', path: '/v1.0/groups', token: token.graph },
        body: { displayName: `full ${n}`, mailNickname: `full${n}`, mailEnabled: false, securityEnabled: true },
      });
    // What is small may still fit.
    let key = await vault(0);
    for (let n = 1; key.status < 300 && n < 500; n += 1) key = await vault(n);
    let small = await graph(0);
    for (let n = 1; small.status < 300 && n < 5_000; n += 1) small = await graph(n);
    const named = ({ status, body }: typeof answer): string => {
      const { error } = body as { error?: { code?: string } };
      return `${status} ${error?.code ?? ''}`;
    };
    return { arm: named(answer), vault: named(key), graph: named(small) };
  }

  it(
    'refuses rows by name, serves what it has, and can still be told to forget a key',
    { timeout: 240_000 },
    async () => {
      expect(await cluster.ingest('T', '1,first\n2,second')).toBe(2);
      fill(other);
      let acknowledged = 2;
      let refused = 0;
      for (let n = 0; n < 40 && refused < 3; n += 1) {
        const rows = Array.from({ length: 200 }, (_, row) => `${n},${'x'.repeat(400)}${row}`).join('\n');
        const taken = await cluster.ingest('T', rows);
        if (taken === undefined) refused += 1;
        else acknowledged += taken;
        fill(other);
      }
      expect(refused).toBe(3);
      expect(await cluster.ingestError('T', '9,x')).toMatchObject({ status: 507, code: 'InsufficientStorage' });
      expect(await cluster.query('T | count')).toEqual([[acknowledged]]);
      await cluster.command('.drop table Gone'); // frees nothing at once, but whoever wants room must be able to
      expect(reserve()).toBeLessThan(reserveBytes);
      fill(other);
      expect(await cluster.ingestError('T', '9,x')).toMatchObject({ status: 507, code: 'InsufficientStorage' });

      await cluster.setKeyEnabled(false);
      expect(await cluster.queryStatus('T | count')).toBe(503);

      expect(await withoutReserve()).toEqual({
        arm: '507 InsufficientStorage',
        vault: '507 InsufficientStorage',
        graph: '507 InsufficientStorage',
      });
      rmSync(other);
      await cluster.setKeyEnabled(true);
      expect(await cluster.query('T | count')).toEqual([[acknowledged]]);
      expect(await cluster.ingest('T', '7,after')).toBe(1);
      expect(reserve()).toBe(reserveBytes);
      await server.server.close();
      server = await startServerFixture({ dataDirectory: directory });
      cluster = await openLiveCluster(directory, cluster.seeded);
      expect(await cluster.query('T | count')).toEqual([[acknowledged + 1]]);
    },
  );
});
