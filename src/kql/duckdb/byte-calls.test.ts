import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { xxhash64 } from '../algorithms/text/xxhash64.ts';
import { natives } from '../language.ts';
import type { NativeValue } from '../sql/native.ts';
import type { EngineConnection, EngineDatabase } from './engine-database.ts';
import { openEngineDatabase } from './engine-database.ts';

let database: EngineDatabase;
let connection: EngineConnection;
beforeAll(async () => {
  database = await openEngineDatabase({ threads: 1, memoryLimit: '1GB' }, natives);
  connection = await database.connect();
  await connection.run(`CREATE TEMP TABLE texts AS SELECT i, CASE
      WHEN i % 11 = 3 THEN NULL
      WHEN i % 5 = 0 THEN left(printf('%016x%016x', (hash(i) >> 1)::BIGINT, i), (i % 33)::INTEGER)
      WHEN i % 5 = 1 THEN repeat('ü€😀', (hash(i) % 9)::INTEGER)
      WHEN i % 5 = 2 THEN repeat(chr(97 + (i % 26)::INTEGER), (hash(i) % 40)::INTEGER)
      WHEN i % 97 = 3 THEN repeat('long ', (hash(i) % 5000)::INTEGER)
      ELSE 'plain text number ' || i END AS s FROM range(6000) r(i)`);
});
afterAll(() => {
  connection.close();
  database.close();
});

/** Values, and what DuckDB gets for them. */
async function answered(call: string, sql: string): Promise<readonly [NativeValue[], NativeValue[]]> {
  const [values, results]: [NativeValue[], NativeValue[]] = [[], []];
  for await (const [some = [], own = []] of connection.stream(`SELECT s, ${call} FROM (${sql}) AS t(s)`, [])) {
    values.push(...some);
    results.push(...own);
  }
  expect(values.length).toBeGreaterThan(0);
  return [values, results];
}

const bytesOf = (value: NativeValue): Buffer => {
  if (typeof value === 'string') return Buffer.from(value);
  const bytes = Buffer.alloc(8);
  if (typeof value === 'bigint') bytes.writeBigInt64LE(value);
  else bytes.writeDoubleLE(Number.isNaN(value) ? NaN : Number(value));
  return bytes;
};
const hashesOf = (values: readonly NativeValue[]): (bigint | null)[] =>
  values.map((value) => (value === null ? null : xxhash64(bytesOf(value))));

describe('a function over bytes', () => {
  it.each([
    ['as they lie in a table', 'SELECT s FROM texts'],
    ['in another order', 'SELECT s FROM texts ORDER BY hash(i)'],
    ['of few rows of many', 'SELECT s FROM texts WHERE hash(i) % 50 = 1'],
    ['side by side, all of them elsewhere', `SELECT printf('%016x', i) FROM range(30000) r(i)`],
    [
      'in two tables',
      `SELECT s FROM texts WHERE i < 1000 UNION ALL SELECT 'a text of another table: ' || i FROM texts`,
    ],
    ['parts of one another', `SELECT substr('a text that all of these are parts of', i % 9) FROM range(5000) r(i)`],
    ['one for all rows', `SELECT 'a constant that is long enough' FROM range(3000)`],
    [
      'a few of them longer than there is room',
      `SELECT repeat('ab' || i, 1 + (hash(i) % 4000000 // (1 + i % 40) ** 4)::INTEGER) FROM range(200) r(i)`,
    ],
    ['more than may be walked as they lie', `SELECT (SELECT repeat('wide', 200000)) FROM range(50)`],
    ['nothing but null', 'SELECT NULL::VARCHAR FROM range(3000)'],
  ])('gives DuckDB the hash of each text: %s', async (_what, sql) => {
    const [values, hashes] = await answered(`kql_n_xxhash_text(getvariable('connection'), s)`, sql);
    expect(hashes).toEqual(hashesOf(values));
  });

  it.each([
    ['long', 'SELECT nullif(i, 77) FROM texts'],
    [
      'real',
      `SELECT CASE i % 7 WHEN 0 THEN NULL WHEN 1 THEN -'NaN'::DOUBLE WHEN 2 THEN 'NaN' ELSE i / 3 END FROM texts`,
    ],
    ['real', 'SELECT (i / 3)::DOUBLE FROM texts WHERE i % 5 = 1'],
    ['long', 'SELECT i FROM texts WHERE i < 2048'],
  ])('gives DuckDB the hash of each %s: %s', async (type, sql) => {
    const [values, hashes] = await answered(`kql_n_xxhash_${type}(getvariable('connection'), s)`, sql);
    expect(hashes).toEqual(hashesOf(values));
  });

  it.each([16n, 1n, 7n, 2n ** 40n, 10n ** 18n + 9n])('gives what is left by %s', async (by) => {
    const call = `kql_n_xxhash_text_mod(getvariable('connection'), s, ${by}::BIGINT)`;
    const [values, rests] = await answered(call, 'SELECT s FROM texts');
    expect(rests).toEqual(hashesOf(values).map((hash) => (hash === null ? null : ((hash % by) + by) % by)));
  });

  it('refuses a modulus that is not the same for every row', async () => {
    const call = `kql_n_xxhash_text_mod(getvariable('connection'), s, length(s) + 1)`;
    await expect(answered(call, `SELECT 'text ' || i FROM range(5, 20) r(i)`)).rejects.toThrow();
  });
});
