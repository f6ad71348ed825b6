import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { instant } from '../../clock/clock.ts';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture, openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import { World } from '../../../tests/support/interrupted-world.ts';
import { sampleOfSteps } from '../../../tests/support/sample.ts';
import { readStoredRows } from '../../../tests/support/read-rows.ts';
import { MemoryBlobStore } from '../../storage/memory/memory-blob-store.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';

let cluster: DataFixture;
let engine: EngineDatabase;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterEach(() => cluster.close());
afterAll(() => engine.close());

const requests = Array.from({ length: 12 }, (_value, index) => index + 1);
const send = (n: number) =>
  cluster.ingest('T', 'csv', `${n}\n${n}`, { requestId: `request ${n}`, kind: n % 3 === 0 ? 'inline' : 'streaming' });

/** @returns the requests that were acknowledged */
async function work(): Promise<number[]> {
  const acknowledged: number[] = [];
  for (const n of requests) {
    const isAcknowledged = await send(n).then(
      () => true,
      () => false,
    );
    if (isAcknowledged) acknowledged.push(n);
    if (n % 5 === 0) {
      const data = await cluster.data().catch(() => undefined);
      await data?.flush('db', 'T').catch(() => undefined);
    }
  }
  const data = await cluster.data().catch(() => undefined);
  await data?.maintain().catch(() => undefined);
  return acknowledged;
}

const storedRows = async (): Promise<unknown> => readStoredRows(await cluster.data(), engine, 'R', 'me');

const counts = async (): Promise<Map<number, number>> => {
  const found = new Map<number, number>();
  for (const [n] of await cluster.rows('T')) found.set(Number(n), (found.get(Number(n)) ?? 0) + 1);
  return found;
};

async function start(world: World): Promise<void> {
  cluster = await openDataFixture({
    engine,
    blobs: world.blobs(new MemoryBlobStore()),
    wrapStore: (store) => world.store(store),
  });
  await cluster.table('T', { n: 'long' });
  world.steps = 0;
}

describe('a process that ends at any durable step', () => {
  it.each(['before', 'after'])(
    '%s it is done leaves each request whole or absent, and what was acknowledged there',
    { timeout: 240_000 },
    async (when) => {
      const whole = new World();
      await start(whole);
      expect(await work()).toEqual(requests);
      const total = whole.steps;
      expect(total).toBeGreaterThan(12);
      await cluster.close();
      for (const at of sampleOfSteps(total, 3, when)) {
        const world = new World();
        await start(world);
        world.at = at;
        world.isAfter = when === 'after';
        const acknowledged = await work();
        world.at = Infinity;
        await cluster.crash();
        const found = await counts();
        for (const n of acknowledged) expect([at, n, found.get(n)]).toEqual([at, n, 2]);
        for (const count of found.values()) expect([at, count]).toEqual([at, 2]);
        // The client sends everything again: each request counts once.
        for (const n of requests) await send(n);
        expect([at, ...(await counts()).values()]).toEqual([at, ...requests.map(() => 2)]);
        await (await cluster.data()).maintain();
        expect([at, ...(await counts()).values()]).toEqual([at, ...requests.map(() => 2)]);
        const extents = (await cluster.data()).extents('db', 'T').length;
        let blobs = 0;
        for await (const blob of cluster.blobs.list('')) blobs += blob.length > 0 ? 1 : 0;
        expect([at, blobs]).toEqual([at, extents]);
        await cluster.close();
      }
      await start(new World());
    },
  );

  it.each(['before', 'after'])(
    '%s it is done leaves a table with the rows of the query that made it, or no table',
    async (when) => {
      const columns = [
        { name: 'n', type: 'long' },
        { name: 's', type: 'string' },
      ] as const;
      const make = async (replace: boolean): Promise<void> => {
        const sql = "SELECT * FROM (VALUES (1::BIGINT, 'a'), (2::BIGINT, 'b')) AS v(n, s)";
        const rows = { kind: 'sql', columns, sql, bound: [] } as const;
        const change = { how: 'create', schema: { columns, folder: 'made' } } as const;
        await (await cluster.data()).append({ database: 'db', table: 'Made', rows, replace, change });
      };
      const whole = new World();
      await start(whole);
      await make(false);
      const total = whole.steps;
      expect(total).toBe(2); // blob and commit
      await cluster.close();
      for (const at of sampleOfSteps(total, 3, when)) {
        const world = new World();
        await start(world);
        world.at = at;
        world.isAfter = when === 'after';
        await expect(make(at % 2 === 0)).rejects.toThrow();
        world.at = Infinity;
        const data = await cluster.crash();
        const isThere = data.database('db').tables.has('Made');
        expect([at, isThere]).toEqual([at, when === 'after' && at === total]);
        if (isThere) expect(await cluster.rows('Made', 'n')).toHaveLength(2);
        await make(true);
        expect(await cluster.rows('Made', 'n')).toEqual([
          [1n, 'a'],
          [2n, 'b'],
        ]);
        expect((await cluster.data()).table('db', 'Made').folder).toBe('made');
        await cluster.close();
      }
      await start(new World());
    },
  );

  it.each(['before', 'after'])(
    '%s it is done leaves a merge whose texts get a filter of terms with all rows, and no blob that nothing names',
    async (when) => {
      const columns = [{ name: 's', type: 'string' }] as const;
      const merge = async (): Promise<void> => {
        const data = await cluster.data();
        const ids = data.extents('db', 'Texts').map(({ extentId }) => extentId);
        if (ids.length > 1) await data.mergeExtents('db', 'Texts', ids);
        await data.maintain();
      };
      const begin = async (world: World): Promise<void> => {
        await start(world);
        const data = await cluster.data();
        await data.createTables('db', [{ name: 'Texts', columns }]);
        for (const from of [0, 600]) {
          const sql = `SELECT 'text' || i FROM range(${from}, ${from + 600}) AS t(i)`;
          const rows = { kind: 'sql', columns, sql, bound: [] } as const;
          await data.append({ database: 'db', table: 'Texts', replace: false, rows });
        }
        world.steps = 0;
      };
      const found = async (): Promise<readonly [rows: number, texts: number, blobs: number]> => {
        const rows = await cluster.rows('Texts');
        let blobs = 0;
        for await (const blob of cluster.blobs.list('')) blobs += blob.length > 0 ? 1 : 0;
        return [rows.length, new Set(rows.map(([text]) => text)).size, blobs];
      };
      const whole = new World();
      await begin(whole);
      await merge();
      // The filter · the extent · the commit · the two extents of before · the head record of the collection.
      expect([whole.steps, await found()]).toEqual([6, [1200, 1200, 2]]);
      await cluster.close();
      for (const at of sampleOfSteps(whole.steps, 3, when)) {
        const world = new World();
        await begin(world);
        world.at = at;
        world.isAfter = when === 'after';
        await merge().catch(() => undefined);
        world.at = Infinity;
        await cluster.crash();
        expect([at, (await found()).slice(0, 2)]).toEqual([at, [1200, 1200]]);
        await (await cluster.data()).maintain();
        // Two extents, or one and its filter.
        expect([at, await found()]).toEqual([at, [1200, 1200, 2]]);
        await merge();
        expect([at, await found()]).toEqual([at, [1200, 1200, 2]]);
        expect((await cluster.data()).extents('db', 'Texts')).toHaveLength(1);
        await cluster.close();
      }
      await start(new World());
    },
  );

  it.each(['before', 'after'])(
    '%s it is done leaves the stored result that was there, or its successor',
    async (when) => {
      const store = async (value: number, existing: 'refused' | 'replaced'): Promise<void> => {
        const rows = {
          kind: 'sql',
          columns: [{ name: 'n', type: 'long' }],
          sql: `SELECT ${value}::BIGINT`,
          bound: [],
        } as const;
        const request = { database: 'db', name: 'R', principal: 'me', expiresAfterMs: 3_600_000, existing };
        await (await cluster.data()).storeResult({ ...request, rows });
      };
      const whole = new World();
      await start(whole);
      await store(1, 'refused');
      whole.steps = 0;
      await store(2, 'replaced');
      const total = whole.steps;
      expect(total).toBe(4); // blob, commit, the old rows' record, their blob's end
      await cluster.close();
      for (const at of sampleOfSteps(total, 3, when)) {
        const world = new World();
        await start(world);
        await store(1, 'refused');
        world.steps = 0;
        world.at = at;
        world.isAfter = when === 'after';
        await store(2, 'replaced').catch(() => undefined);
        world.at = Infinity;
        const data = await cluster.crash();
        const isNew = at >= 3 || (at === 2 && when === 'after');
        expect([at, await storedRows()]).toEqual([at, [[isNew ? 2n : 1n]]]);
        expect(data.storedResults('db')).toHaveLength(1);
        await data.maintain();
        let blobs = 0;
        for await (const blob of cluster.blobs.list('')) blobs += blob.length > 0 ? 1 : 0;
        expect([at, blobs]).toEqual([at, 1]);
        await cluster.close();
      }
      await start(new World());
    },
  );

  it.each(['before', 'after'])(
    '%s it is done leaves a snapshot with all its nodes and edges, or none',
    async (when) => {
      const part = (value: number) =>
        ({ kind: 'sql', columns: [{ name: 'n', type: 'long' }], sql: `SELECT ${value}::BIGINT`, bound: [] }) as const;
      const begin = async (world: World): Promise<() => Promise<unknown>> => {
        await start(world);
        const data = await cluster.data();
        const model = '{"Definition":{"Steps":[{"Kind":"AddNodes","Query":"print n = 1","NodeIdColumn":"n"}]}}';
        const versionId = (await data.putGraphModel('db', 'M', model)).versions[0]?.versionId;
        world.steps = 0;
        const request = {
          database: 'db',
          model: 'M',
          name: 'S',
          startedOn: instant(0),
          versionId: versionId ?? data.database('db').databaseId,
          reads: [],
          isRestricted: false,
        };
        return async () => (await cluster.data()).makeGraphSnapshot({ ...request, nodes: part(1), edges: part(2) });
      };
      const whole = new World();
      await (
        await begin(whole)
      )();
      const total = whole.steps;
      expect(total).toBe(3); // two blobs and the commit
      await cluster.close();
      for (const at of sampleOfSteps(total, 3, when)) {
        const world = new World();
        const make = await begin(world);
        world.at = at;
        world.isAfter = when === 'after';
        await expect(make()).rejects.toThrow();
        world.at = Infinity;
        const data = await cluster.crash();
        const isThere = data.graphModels('db')[0]?.snapshots.length === 1;
        expect([at, isThere]).toEqual([at, when === 'after' && at === total]);
        if (!isThere) await make();
        const counts = data
          .keptExtents('db')
          .map(({ title, extents }) => [title, extents.map(({ rowCount }) => rowCount)]);
        expect([at, counts]).toEqual([
          at,
          [
            ['graph("M", "S")', [1]],
            ['graph("M", "S")', [1]],
          ],
        ]);
        await data.maintain();
        let blobs = 0;
        for await (const blob of cluster.blobs.list('')) blobs += blob.length > 0 ? 1 : 0;
        expect([at, blobs]).toEqual([at, 2]);
        await cluster.close();
      }
      await start(new World());
    },
  );

  it.each(['extend', 'recreate'] as const)(
    '%s leaves the old columns with the old rows, or the new with the new',
    async (how) => {
      const added = { name: 'x', type: 'real' } as const;
      const old = { name: 'n', type: 'long' } as const;
      const change = {
        how,
        schema: { columns: how === 'extend' ? [added] : [{ name: 'n', type: 'string' } as const, added] },
      };
      const columns = [{ ...old, type: how === 'extend' ? 'long' : 'string' } as const, added];
      const sql = `SELECT ${how === 'extend' ? '2::BIGINT' : "'two'"} AS n, 1.5::DOUBLE AS x`;
      const rows = { kind: 'sql', columns, sql, bound: [] } as const;
      const append = async (): Promise<void> => {
        await (
          await cluster.data()
        ).append({ database: 'db', table: 'Old', rows, replace: how === 'recreate', change });
      };
      const prepared = async (world: World): Promise<void> => {
        await start(world);
        const data = await cluster.data();
        await data.createTables('db', [{ name: 'Old', columns: [old] }]);
        await data.ingest({ database: 'db', table: 'Old', format: 'csv', body: Buffer.from('1'), kind: 'inline' });
      };
      const counted = new World();
      await prepared(counted);
      const before = counted.steps;
      await append();
      const total = counted.steps - before;
      await cluster.close();
      const fresh =
        how === 'extend'
          ? [
              ['n:long', 'x:real'],
              [
                [1n, null],
                [2n, 1.5],
              ],
            ]
          : [['n:string', 'x:real'], [['two', 1.5]]];
      for (const at of sampleOfSteps(total, 3, how)) {
        const world = new World();
        await prepared(world);
        world.at = before + at;
        await append().catch(() => undefined);
        world.at = Infinity;
        await cluster.crash();
        const state = async () => [
          (await cluster.data()).table('db', 'Old').columns.map(({ name, type }) => `${name}:${type}`),
          await cluster.rows('Old', 'n'),
        ];
        // The blob is step 1, the commit step 2; what is left then is to delete the old blob.
        expect([at, await state()]).toEqual([at, at <= 2 ? [['n:long'], [[1n]]] : fresh]);
        if (at <= 2) {
          await append();
          expect(await state()).toEqual(fresh);
        }
        await cluster.close();
      }
      await start(new World());
    },
  );

  it('two queries that make the same table at the same time both find a place in it', async () => {
    await start(new World());
    const columns = [{ name: 'n', type: 'long' }] as const;
    const data = await cluster.data();
    const make = (n: number, schema: { readonly columns: readonly { name: string; type: 'long' }[] } = { columns }) => {
      const rows = { kind: 'sql', columns: schema.columns, sql: `SELECT ${n}::BIGINT AS n`, bound: [] } as const;
      const change = { how: 'create', schema } as const;
      return data.append({ database: 'db', table: 'Made', rows, replace: false, change });
    };
    await Promise.all([make(1), make(2)]);
    expect(await cluster.rows('Made', 'n')).toEqual([[1n], [2n]]);
    const other = { columns: [{ name: 'm', type: 'long' }] as const };
    await data.dropTables('db', ['Made'], false);
    const made = await Promise.allSettled([make(1), make(2, other)]);
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await cluster.rows('Made', 'c1')).toHaveLength(1);
  });
});
