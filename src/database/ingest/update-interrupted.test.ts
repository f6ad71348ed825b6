import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openInterruptedCluster, openQueryParts } from '../../../tests/support/interrupted-cluster.ts';
import { World } from '../../../tests/support/interrupted-world.ts';
import { sampleOfSteps } from '../../../tests/support/sample.ts';

let parts: Awaited<ReturnType<typeof openQueryParts>>;
beforeAll(async () => {
  parts = await openQueryParts();
});
afterAll(() => parts.close());

/** A chain of two transactional policies, from S to T to U. */
async function start(world: World): Promise<DataFixture> {
  const cluster = await openInterruptedCluster(world, parts);
  const data = await cluster.data();
  for (const name of ['S', 'T', 'U']) await cluster.table(name, { n: 'long' });
  for (const [to, from] of [
    ['T', 'S'],
    ['U', 'T'],
  ] as const) {
    const policy = { IsEnabled: true, IsTransactional: true, PropagateIngestionProperties: false };
    await data.setPolicy('db', to, 'update', [{ ...policy, Source: from, Query: from }]);
  }
  world.steps = 0;
  return cluster;
}

const requests = [1, 2, 3, 4] as const;
const send = (cluster: DataFixture, n: number) =>
  cluster.ingest('S', 'csv', `${n}`, { requestId: `request ${n}`, kind: n % 2 === 0 ? 'inline' : 'streaming' });

async function work(cluster: DataFixture): Promise<number[]> {
  const acknowledged: number[] = [];
  for (const n of requests) {
    const isAcknowledged = await send(cluster, n).then(
      () => true,
      () => false,
    );
    if (isAcknowledged) acknowledged.push(n);
  }
  const data = await cluster.data().catch(() => undefined);
  await data?.maintain().catch(() => undefined);
  return acknowledged;
}

const numbers = async (cluster: DataFixture, table: string): Promise<number[]> =>
  (await cluster.rows(table, 'n')).map(([n]) => Number(n)).sort((left, right) => left - right);

it.each(['before', 'after'])(
  'a process that ends %s any durable step leaves the rows of a source and all that policies made of them, or none',
  { timeout: 240_000 },
  async (when) => {
    const whole = new World();
    const first = await start(whole);
    expect(await work(first)).toEqual(requests);
    const total = whole.steps;
    expect(total).toBeGreaterThan(8);
    await first.close();
    for (const at of sampleOfSteps(total, 3, when)) {
      const world = new World();
      const cluster = await start(world);
      world.at = at;
      world.isAfter = when === 'after';
      const acknowledged = await work(cluster);
      world.at = Infinity;
      await cluster.crash();
      const found = await numbers(cluster, 'S');
      expect([at, found]).toEqual([at, [...new Set([...found, ...acknowledged])].sort()]);
      for (const table of ['T', 'U']) expect([at, table, await numbers(cluster, table)]).toEqual([at, table, found]);
      // The client sends everything again: each request counts once, in every table.
      for (const n of requests) await send(cluster, n);
      await (await cluster.data()).maintain();
      for (const table of ['S', 'T', 'U'])
        expect([at, table, await numbers(cluster, table)]).toEqual([at, table, requests]);
      const data = await cluster.data();
      const extents = ['S', 'T', 'U'].reduce((sum, table) => sum + data.extents('db', table).length, 0);
      let blobs = 0;
      for await (const blob of cluster.blobs.list('')) blobs += blob.length > 0 ? 1 : 0;
      expect([at, blobs]).toEqual([at, extents]);
      await cluster.close();
    }
  },
);
