import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture, openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import { zipOf } from '../../../tests/support/zip-writer.ts';
import { MemoryFile } from '../../encryption/extent-files/memory-file.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import { collect } from '../extents/collect.ts';
import type { PlainFile } from '../extents/extent-files.ts';
import type { DataSource } from './data-source.ts';
import { bytesSource } from './data-source.ts';
import { requireFormat } from './formats.ts';
import { blockBytes } from './record-blocks.ts';
import { readStaged, stageSources } from './source-stage.ts';

const line = {
  csv: (n: number): string => `${n},"text ${'x'.repeat(n % 90)}"\n`,
  json: (n: number): string => `{"a":${n},"b":"${'x'.repeat(n % 30)}"}\n`,
};
const linesEach = 1_000;

/** Made as it is read. @param onPiece told of each piece of a thousand rows before it comes */
function sourceOf(
  kind: 'csv' | 'json',
  pieces: number,
  onPiece: (piece: number) => unknown = () => undefined,
): DataSource {
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (let piece = 0; piece < pieces; piece += 1) {
      await onPiece(piece);
      const lines = Array.from({ length: linesEach }, (_each, index) => line[kind](piece * linesEach + index));
      yield Buffer.from(lines.join(''));
    }
  }
  return { name: `large.${kind}`, open: () => Promise.resolve({ bytes: undefined, stream: stream() }) };
}

describe('what is read part by part', () => {
  let engine: EngineDatabase;
  beforeAll(async () => {
    engine = await openTestEngine();
  });
  afterAll(() => engine.close());

  const columns = (['long', 'string'] as const).map((type, index) => ({
    columnId: index + 1,
    name: 'ab'[index] ?? '',
    type,
  }));

  /** Counts what is held, not how long it takes. */
  async function read(kind: 'csv' | 'json', pieces: number, values: number) {
    const open = new Set<string>();
    const files = {
      create: async (): Promise<PlainFile> => {
        const file = await MemoryFile.create();
        open.add(file.path);
        const discard = (): Promise<void> => (open.delete(file.path) ? file.close() : Promise.resolve());
        return { path: file.path, discard, seal: () => Promise.reject(new Error('nothing is sealed here')) };
      },
    };
    const connection = await engine.connect();
    const parts: number[] = [];
    let [asked, fileBytes, engineBytes] = [0, 0, 0];
    const take = async (sql: string): Promise<void> => {
      const [row] = await collect(connection, `SELECT count(*), min(c1), max(c1) FROM (${sql})`);
      const before = parts.reduce((sum, count) => sum + count, 0);
      if (row?.[0] === 0n || row?.[0] === 0) return; // the last part may be empty
      expect(row?.slice(1)).toEqual([BigInt(before), BigInt(before + Number(row?.[0])) - 1n]);
      parts.push(Number(row?.[0]));
      const bytesOf = (path: string): number => statSync(path).size;
      fileBytes = Math.max(
        fileBytes,
        [...open].reduce((sum, path) => sum + bytesOf(path), 0),
      );
      const [memory] = await collect(connection, `SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory()`);
      engineBytes = Math.max(engineBytes, Number(memory?.[0]));
    };
    try {
      const staged = await stageSources(connection, files, {
        ...{ columns, format: requireFormat(kind), mapping: undefined, ignoreFirstRecord: false, signal: undefined },
        ...{ withEngine: true, partMax: { values, bytes: 32 * 1024 * 1024 } },
        sources: [sourceOf(kind, pieces, () => (asked += 1))],
        takePart: (part) => readStaged(part, take),
      });
      await readStaged(staged, take);
      await staged.discard();
    } finally {
      connection.close();
    }
    expect(open.size).toBe(0);
    return { parts, asked, fileBytes, engineBytes };
  }

  it('is read once, and in memory as much of a file four times as large as of the smaller one: CSV', async () => {
    const small = await read('csv', 300, 200_000);
    const large = await read('csv', 1_200, 200_000);
    expect([small.asked, large.asked]).toEqual([300, 1_200]);
    expect(large.parts.reduce((sum, count) => sum + count, 0)).toBe(1_200_000);
    expect(small.parts.length).toBeGreaterThan(2);
    expect(large.parts.length).toBeGreaterThanOrEqual(small.parts.length * 3);
    expect(Math.max(...large.parts)).toBeLessThan(200_000);
    expect(large.fileBytes).toBeLessThanOrEqual(3 * blockBytes);
  });

  it('is read once, and in memory as much of a file three times as large as of the smaller one: JSON', async () => {
    const small = await read('json', 280, 40_000);
    const large = await read('json', 840, 40_000);
    expect([small.asked, large.asked]).toEqual([280, 840]);
    expect(large.parts.reduce((sum, count) => sum + count, 0)).toBe(840_000);
    expect(large.parts.length).toBeGreaterThan(small.parts.length);
    expect(large.fileBytes).toBe(0);
    expect(large.engineBytes).toBeLessThanOrEqual(small.engineBytes * 1.5);
  });
});

describe('a large source', () => {
  let fixture: DataFixture;
  beforeAll(async () => {
    fixture = await openDataFixture();
  });
  afterAll(() => fixture.close());

  const partMax = { values: 50_000, bytes: 32 * 1024 * 1024 };
  const blobsOf = async (): Promise<number> => {
    const names: string[] = [];
    for await (const { name } of fixture.blobs.list(`clusters/${fixture.clusterId}/`)) names.push(name);
    return names.length;
  };

  it.each(['csv', 'json'] as const)('becomes several extents of one commit: %s', async (kind) => {
    await fixture.table(kind, { a: 'long', b: 'string' });
    const data = await fixture.data();
    const sources = [sourceOf(kind, 300), bytesSource(`more.${kind}.zip`, zipOf({ x: line[kind](300_000) }))];
    const result = await data.ingestFrom({ database: 'db', table: kind, sources, partMax, tags: ['t'] });
    const extents = data.extents('db', kind);
    expect(extents.length).toBeGreaterThan(3);
    expect(result.extentIds).toEqual(expect.arrayContaining(extents.map(({ extentId }) => extentId)));
    expect(result.rowCount).toBe(300_001);
    expect(new Set(extents.map(({ tags }) => tags.join()))).toEqual(new Set(['t']));
    expect(extents.reduce((sum, { rowCount }) => sum + rowCount, 0)).toBe(300_001);
    expect(extents.reduce((sum, { originalBytes }) => sum + originalBytes, 0)).toBe(result.bytes);
    const after = await fixture.crash();
    expect(after.extents('db', kind)).toHaveLength(extents.length);
    const numbers = (await fixture.rows(kind, 'a')).map(([a]) => Number(a));
    expect(numbers.findIndex((a, index) => a !== index)).toBe(-1);
  });

  it('becomes several extents of one commit: parquet, of one file', async () => {
    const columns = { a: 'long', b: 'string', n: 'long' } as const;
    await fixture.table('parquet', columns);
    const data = await fixture.data();
    const file = await MemoryFile.create();
    const connection = await fixture.engine.connect();
    const rows = `SELECT i AS a, 'text ' || i % 90 AS b FROM range(100_001) AS t(i)`;
    await connection.run(`COPY (${rows}) TO '${file.path}' (FORMAT parquet, ROW_GROUP_SIZE 4096, use_tmp_file false)`);
    connection.close();
    const sources = [bytesSource('one.parquet', readFileSync(file.path))];
    await file.close();
    const mapping = JSON.stringify([
      ...[
        { Column: 'a', Properties: { Path: '$.a' } },
        { Column: 'b', Properties: { Path: '$.b' } },
      ],
      { Column: 'n', Properties: { Transform: 'SourceLineNumber' } },
    ]);
    const parts = { ...partMax, rows: 30_000 };
    const asked = { database: 'db', table: 'parquet', format: 'parquet', sources, mapping };
    const result = await data.ingestFrom({ ...asked, partMax: parts });
    expect(result.rowCount).toBe(100_001);
    const counts = data.extents('db', 'parquet').map(({ rowCount }) => rowCount);
    expect(counts.sort((left, right) => left - right)).toEqual([10_001, 30_000, 30_000, 30_000]);
    const read = await fixture.rows('parquet', 'a');
    expect(read.findIndex(([a, , n], index) => a !== BigInt(index) || n !== BigInt(index + 1))).toBe(-1);
    expect(read).toHaveLength(100_001);
  });

  it('that is wrong at its end leaves nothing', async () => {
    await fixture.table('Wrong', { a: 'long', b: 'string' });
    const data = await fixture.data();
    const before = await blobsOf();
    const sources = [sourceOf('csv', 300), bytesSource('last.csv', Buffer.from('1,"never closed\n'))];
    await expect(data.ingestFrom({ database: 'db', table: 'Wrong', sources, partMax })).rejects.toMatchObject({
      malformed: 'Stream_ClosingQuoteMissing',
    });
    expect([data.extents('db', 'Wrong'), await blobsOf()]).toEqual([[], before]);
  });

  it('is sealed anew when custody changes while it is read', async () => {
    await fixture.table('Custody', { a: 'long', b: 'string' });
    const data = await fixture.data();
    let changes = 0;
    const sources = [
      sourceOf('csv', 300, (piece) => (piece === 200 && changes++ === 0 ? fixture.changeCustody() : undefined)),
    ];
    expect((await data.ingestFrom({ database: 'db', table: 'Custody', sources, partMax })).rowCount).toBe(300_000);
    expect(changes).toBeGreaterThan(1);
    await fixture.crash();
    expect(await fixture.rows('Custody')).toHaveLength(300_000);
  });

  it.each(['csv', 'json'] as const)('is not read on when its table is dropped: %s', async (kind) => {
    await fixture.table(`Dropped${kind}`, { a: 'long', b: 'string' });
    const data = await fixture.data();
    const before = await blobsOf();
    let read = 0;
    const source = sourceOf(kind, 5_000, async (piece) => {
      read = piece;
      if (piece === 100) await data.dropTables('db', [`Dropped${kind}`], false);
    });
    const asked = data.ingestFrom({ database: 'db', table: `Dropped${kind}`, sources: [source], partMax });
    await expect(asked).rejects.toMatchObject({ code: 'TableNotFound' });
    expect([read, await blobsOf()]).toEqual([100, before]);
  });
});
