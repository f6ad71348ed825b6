import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openInterruptedCluster, openQueryParts } from '../../../tests/support/interrupted-cluster.ts';
import { World } from '../../../tests/support/interrupted-world.ts';
import { sampleOfSteps } from '../../../tests/support/sample.ts';
import type { MemoryStorage } from '../../../tests/support/memory-storage.ts';
import { memoryStorage } from '../../../tests/support/memory-storage.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { Clock } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import { runContinuousExports } from './continuous-export-run.ts';

let parts: Awaited<ReturnType<typeof openQueryParts>>;
beforeAll(async () => {
  parts = await openQueryParts();
});
afterAll(() => parts.close());

const id = newGuid(systemRandomBytes);
const creator = { objectId: id, tenantId: id, displayName: 'tester', fqn: 'aadapp=tester;tenant' };
const now = instant(0);
const clock = { now: () => now } as Clock;
const facts = { name: 'contoso', uri: 'https://contoso', version: '1.2.3', builtAt: now, startedAt: now };

interface Site {
  readonly cluster: DataFixture;
  readonly storage: MemoryStorage;
}

async function start(world: World): Promise<Site> {
  const cluster = await openInterruptedCluster(world, parts);
  const storage = memoryStorage();
  // What is told, and what is written, are steps, too.
  storage.onWrite = () => world.step(() => Promise.resolve());
  await cluster.table('T', { n: 'long' });
  const data = await cluster.data();
  const table = {
    ...{ name: 'E', columns: [{ name: 'n', type: 'long' as const }], folder: '', docstring: '', format: 'csv' },
    ...{ connections: ['https://acc.blob.core.windows.net/box;key'], partitions: [], pathFormat: '', properties: {} },
  };
  await data.putExternalTable('db', table, 'create');
  await data.putContinuousExport(
    'db',
    {
      ...{ name: 'C', externalTable: 'E', query: 'T', factTables: ['T'], isScoped: false, intervalMs: 60_000 },
      ...{ properties: {}, creator },
    },
    undefined,
  );
  world.steps = 0;
  return { cluster, storage };
}

async function exportDue({ cluster, storage }: Site): Promise<void> {
  cluster.advance(120_000);
  const data = await cluster.data();
  await runContinuousExports({
    ...{
      data,
      engine: parts.queries,
      clock,
      randomBytes: systemRandomBytes,
      cluster: facts,
      sourceOf: storage.sourceOf,
    },
    placesOf: () => storage.exports,
    isRefusal: () => false,
  });
}

/** Three rows in two runs. */
async function work(site: Site): Promise<void> {
  for (const rows of ['1\n2', '3']) {
    await site.cluster.ingest('T', 'csv', rows, { kind: 'inline' }).catch(() => undefined);
    await exportDue(site).catch(() => undefined);
  }
}

async function listedRows({ cluster, storage }: Site): Promise<readonly string[]> {
  const { artifacts } = (await cluster.data()).exportHistory('db', 'C');
  return artifacts
    .flatMap(({ path }) => String(storage.blobs.get(path) ?? 'gone').split('\r\n'))
    .filter((line) => line !== '')
    .sort();
}

it.each(['before', 'after'])(
  'a process that ends %s a durable step leaves each row in one artifact that is listed',
  { timeout: 240_000 },
  async (when) => {
    const whole = new World();
    const first = await start(whole);
    await work(first);
    expect(await listedRows(first)).toEqual(['1', '2', '3']);
    const total = whole.steps;
    expect(total).toBeGreaterThan(8);
    await first.cluster.close();
    for (const at of sampleOfSteps(total, 3, when)) {
      const world = new World();
      const site = await start(world);
      world.at = at;
      world.isAfter = when === 'after';
      await work(site).catch(() => undefined);
      world.at = Infinity;
      await site.cluster.crash();
      await exportDue(site);
      const rows = (await site.cluster.rows('T')).map((row) => String(row[0])).sort();
      expect([at, await listedRows(site)]).toEqual([at, rows]);
      await site.cluster.close();
    }
  },
);
