import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KqlError } from '../plan/kql-error.ts';
import { nativeFunction } from '../sql/native.ts';
import { natives } from '../language.ts';
import type { EngineDatabase } from './engine-database.ts';
import { openEngineDatabase } from './engine-database.ts';
import { callsNatives } from './native-calls.ts';
import type { NativeCaller } from './run-native.ts';
import { runNative } from './run-native.ts';
import { partBytesMax } from './vector-values.ts';

/** As many parts of a table as several threads can have. */
const numberCount = 250_000;
let calls = 0;
/** What the function does in its hundredth chunk or so. */
let then = (): void => undefined;
const watched = nativeFunction('watched', ['long'], 'long', ([value]) => {
  calls += 1;
  if (calls === 100 * 2048) then();
  return value ?? null;
});
let engine: EngineDatabase;
beforeAll(async () => {
  engine = await openEngineDatabase({ threads: 3, memoryLimit: '256MB' }, [...natives, watched]);
  const connection = await engine.connect();
  await connection.run(`CREATE TABLE numbers AS SELECT i FROM range(${numberCount}) t(i)`);
  connection.close();
});
afterAll(() => engine.close());

describe('a statement that calls JavaScript', () => {
  it.each([
    [`SELECT kql_n_xxhash_long(getvariable('connection'), i)`, true],
    ['SELECT kql_datetime_of_text(s)', true],
    ['SELECT kql_datetime_of_json(kql_json(j))', true],
    ['SELECT kql_floor_mod(i, 7)', false],
    ['SELECT hash(i), "kql_n_x" FROM t', false],
  ])('is known by its text: %s', (sql, expected) => {
    expect(callsNatives(sql)).toBe(expected);
  });

  it('is the first for which a connection says which one it is', async () => {
    const connection = await engine.connect();
    const rowsOf = async (sql: string): Promise<unknown[]> => {
      const rows: unknown[] = [];
      for await (const [column] of connection.stream(sql, [])) rows.push(...(column ?? []));
      return rows;
    };
    const isKnown = `SELECT getvariable('connection') IS NOT NULL`;
    expect(await rowsOf(isKnown)).toEqual([false]);
    const calls = `SELECT kql_n_xxhash_text(getvariable('connection'), 'World')`;
    expect(await rowsOf(calls)).toEqual([1846988464401551951n]);
    expect(await rowsOf(isKnown)).toEqual([true]);
    connection.close();
  });

  it('ends where the values that it makes of one chunk are more than the query may hold', async () => {
    const connection = await engine.connect();
    connection.budget.rowBytesMax = 1_000_000;
    const made = (elements: number): string =>
      `SELECT count(kql_n_range_long(getvariable('connection'), i, i + ${elements}, 1, 'long')) FROM numbers WHERE i < 1000`;
    await connection.run(made(100));
    await expect(connection.run(made(1_000))).rejects.toMatchObject({ code: 'memory' });
    connection.close();
  });

  describe('gives it what it reads', () => {
    /** Characters of each call, and how many rows it is for. */
    const given: { units: number; rows: number }[] = [];
    const lengths = nativeFunction('lengths', ['string', 'long'], 'long', ([text, more]) =>
      typeof more === 'bigint' ? BigInt(String(text).length) + more : null,
    );
    let own: EngineDatabase;
    beforeAll(async () => {
      const callNatives: NativeCaller = (fn, rows, put, budget) => {
        const texts = rows.columns.flat().filter((value) => typeof value === 'string');
        given.push({ units: texts.reduce((sum, text) => sum + text.length, 0), rows: rows.rowCount });
        runNative(fn, rows, put, budget);
      };
      own = await openEngineDatabase({ threads: 1, memoryLimit: '1GB', callNatives }, [...natives, lengths]);
    });
    afterAll(() => own.close());

    async function sumOf(text: string, more: string, from: string): Promise<unknown> {
      given.length = 0;
      const connection = await own.connect();
      const call = `kql_n_lengths(getvariable('connection'), ${text}, ${more})`;
      let sum: unknown;
      for await (const [values] of connection.stream(`SELECT sum(${call})::BIGINT FROM ${from}`, [])) sum = values?.[0];
      connection.close();
      return sum;
    }
    const beside = (count: number): string =>
      `(SELECT unnest(range(${count})) AS i, l FROM (SELECT repeat('x', 1000000) AS l))`;

    it('a part at a time where texts are long, each row in its place', async () => {
      const rows = `(SELECT i, repeat('x', 100000 + i::INTEGER) AS s FROM range(500) t(i))`;
      expect(await sumOf('s', '(i % 2) * 1000000', rows)).toBe(500n * 100_000n + 124_750n + 250_000_000n);
      expect(given.length).toBeGreaterThan(2);
      expect(Math.max(...given.map(({ units }) => units))).toBeLessThanOrEqual(partBytesMax);
    });

    it('once for the rows of a piece that all have it', async () => {
      expect(await sumOf('l', 'i', beside(5_000))).toBe(5_000n * 1_000_000n + 12_497_500n);
      expect(given.map(({ rows }) => rows)).toEqual([2_048, 2_048, 904]);
      expect(new Set(given.map(({ units }) => units))).toEqual(new Set([1_000_000]));
    });

    it('for one row where all rows have the same, null too', async () => {
      expect(await sumOf('l', '7', beside(5_000))).toBe(5_000n * 1_000_007n);
      expect(given).toEqual([1, 2, 3].map(() => ({ units: 1_000_000, rows: 1 })));
      expect(await sumOf('nullif(l, l)', 'i', beside(3_000))).toBe(null);
      expect(await sumOf(`CASE WHEN i < 2048 THEN 'ab' ELSE 'abc' END`, '1', 'range(4096) t(i)')).toBe(7n * 2_048n);
      expect(given.map(({ rows }) => rows)).toEqual([1, 1]);
    });

    it('and counts what it gives for each of the rows', async () => {
      const connection = await own.connect();
      connection.budget.rowBytesMax = 100_000_000;
      const made = (count: number): Promise<void> =>
        connection.run(`SELECT count(kql_n_list_items(getvariable('connection'), l)) FROM ${beside(count)}`);
      await made(99);
      await expect(made(101)).rejects.toMatchObject({ code: 'memory' });
      connection.close();
    });

    it('and holds that to what the engine may hold, or to less where the query may', async () => {
      const most: number[] = [];
      const callNatives: NativeCaller = (fn, rows, ...rest) => {
        most.push(rows.bytesMax);
        runNative(fn, rows, ...rest);
      };
      const small = await openEngineDatabase({ threads: 1, memoryLimit: '300MB', callNatives }, natives);
      const connection = await small.connect();
      const run = (): Promise<void> => connection.run(`SELECT kql_n_hash_md5(getvariable('connection'), 'a')`);
      await run();
      connection.budget.rowBytesMax = 1_000_000;
      await run();
      connection.budget.rowBytesMax = 10;
      await expect(run()).rejects.toMatchObject({
        code: 'memory',
        message: expect.stringContaining('E_LOW_MEMORY_CONDITION') as unknown,
      });
      // What fails in the plan is tried once more.
      expect(most.slice(0, 3)).toEqual([300_000_000, 1_000_000, 10]);
      connection.close();
      small.close();
    });
  });

  /** Of a chunk a thread waits many times, and heeds nothing between two of them. */
  const callOf = (_call: unknown, index: number): string => `kql_n_watched(getvariable('connection'), i + ${index})`;
  const statement = `SELECT ${Array.from({ length: 40 }, callOf).join(' + ')} AS x FROM numbers ORDER BY x DESC LIMIT 1`;

  it.each([
    ['is interrupted', 'cancelled', (interrupt: () => void) => interrupt()],
    [
      'fails',
      'runtime',
      () => {
        throw new KqlError('runtime', 'no more');
      },
    ],
  ])('and %s while other threads wait for it, ends, on a connection that gives way', async (_how, code, act) => {
    for (let round = 0; round < 8; round += 1) {
      const connection = await engine.connect();
      connection.giveWay();
      calls = 0;
      then = () => act(() => connection.interrupt());
      await expect(connection.run(statement)).rejects.toMatchObject({ code });
      connection.close();
    }
  });

  it('runs on a connection that gives way', async () => {
    const connection = await engine.connect();
    connection.giveWay();
    then = () => undefined;
    for await (const chunk of connection.stream(statement, []))
      expect(chunk).toEqual([[BigInt(40 * (numberCount - 1) + 780)]]);
    connection.close();
  });
});
