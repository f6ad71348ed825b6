import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DataFixture, DataFixtureOptions } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture, openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import { sample } from '../../../tests/support/sample.ts';
import { clusterCatalogTable } from '../../cluster/process/remote-catalog-store.ts';
import { SqliteStateStore } from '../../state/sqlite/sqlite-state-store.ts';
import { listAll } from '../../state/list-all.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import type { ExtentRecord } from '../catalog/records.ts';

/** The supervisor takes 50,000 records in one commit: a run with 60,000 takes minutes. */
const count = Number(process.env['KUSTODY_LARGE_TABLE'] ?? 4_000);
const recordsPerCommitMax = 3_000;
const day = 86_400_000;

let cluster: DataFixture;
let engine: EngineDatabase;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterEach(async () => {
  await cluster.close();
  await cluster.stateStore.close();
  if (directory !== undefined) rmSync(directory, { recursive: true });
  directory = undefined;
});
afterAll(() => engine.close());

/** Commits of more records than a process may send are refused, as the supervisor does. */
const bounded: Pick<DataFixtureOptions, 'wrapStore'> = {
  wrapStore: (store) => ({
    ...store,
    commit: (writes) => {
      if (writes.length > recordsPerCommitMax) throw new Error(`a commit of ${writes.length} records`);
      return store.commit(writes);
    },
  }),
};

const storedExtents = async (): Promise<number> =>
  (await listAll(cluster.state, clusterCatalogTable, `${cluster.clusterId}/e/`)).length;
const dayOld = (copy: ExtentRecord): ExtentRecord => ({
  ...copy,
  minCreatedOn: copy.minCreatedOn - 2 * day,
  maxCreatedOn: copy.maxCreatedOn - 2 * day,
});

/** Of a state on a disk. */
let directory: string | undefined;
async function start(change?: (copy: ExtentRecord) => ExtentRecord): Promise<void> {
  cluster = await openDataFixture({ engine, ...bounded });
  await cluster.table('Large', { n: 'long' });
  await cluster.ingest('Large', 'csv', '1', { kind: 'inline' });
  await cluster.manyExtents(count, change);
  await goesAtOnce(await cluster.data());
}

/** A table that is dropped is not kept to be had back. */
const goesAtOnce = (data: Data): Promise<void> =>
  data.setPolicy('db', 'Large', 'retention', { SoftDeletePeriod: '365000.00:00:00', Recoverability: 'Disabled' });

type Data = Awaited<ReturnType<DataFixture['data']>>;
const columns = [{ name: 'n', type: 'long' }] as const;
const rows = { kind: 'sql', columns, sql: 'SELECT 7::BIGINT', bound: [] } as const;

const ways: Readonly<Record<string, (data: Data) => Promise<unknown>>> = {
  'is dropped with its rows': (data) => data.dropTables('db', ['Large'], false),
  'is emptied': (data) => data.clearTable('db', 'Large'),
  'gets other rows': (data) => data.append({ database: 'db', table: 'Large', rows, replace: true }),
  'loses all its extents': (data) => data.dropExtents('db', 'Large', {}),
  'goes with its database': (data) => data.maintain({ droppedDatabases: [cluster.database.databaseId] }),
};

describe('a table of more records than one commit takes', () => {
  it.each(sample(Object.entries(ways), 2))('%s', async (name, act) => {
    await start();
    const data = await cluster.data();
    await act(data);
    const left = name === 'gets other rows' ? 1 : 0;
    const seen = (): number =>
      name.startsWith('goes') || name.startsWith('is dropped') ? 0 : data.extents('db', 'Large').length;
    expect(seen()).toBe(left); // at once
    await data.maintain();
    expect(await storedExtents()).toBe(left);
    expect(data.upkeepProblems()).toEqual([]);
    await cluster.crash();
    expect(await storedExtents()).toBe(left);
    if (left === 1) expect((await cluster.rows('Large')).map(([n]) => n)).toEqual([7n]);
  });

  it('loses what is past its retention', async () => {
    await start(dayOld);
    const data = await cluster.data();
    await data.setPolicy('db', 'Large', 'retention', { SoftDeletePeriod: '1.00:00:00', Recoverability: 'Disabled' });
    await data.maintain();
    expect(data.upkeepProblems()).toEqual([]);
    expect(await storedExtents()).toBe(1);
  });
});

describe('a process that ends at any commit of a large drop', () => {
  it.each(['before', 'after'])(
    '%s it is durable leaves the table whole or gone, and no rows for another',
    async (when) => {
      for (let at = 1, ended = false; !ended; at += 1) {
        const world = { commits: -Infinity };
        const wrapStore: NonNullable<DataFixtureOptions['wrapStore']> = (store) => ({
          ...store,
          commit: async (writes) => {
            world.commits += 1;
            if (world.commits > at || (world.commits === at && when === 'before')) throw new Error('it ended before');
            const outcome = await store.commit(writes);
            if (world.commits === at) throw new Error('it ended after');
            return outcome;
          },
        });
        directory = mkdtempSync(join(tmpdir(), 'kustody-large-'));
        cluster = await openDataFixture({ engine, stateStore: SqliteStateStore.open(directory), wrapStore });
        await cluster.table('Large', { n: 'long' });
        await cluster.ingest('Large', 'csv', '1', { kind: 'inline' });
        const extents = 1 + (await cluster.manyExtents(2_200));

        const data = await cluster.data();
        await goesAtOnce(data);
        world.commits = 0;
        const acknowledged = await data.dropTables('db', ['Large'], false).then(
          () => true,
          () => false,
        );
        await data.maintain().catch(() => undefined);
        ended = world.commits < at;
        world.commits = -Infinity;

        const next = await cluster.crash();
        const isThere = next.database('db').tables.has('Large');
        if (acknowledged) expect([at, isThere]).toEqual([at, false]);
        if (isThere) expect([at, next.extents('db', 'Large').length]).toEqual([at, extents]);
        else {
          await cluster.table('Large', { n: 'long' });
          expect([at, await cluster.rows('Large')]).toEqual([at, []]);
        }
        await next.maintain();
        if (!isThere) expect([at, await storedExtents()]).toEqual([at, 0]);
        if (ended) continue;
        await cluster.close();
        await cluster.stateStore.close();
        rmSync(directory, { recursive: true });
      }
    },
  );
});
