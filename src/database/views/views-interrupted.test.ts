import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openInterruptedCluster, openQueryParts } from '../../../tests/support/interrupted-cluster.ts';
import { World } from '../../../tests/support/interrupted-world.ts';
import { sample, sampleOfSteps } from '../../../tests/support/sample.ts';
import type { BlobStore } from '../../storage/blob-store.ts';
import type { CatalogStore } from '../catalog/catalog-store.ts';
import { ticksOfUnixMilliseconds } from '../../kql/values/ticks.ts';
import { readResult } from '../commands/command-pipe.ts';

let parts: Awaited<ReturnType<typeof openQueryParts>>;
beforeAll(async () => {
  parts = await openQueryParts();
});
afterAll(() => parts.close());

const summary = 'S | summarize c = count(), total = sum(n), most = max(n) by k';

async function start(world: World): Promise<DataFixture> {
  const cluster = await openInterruptedCluster(world, parts);
  await cluster.table('S', { k: 'string', n: 'long' });
  const view = { database: 'db', source: 'S', isOverView: false };
  const data = await cluster.data();
  await data.createMaterializedView({ ...view, name: 'V', query: summary });
  await data.createMaterializedView({ ...view, name: 'W', query: 'S | summarize take_any(*) by k' });
  world.steps = 0;
  return cluster;
}

/** Two materializations: the second changes groups of the first. */
async function work(cluster: DataFixture): Promise<void> {
  for (const [n, kind] of [
    [1, 'inline'],
    [2, 'streaming'],
    [3, 'inline'],
    [4, 'streaming'],
  ] as const) {
    await cluster
      .ingest('S', 'csv', `${n % 2 === 0 ? 'even' : 'odd'},${n}\nown${n},${n}`, { kind })
      .catch(() => undefined);
    if (n % 2 === 0) await (await cluster.data()).maintain().catch(() => undefined);
  }
}

async function rows(cluster: DataFixture, text: string): Promise<readonly (readonly unknown[])[]> {
  const data = await cluster.data();
  const execution = await parts.queries.execute({
    ...{ text, database: 'db', catalog: data.kqlCatalog(), sources: data.sources() },
    now: ticksOfUnixMilliseconds(Date.UTC(2026, 0, 1)),
  });
  return (await readResult(execution)).rows;
}

async function requireRight(cluster: DataFixture, at: number): Promise<void> {
  const columns = 'project k, c, total, most | order by k asc';
  expect([at, await rows(cluster, `V | ${columns}`)]).toEqual([at, await rows(cluster, `${summary} | ${columns}`)]);
  expect([at, await rows(cluster, 'W | order by k asc | project k')]).toEqual([
    at,
    await rows(cluster, 'S | distinct k | order by k asc'),
  ]);
}

it.each(['before', 'after'])(
  'a process that ends %s a durable step leaves views that are what their queries give',
  { timeout: 240_000 },
  async (when) => {
    const whole = new World();
    const first = await start(whole);
    await work(first);
    await requireRight(first, 0);
    expect(await rows(first, `materialized_view('V') | count`)).toEqual([[6n]]);
    const total = whole.steps;
    expect(total).toBeGreaterThan(15);
    await first.close();
    // One in three of the steps here, another one in three in the other run.
    const third = Array.from({ length: total }, (_value, index) => index + 1).filter(
      (at) => at % 3 === (when === 'before' ? 1 : 2),
    );
    for (const at of sample(third, 2, when)) {
      const world = new World();
      const cluster = await start(world);
      world.at = at;
      world.isAfter = when === 'after';
      await work(cluster).catch(() => undefined);
      world.at = Infinity;
      await cluster.crash();
      await requireRight(cluster, at);
      const data = await cluster.data();
      await data.maintain();
      await requireRight(cluster, at);
      expect([at, await rows(cluster, `materialized_view('V') | count`)]).toEqual([
        at,
        await rows(cluster, 'V | count'),
      ]);
      const kept = data.keptExtents('db').reduce((sum, { extents }) => sum + extents.length, 0);
      let blobs = 0;
      for await (const blob of cluster.blobs.list('')) blobs += blob.length > 0 ? 1 : 0;
      expect([at, blobs]).toEqual([at, data.extents('db', 'S').length + kept]);
      await cluster.close();
    }
  },
);

/** From one commit on the cluster may not use its key. */
class Revocation extends World {
  override store(store: CatalogStore): CatalogStore {
    const commit: CatalogStore['commit'] = (...asked) => {
      this.steps += 1;
      return this.steps < this.at
        ? store.commit(...asked)
        : Promise.resolve({ outcome: 'refused', reason: 'suspended' } as const);
    };
    return { ...store, commit };
  }

  override blobs(blobs: BlobStore): BlobStore {
    return blobs;
  }
}

it(
  'a key that is taken away stops materialization, and no row is lost when it is back',
  { timeout: 240_000 },
  async () => {
    const whole = new Revocation();
    const first = await start(whole);
    await work(first);
    const total = whole.steps;
    await first.close();
    for (const at of sampleOfSteps(total, 2)) {
      const revoked = new Revocation();
      const cluster = await start(revoked);
      revoked.at = at;
      let acknowledged = 0n;
      for (let n = 1; n <= 4; n += 1) {
        const text = `k${n % 2},${n}\nown${n},${n}`;
        await cluster.ingest('S', 'csv', text, { kind: n % 2 === 0 ? 'streaming' : 'inline' }).then(
          () => (acknowledged += 2n),
          () => undefined,
        );
        if (n % 2 === 0) await (await cluster.data()).maintain().catch(() => undefined);
      }
      const stored = (await cluster.data()).materializedView('db', 'V').view.materializedTo;
      await (await cluster.data()).maintain().catch(() => undefined);
      expect([at, (await cluster.data()).materializedView('db', 'V').view.materializedTo]).toEqual([at, stored]);
      revoked.at = Infinity;
      await cluster.crash(); // a suspended cluster's process is ended
      expect([at, await rows(cluster, 'S | count')]).toEqual([at, [[acknowledged]]]);
      await requireRight(cluster, at);
      await (await cluster.data()).maintain();
      await requireRight(cluster, at);
      await cluster.close();
    }
  },
);
