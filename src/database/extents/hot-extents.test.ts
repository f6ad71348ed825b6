import { afterEach, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { readResult } from '../commands/command-pipe.ts';
import { queryRequest } from '../commands/query-request.ts';
import type { HotExtents, HotLimits } from './hot-extents.ts';

const limits: HotLimits = { bytesMax: 64 << 20, readsMin: 2, rowsMin: 1 };

let cluster: CommandFixture;
afterEach(() => cluster.close());

async function open(hot: HotLimits = limits): Promise<void> {
  cluster = await openCommandFixture({ hot });
  await cluster.run('.create table T (n: long, s: string)');
}

/** Rows of one extent: `n` from one number up to another, and a text of it. */
async function append(from: number, to: number): Promise<void> {
  const data = await cluster.data.data();
  const { columns } = data.table('db', 'T');
  const sql = `SELECT i, 'text ' || i FROM range(${from}, ${to}) AS t(i)`;
  await data.append({ database: 'db', table: 'T', rows: { kind: 'sql', columns, sql, bound: [] }, replace: false });
}

async function answer(text: string): Promise<unknown> {
  const { engine, context, data } = cluster;
  const execution = await engine.execute(queryRequest({ ...context, data: await data.data() }, text));
  return (await readResult(execution)).rows;
}

async function hotExtents(): Promise<HotExtents> {
  const { hot } = await cluster.data.data();
  if (hot === undefined) throw new Error('This cluster has tables of hot extents.');
  await hot.settled();
  return hot;
}

const sums = 'T | summarize sum(n), dcount(s, 4)';

/** Asks until the extents of `T` are tables. */
async function heat(): Promise<unknown> {
  const cold = await answer(sums);
  for (let read = 1; read < (limits.readsMin ?? 0); read += 1) expect(await answer(sums)).toEqual(cold);
  await hotExtents();
  return cold;
}

/** In memory, one for each table of an extent. */
async function databases(): Promise<readonly unknown[]> {
  const connection = await cluster.data.engine.connect();
  const names: unknown[] = [];
  for await (const [chunk] of connection.stream(
    `SELECT database_name FROM duckdb_databases() WHERE database_name LIKE 'hot%'`,
    [],
  ))
    names.push(...(chunk ?? []));
  connection.close();
  return names;
}

/** What a query reads: its tables in memory, by the SQL of its sources. */
async function readsTables(): Promise<boolean> {
  const source = await (await cluster.data.data()).sources().open('db', 'T', { rows: [], summaries: [] });
  source.release();
  return source.sql.includes('kustody_hot');
}

describe('extents that are read often', () => {
  it('become tables, with the same rows, times of ingestion and facts of extents', async () => {
    // So little memory that the larger one comes in pieces.
    await open({ ...limits, bytesMax: 4 << 20 });
    await append(0, 60_000);
    await append(60_000, 70_000);
    const facts =
      'T | summarize count(), min(ingestion_time()), max(ingestion_time()) by e = extent_id(), t = tostring(extent_tags()) | order by e asc';
    const before = await answer(facts);
    expect(await readsTables()).toBe(false);
    const cold = await heat();
    expect((await hotExtents()).count).toBe(2);
    expect(await readsTables()).toBe(true);
    expect(await answer(sums)).toEqual(cold);
    expect(await answer(facts)).toEqual(before);
    expect(await answer('T | where n between (59998 .. 60001) | order by n asc')).toEqual(
      [59_998n, 59_999n, 60_000n, 60_001n].map((n) => [n, `text ${n}`]),
    );
  });

  it('are read as files where others’ tables are not seen', async () => {
    await open();
    await append(0, 1000);
    await heat();
    const source = await (await cluster.data.data()).sources().open('db', 'T', { rows: [], summaries: [] });
    expect(source.apart?.().sql).toContain('read_parquet');
    expect(source.apart?.().sql).not.toContain('kustody_hot');
    expect(source.apart?.().extentSql?.()).not.toContain('kustody_hot');
    source.release();
  });

  it('answer nothing once the key is gone, nor leave a table when the data is closed', async () => {
    await open();
    await append(0, 1000);
    await heat();
    const data = await cluster.data.data();
    expect(await databases()).toHaveLength(1);
    cluster.data.revoke();
    await expect(answer(sums)).rejects.toThrow('may not use its key');
    await cluster.data.holder().dispose();
    await data.hot?.settled();
    expect(await databases()).toEqual([]);
  });

  it('obey row level security and the time that rows are kept', async () => {
    await open();
    await append(0, 1000);
    await heat();
    await cluster.run('.alter table T policy row_level_security enable "T | where n < 5"');
    expect(await answer(sums)).toEqual([[10n, 5n]]);
    await cluster.run('.alter table T policy row_level_security disable "T | where n < 5"');
    await cluster.run('.alter-merge table T policy retention softdelete = 1d');
    cluster.data.advance(2 * 86_400_000);
    expect(await answer('T | summarize count(), sum(n)')).toEqual([[0n, 0n]]);
  });

  it('follow the schema of now, and go with what is dropped, merged or deleted', async () => {
    await open();
    await append(0, 1000);
    await append(1000, 2000);
    await heat();
    await cluster.run('.alter-merge table T (more: string, other: long)');
    await cluster.run('.drop column T.s');
    expect(await answer('T | summarize count(), sum(n), countif(isempty(more)), countif(isnull(other))')).toEqual([
      [2000n, 1_999_000n, 2000n, 2000n],
    ]);
    await cluster.run('.delete table T records <| T | where n < 10');
    expect(await answer('T | count')).toEqual([[1990n]]);
    expect((await hotExtents()).count).toBe(1);
    await (await cluster.data.data()).maintain();
    expect(await answer('T | count')).toEqual([[1990n]]);
    await cluster.run('.clear table T data');
    expect(await answer('T | count')).toEqual([[0n]]);
    expect((await hotExtents()).count).toBe(0);
    expect(await databases()).toEqual([]);
  });

  it('stay under a reader, also when they are dropped meanwhile', async () => {
    await open();
    await append(0, 1000);
    await heat();
    const source = await (await cluster.data.data()).sources().open('db', 'T', { rows: [], summaries: [] });
    await cluster.run('.clear table T data');
    await hotExtents();
    const connection = await cluster.data.engine.connect();
    for await (const [chunk] of connection.stream(`SELECT count(*)::INTEGER FROM ${source.sql}`, []))
      expect(chunk).toEqual([1000]);
    connection.close();
    source.release();
    await hotExtents();
    expect(await databases()).toEqual([]);
  });

  it('take no more memory than they may, and leave it to those that are read', async () => {
    await open({ ...limits, bytesMax: 5 << 19 });
    for (let extent = 0; extent < 4; extent += 1) await append(extent * 50_000, (extent + 1) * 50_000);
    await heat();
    const { count } = await hotExtents();
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(4);
    expect(await databases()).toHaveLength(count);
    // All are read alike: none goes for another one.
    const before = await databases();
    for (let read = 0; read < 10; read += 1) await answer(sums);
    await hotExtents();
    expect(await databases()).toEqual(before);
    // The last one alone: one of the others goes.
    for (let read = 0; read < 40; read += 1) await answer('T | where n >= 150000 | summarize sum(n)');
    await hotExtents();
    expect(await databases()).not.toEqual(before);
  });
});
