import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { openEngineDatabase, stagingType } from '../../kql/duckdb/engine-database.ts';
import { natives } from '../../kql/language.ts';
import { readResult } from '../commands/command-pipe.ts';
import { queryRequest } from '../commands/query-request.ts';

const directory = mkdtempSync(join(tmpdir(), 'kustody-small-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory]).status === 0;
afterAll(() => {
  if (mounted) spawnSync('umount', ['-l', directory]);
  rmdirSync(directory);
});

let cluster: DataFixture;
afterEach(() => cluster.close());

/** Six extents of about 1.5 MB that nothing makes smaller. */
async function fill(): Promise<void> {
  await cluster.table('T', { n: 'long', s: 'string' });
  const data = await cluster.data();
  const { columns } = data.table('db', 'T');
  for (let extent = 0; extent < 6; extent += 1) {
    const sql = `SELECT i + ${extent * 40_000}, sha256((i + ${extent * 40_000})::VARCHAR) FROM range(40000) AS t(i)`;
    const rows = { kind: 'sql', columns, sql, bound: [] } as const;
    await data.append({ database: 'db', table: 'T', rows, replace: false });
  }
}

const hashes = async (): Promise<unknown> => {
  const data = await cluster.data();
  const source = await data.sources().open('db', 'T');
  const connection = await cluster.engine.connect();
  try {
    const [n, s] = [source.columns.get('n') ?? '', source.columns.get('s') ?? ''];
    const sql = `SELECT count(*), sum(${n})::BIGINT, count(DISTINCT ${s}) FROM ${source.sql}`;
    for await (const chunk of connection.stream(sql, [])) return chunk.map(([value]) => value);
    return undefined;
  } finally {
    connection.close();
    source.release();
  }
};
async function answer({ engine, context, data }: CommandFixture, text: string): Promise<unknown> {
  const execution = await engine.execute(queryRequest({ ...context, data: await data.data() }, text));
  return (await readResult(execution)).rows;
}

const whole = [240_000n, (240_000n * 239_999n) / 2n, 240_000n];

describe('a table that is larger than the memory for opened extents', () => {
  it.skipIf(!mounted)('is read all the same, piece by piece, and can be merged no further than that', async () => {
    cluster = await openDataFixture({ memoryDirectory: directory, cacheBytesMax: 512 << 10, openBytesMax: 1 << 20 });
    await fill();
    const data = await cluster.data();
    const sizes = data.extents('db', 'T').map(({ extentBytes }) => extentBytes);
    expect(Math.min(...sizes)).toBeGreaterThan(1 << 20); // one is more than may be open
    expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(4 << 20); // all are more than there is
    expect(await hashes()).toEqual(whole);
    await data.maintain();
    expect(data.upkeepProblems()).toEqual([]);
    await cluster.crash();
    expect(await hashes()).toEqual(whole);
  });

  it.skipIf(!mounted)('is not grown by what cannot be written, which fails by name', async () => {
    cluster = await openDataFixture({ memoryDirectory: directory, cacheBytesMax: 512 << 10, openBytesMax: 1 << 20 });
    await fill();
    const data = await cluster.data();
    const { columns } = data.table('db', 'T');
    const sql = 'SELECT i, sha256(i::VARCHAR) FROM range(400000) AS t(i)';
    const rows = { kind: 'sql', columns, sql, bound: [] } as const;
    const refused = data.append({ database: 'db', table: 'T', rows, replace: false });
    await expect(refused).rejects.toMatchObject({ name: 'KqlError', code: 'memory' });
    expect(await hashes()).toEqual(whole);
  });

  it.skipIf(!mounted)(
    'is counted even where no extent of it has room, with its least and greatest values',
    async () => {
      const commands = await openCommandFixture({
        memoryDirectory: directory,
        cacheBytesMax: 0,
        openBytesMax: 1 << 20,
      });
      cluster = { ...commands.data, close: () => commands.close() };
      await fill();
      await cluster.crash();
      const filler = join(directory, 'of somebody else');
      writeFileSync(filler, Buffer.alloc(3 << 20));
      expect(await answer(commands, 'T | count')).toEqual([[240_000n]]);
      expect(await answer(commands, 'T | where n >= 120000 | summarize count(), min(n), max(n)')).toEqual([
        [120_000n, 120_000n, 239_999n],
      ]);
      await expect(answer(commands, 'T | summarize min(s)')).rejects.toThrow('There is no memory');
      rmSync(filler);
      expect(await answer(commands, 'T | summarize count(), dcount(n)')).toEqual([[240_000n, 240_000n]]);
    },
  );

  it('has the facts of each row’s extent', async () => {
    cluster = await openDataFixture({ openBytesMax: 1, cacheBytesMax: 0 });
    await cluster.table('T', { n: 'long' });
    for (const n of [1, 2]) await cluster.ingest('T', 'csv', String(n), { kind: 'inline', tags: [`tag ${n}`] });
    await cluster.ingest('T', 'csv', '3');
    const data = await cluster.data();
    const source = await data.sources().open('db', 'T');
    const connection = await cluster.engine.connect();
    const found: unknown[] = [];
    const sql = `SELECT c1, extent_tags, extent_id::VARCHAR FROM ${source.extentSql?.() ?? ''} ORDER BY c1`;
    for await (const chunk of connection.stream(sql, []))
      found.push(...(chunk[0] ?? []).map((_, row) => chunk.map((column) => column[row])));
    connection.close();
    source.release();
    const ids = data.extents('db', 'T').map(({ extentId }) => extentId);
    expect(found).toEqual([
      [1n, '["tag 1"]', ids[0]],
      [2n, '["tag 2"]', ids[1]],
      [3n, null, '00000000-0000-0000-0000-000000000000'],
    ]);
  });

  it('goes along to another engine, with its rows, their types and the facts of their extents', async () => {
    cluster = await openDataFixture({ openBytesMax: 1, cacheBytesMax: 0 });
    await cluster.table('T', { n: 'long', g: 'guid', d: 'decimal', s: 'string', t: 'timespan' });
    const guid = '74be27de-1e4e-49d9-b579-fe0b331d3642';
    for (const n of [1, 2]) await cluster.ingest('T', 'csv', `${n},${guid},${n}.5,text ${n},00:00:0${n}`);
    const data = await cluster.data();
    await data.maintain();
    await cluster.ingest('T', 'csv', `3,${guid},3.5,text 3,00:00:03`);
    const source = await data.sources().open('db', 'T');
    const other = await openEngineDatabase({ threads: 1, memoryLimit: '128MB' }, natives);
    const there = await other.connect();
    for (const tail of source.tails ?? []) {
      const { table, columns } = tail;
      await there.run(
        `CREATE TABLE ${table} (${columns.map(({ name, type }) => `${name} ${stagingType(type)}`).join(', ')})`,
      );
      const types = columns.map(({ type }) => type);
      for await (const chunk of tail.rows()) await there.append(table, types, chunk);
    }
    const here = await cluster.engine.connect();
    const apart = source.apart?.();
    for (const [own, theirs] of [
      [source.sql, apart?.sql],
      [source.extentSql?.(), apart?.extentSql?.()],
    ]) {
      const sorted = (sql = ''): string => `SELECT r::VARCHAR FROM (SELECT * FROM ${sql}) AS r ORDER BY c1`;
      const rows = await columnOf(here, sorted(own));
      expect(rows).toHaveLength(3);
      expect(await columnOf(there, sorted(theirs))).toEqual(rows);
    }
    here.close();
    there.close();
    other.close();
    source.release();
  });
});

async function columnOf(connection: EngineConnection, sql: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const [column = []] of connection.stream(sql, [])) found.push(...column);
  return found;
}
