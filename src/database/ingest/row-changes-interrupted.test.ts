import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture, openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import { World } from '../../../tests/support/interrupted-world.ts';
import { sqlChange } from '../../../tests/support/row-change.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import { MemoryBlobStore } from '../../storage/memory/memory-blob-store.ts';

let engine: EngineDatabase;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(() => engine.close());

/** Rows 1 to 6 in two extents, 7 and 8 in the log; 50 in a table beside it. */
async function start(world: World): Promise<DataFixture> {
  const cluster = await openDataFixture({
    engine,
    blobs: world.blobs(new MemoryBlobStore()),
    wrapStore: (store) => world.store(store),
  });
  for (const name of ['T', 'S']) await cluster.table(name, { n: 'long' });
  await cluster.ingest('T', 'csv', '1\n2\n3', { kind: 'inline' });
  await cluster.ingest('T', 'csv', '4\n5\n6', { kind: 'inline' });
  await cluster.ingest('T', 'csv', '7\n8', { kind: 'streaming' });
  await cluster.ingest('S', 'csv', '50', { kind: 'inline' });
  world.steps = 0;
  return cluster;
}

const before = '1,2,3,4,5,6,7,8';
const after = '1,3,50,100,101';
const work = async (cluster: DataFixture): Promise<unknown> =>
  (await cluster.data()).changeRows({
    ...sqlChange(engine, 'T', 'c1 = 2 OR c1 >= 4', {
      sql: 'SELECT * FROM (VALUES (100::BIGINT), (101::BIGINT)) AS v(n)',
      columns: [{ name: 'n', type: 'long' }],
    }),
    moved: { table: 'S' },
  });

const numbers = async (cluster: DataFixture, table: string): Promise<string> =>
  (await cluster.rows(table, 'n'))
    .map(([n]) => Number(n))
    .sort((left, right) => left - right)
    .join();

it.each(['before', 'after'])(
  'a process that ends %s any durable step of a change of rows has changed all of them, or none',
  { timeout: 240_000 },
  async (when) => {
    const whole = new World();
    const first = await start(whole);
    await work(first);
    expect([await numbers(first, 'T'), await numbers(first, 'S')]).toEqual([after, '']);
    const total = whole.steps;
    // The log becomes an extent (2) · what is left of one extent, what comes (2) · the commit · blobs of what was (3).
    expect(total).toBe(8);
    await first.close();
    let changed = 0;
    for (let at = 1; at <= total; at += 1) {
      const world = new World();
      const cluster = await start(world);
      world.at = at;
      world.isAfter = when === 'after';
      await work(cluster).catch(() => undefined);
      world.at = Infinity;
      await cluster.crash();
      const found = [await numbers(cluster, 'T'), await numbers(cluster, 'S')];
      expect([at, found]).toEqual([at, found[1] === '' ? [after, ''] : [before, '50']]);
      changed += found[1] === '' ? 1 : 0;
      const data = await cluster.data();
      await data.maintain();
      expect([at, await numbers(cluster, 'T'), await numbers(cluster, 'S')]).toEqual([at, ...found]);
      let blobs = 0;
      for await (const blob of cluster.blobs.list('')) blobs += blob.length > 0 ? 1 : 0;
      expect([at, blobs]).toEqual([at, data.extents('db').length]);
      await cluster.close();
    }
    expect(changed).toBe(when === 'after' ? 4 : 3);
  },
);
