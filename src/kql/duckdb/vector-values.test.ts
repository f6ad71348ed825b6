import type { DuckDBConnection, DuckDBVarCharVector } from '@duckdb/node-api';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NativeValue } from '../sql/native.ts';
import { partBytesMax, partsOf, textsOf } from './vector-values.ts';

let instance: DuckDBInstance;
let connection: DuckDBConnection;
beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  connection = await instance.connect();
  await connection.run(`CREATE TABLE texts AS SELECT i, CASE
      WHEN i % 11 = 3 THEN NULL
      WHEN i % 5 = 0 THEN left(printf('%016x%016x', (hash(i) >> 1)::BIGINT, i), (i % 33)::INTEGER)
      WHEN i % 5 = 1 THEN repeat('ü€😀', (hash(i) % 9)::INTEGER)
      WHEN i % 5 = 2 THEN repeat(chr(97 + (i % 26)::INTEGER), (hash(i) % 40)::INTEGER)
      WHEN i % 97 = 3 THEN repeat('long ', (hash(i) % 5000)::INTEGER)
      ELSE 'plain text number ' || i END AS s FROM range(6000) r(i)`);
});
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

/** What the binding says value by value, and what is said of all at once. */
async function bothWays(sql: string): Promise<readonly [NativeValue[][], NativeValue[][]]> {
  const [expected, found]: [NativeValue[][], NativeValue[][]] = [[], []];
  const result = await connection.stream(sql);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) return [expected, found];
    expected.push(...(chunk.getColumns() as NativeValue[][]));
    for (const part of partsOf(chunk)) found.push(...part);
  }
}

describe('the values of a vector', () => {
  it.each([
    ['as they lie in a table', 'SELECT s FROM texts'],
    ['in another order', 'SELECT s FROM texts ORDER BY hash(i)'],
    ['of few rows of many', 'SELECT s FROM texts WHERE hash(i) % 50 = 1'],
    ['the same again and again', 'SELECT t.s FROM (SELECT s FROM texts WHERE i < 300) t, range(20)'],
    ['parts of one another', `SELECT substr('a text that all of these are parts of', i % 9) FROM range(5000) r(i)`],
    ['one for all rows', `SELECT 'a constant that is long enough' FROM range(3000)`],
    ['nothing but null', 'SELECT NULL::VARCHAR FROM range(3000)'],
    ['numbers', 'SELECT nullif(i, 77), i / 3, nullif(i % 5, 0)::INTEGER, i % 2 = 0 FROM texts'],
  ])('is what the binding says of each: %s', async (_what, sql) => {
    const [expected, found] = await bothWays(sql);
    expect(expected.length).toBeGreaterThan(0);
    expect(found).toEqual(expected);
  });

  it('comes in parts where the texts are long, each of its rows whole', async () => {
    const sql = `SELECT i, repeat('ab' || i, (hash(i) % 400000)::INTEGER) AS s, CASE WHEN i <> 50 THEN repeat('é', 40000) END,
      CASE i WHEN 7 THEN repeat('longer than a part may be ', 700000) END FROM range(300) r(i)`;
    const chunk = await (await connection.stream(sql)).fetchChunk();
    if (chunk === null) throw new Error('There are rows.');
    const parts = [...partsOf(chunk)];
    const bytes = parts.map((part) => part.reduce((sum, column) => sum + column.join('').length, 0));
    expect(parts.length).toBeGreaterThan(5);
    expect(parts.filter(([ids], index) => ids?.length !== 1 && (bytes[index] ?? 0) > partBytesMax)).toEqual([]);
    const columns = chunk.getColumns() as NativeValue[][];
    // Not by `toEqual`, which would print them.
    for (const [index, column] of columns.entries())
      expect(parts.flatMap((part) => part[index]).every((value, row) => value === column[row])).toBe(true);
    expect(parts.flatMap(([ids]) => ids)).toEqual(columns[0]);
  });

  it('keeps a byte order mark at the start of a text', async () => {
    const [, found] = await bothWays(`SELECT unnest([chr(65279) || 'a', chr(65279) || 'a text of more bytes'])`);
    expect(found).toEqual([['\uFEFFa', '\uFEFFa text of more bytes']]);
  });

  it('gives the bytes of a text', async () => {
    const chunk = await (await connection.stream('SELECT s, hex(encode(s)) FROM texts')).fetchChunk();
    const vector = textsOf(chunk?.getColumnVector(0) as DuckDBVarCharVector);
    const hex = chunk?.getColumnValues(1) ?? [];
    const found = hex.map((_value, row) => {
      if (vector.isNull(row)) return null;
      vector.find(row);
      return vector.bytes.toString('hex', vector.from, vector.to).toUpperCase();
    });
    expect(found).toEqual(hex);
    expect(found.length).toBeGreaterThan(1000);
  });
});
