import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { clusterCatalogTable } from '../../src/cluster/process/remote-catalog-store.ts';
import { keyTodos } from '../../src/cluster/supervisor/key-todos.ts';
import type { EngineDatabase } from '../../src/kql/duckdb/engine-database.ts';
import { listAll } from '../../src/state/list-all.ts';
import { openTestEngine } from '../support/cluster-data-fixture.ts';
import { clusterId } from './killed-cluster.ts';
import type { SmallCluster } from './small-cluster.ts';
import { smallCluster } from './small-cluster.ts';

/** More than one commit could ever hold, when all of CI runs; then in parts as large as they are in use. */
const count = Number(process.env['KUSTODY_CUSTODY_RECORDS'] ?? 300);
const recordsEach = count > 10_000 ? 1_000 : 10;

let engine: EngineDatabase;
let cluster: SmallCluster;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterEach(() => cluster.remove());
afterAll(() => engine.close());

it(
  `a catalog of ${count} records changes custody in commits of ${recordsEach}, while queries are answered and ingestion waits`,
  { timeout: 240_000 + count * 10 },
  async () => {
    const parts: number[] = [];
    let inTheMiddle: Promise<unknown> | undefined;
    let rowsMeanwhile: readonly number[] = [];
    cluster = await smallCluster(engine, {
      recordsEach,
      wrapState: (state) => ({
        get: (table, id) => state.get(table, id),
        list: (table, options) => state.list(table, options),
        commit: async (commit) => {
          const isPart = commit.write.some(
            ({ table, id }) => table.name === clusterCatalogTable.name && id.startsWith(`${clusterId}/~/e/`),
          );
          if (isPart) parts.push(commit.write.length);
          if (parts.length === 3 && inTheMiddle === undefined) {
            inTheMiddle = cluster.ingest(2);
            rowsMeanwhile = await cluster.ingested();
          }
          await state.commit(commit);
        },
      }),
    });
    await cluster.copyExtents('Copied', count);
    const before = (await cluster.data()).extents('db').length;
    expect(before).toBe(count + 2);
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    const started = performance.now();
    await cluster.changeTo({ kind: 'microsoftManaged' });
    const seconds = (performance.now() - started) / 1000;
    delay.disable();
    await inTheMiddle;
    expect(parts.length).toBeGreaterThan(count / recordsEach);
    expect(Math.max(...parts)).toBeLessThanOrEqual(recordsEach + 1); // the mark
    expect(rowsMeanwhile).toEqual([1]);
    expect(await cluster.ingested()).toEqual([1, 2]);
    const ids = (await listAll(cluster.state, clusterCatalogTable, `${clusterId}/`)).map(({ id }) => id);
    expect(ids.filter((id) => id.startsWith(`${clusterId}/~/e/`)).length).toBe(before + 1);
    expect(ids.filter((id) => !id.startsWith(`${clusterId}/~/`))).toEqual([]);
    expect(await cluster.state.list(keyTodos)).toEqual([]);
    await cluster.killProcess();
    expect((await cluster.data()).extents('db').length).toBe(before + 1);
    console.log(
      `custody of ${count} records: ${seconds.toFixed(1)} s in ${parts.length} parts, the event loop held ${(delay.max / 1e6).toFixed(0)} ms at most`,
    );
  },
);
