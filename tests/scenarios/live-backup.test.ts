import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject } from '../../src/base/json.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import { kustody, temporaryDirectory } from '../support/kustody-command.ts';
import type { LiveCluster } from '../support/live-cluster.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { openNodes } from '../support/nodes.ts';
import type { Postgres } from '../support/postgres.ts';
import { hasPostgres, startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const ports = ['--port', '0', '--kusto-port', '0', '--proxy-port', '0'];
const shared = [...ports, '--advertise', '127.0.0.1:0', '--readers'];

describe.skipIf(!hasPostgres)('a backup of an instance with its state in PostgreSQL and extents in a container', () => {
  let server: Postgres;
  let azurite: Azurite;
  beforeAll(async () => {
    [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  });
  afterAll(() => Promise.all([server.stop(), azurite.stop()]));

  it('is of one moment while two nodes serve it, adds what is new alone, and comes back in either kind of place', async () => {
    using directory = temporaryDirectory();
    const [copy, back, anew] = ['copy', 'back', 'anew'].map((name) => join(directory.path, name)) as [
      string,
      string,
      string,
    ];
    await using nodes = await openNodes(server, azurite, 'backed_up');
    const east = nodes.start('east', '--seed', ...shared);
    await east.printed('Stop with');
    const west = nodes.start('west', '--standby', ...shared);
    await west.printed('are passed on');
    const writer = await openLiveCluster(nodes.dataOf('east'));
    const said: unknown = JSON.parse(readFileSync(join(nodes.dataOf('west'), 'standby.json'), 'utf8'));
    const other = await openLiveCluster(
      nodes.dataOf('east'),
      writer.seeded,
      isJsonObject(said) ? Number(said['port']) : 0,
    );
    await writer.command('.create table A (N: long)');
    await writer.command('.create table B (N: long)');
    await writer.command('.set Large <| range N from 1 to 300000 step 1 | extend S = strcat("row ", hash(N))');

    const writing = keepWriting(writer, other);
    const backUp = async () => {
      const [before, { code, stdout, stderr }] = [
        writing.acknowledged(),
        await kustody(['backup', '--data', nodes.dataOf('east'), '--to', copy, '--json']),
      ];
      expect({ code, stderr }).toMatchObject({ code: 0 });
      const { blobs } = JSON.parse(stdout) as { readonly blobs: { readonly blobs: number } };
      return { before, after: writing.begun(), blobs: blobs.blobs, files: blobFiles(copy) };
    };
    try {
      await until(() => writing.acknowledged() > 4);
      const first = await backUp();
      expect(first.after).toBeGreaterThan(first.before); // it was served meanwhile
      expect(first.files.size).toBe(first.blobs);
      await until(() => writing.acknowledged() > first.after + 4);
      const second = await backUp();
      const kept = [...second.files].filter(([name]) => first.files.has(name));
      expect(kept.length).toBeGreaterThan(0);
      for (const [name, file] of kept) expect([name, file]).toEqual([name, first.files.get(name)]);
      expect(second.files.size).toBeGreaterThan(kept.length);
      await writing.end();

      const restore = ['restore', '--from', copy, '--accept-rollback', '--to'];
      expect(await kustody([...restore, back], nodes.secrets)).toMatchObject({ code: 0 });
      const container = (await azurite.newContainer()).replace(/\?.*/, '');
      const state = server.url('restored');
      const there = ['--to-state', state, '--to-blobs', container, '--to-blobs-credential', 'env:CONNECTION'];
      expect(await kustody([...restore, anew, ...there], nodes.secrets)).toMatchObject({ code: 0 });
      const places = ['--state', state, '--blobs', container, '--blobs-credential', 'env:CONNECTION'];
      const found = [];
      for (const [data, more] of [
        [back, []],
        [anew, places],
      ] as const) {
        const query = ['query', '--data', data, counts, '--format', 'csv'];
        const up = nodes.startAt(data, ...ports, ...more);
        await up.printed('Stop with');
        const answer = await kustody(query);
        expect(answer).toMatchObject({ code: 0 });
        found.push(answer.stdout.trim().split('\n')[1]?.trim());
        expect(await kustody(['audit', 'verify', '--data', data])).toMatchObject({ code: 0 });
        up.process.kill('SIGTERM');
        await up.result;
      }
      const [a = 0, maxA, b = 0, large] = (found[0] ?? '').split(',').map(Number);
      expect(found[1]).toBe(found[0]);
      expect([maxA, large]).toEqual([a, 300_000]); // no row of A is missing before the last one
      expect(a - b).toBeOneOf([0, 1]); // a row is in B after it is in A
      expect(b).toBeGreaterThanOrEqual(second.before);
      expect(a).toBeLessThanOrEqual(second.after);
    } finally {
      await writing.end();
    }
  });
});

const counts = [
  'print a = toscalar(A | count), maxA = toscalar(A | summarize max(N)), b = toscalar(B | count)',
  '| extend large = toscalar(Large | count)',
].join(' ');

/** Writes one row into A, then one into B, at one node or the other, in the log and as extents of their own; merges them now and then. */
function keepWriting(...clusters: readonly [LiveCluster, LiveCluster]) {
  const ending = new AbortController();
  let [begun, acknowledged] = [0, 0];
  const running = (async () => {
    while (!ending.signal.aborted) {
      const cluster = clusters[begun % 2] ?? clusters[0];
      begun += 1;
      for (const table of ['A', 'B'])
        if (begun % 3 === 0) await cluster.command(`.append ${table} <| print N = long(${begun})`);
        else expect(await cluster.ingest(table, `${begun}`)).toBe(1);
      acknowledged += 1;
      if (begun % 10 === 0) await cluster.merge('A');
    }
  })();
  return {
    begun: () => begun,
    acknowledged: () => acknowledged,
    end: () => {
      ending.abort();
      return running;
    },
  };
}

/** Of a backup: each file of sealed bytes, and when it was written. */
const blobFiles = (copy: string): ReadonlyMap<string, string> => {
  const root = join(copy, 'extents');
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.blob'));
  return new Map(
    names.map((name) => {
      const { ino, mtimeMs } = statSync(join(root, name));
      return [name, `${ino} ${mtimeMs}`];
    }),
  );
};
