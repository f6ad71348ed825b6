import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Column } from '../src/kql/plan/types.ts';

/** Rows of the benchmark tables; `KUSTODY_BENCH_ROWS` asks for another number. */
export const sampleRows = rowsAsked(process.env['KUSTODY_BENCH_ROWS']);

function rowsAsked(text: string | undefined): number {
  if (text === undefined) return 10_000_000;
  if (!/^[1-9]\d{2,8}$/.test(text)) throw new Error('KUSTODY_BENCH_ROWS is a number of rows, 100 to 999999999.');
  return Number(text);
}

/** A log of requests, as Data Explorer's users keep it. */
export const sampleColumns: readonly Column[] = [
  { name: 'Timestamp', type: 'datetime' },
  { name: 'Level', type: 'string' },
  { name: 'Service', type: 'string' },
  { name: 'UserId', type: 'long' },
  { name: 'Status', type: 'int' },
  { name: 'DurationMs', type: 'real' },
  { name: 'Bytes', type: 'long' },
  { name: 'Message', type: 'string' },
  { name: 'Properties', type: 'dynamic' },
];

const hash = (salt: number): string => `(hash(i + ${salt * 1_000_003}) >> 8)`;

/** 2026-01-01, and 8.64 s from row to row: 10 M rows are 1,000 days. In ticks, as the engine keeps times. */
export const firstTick = 639_028_224_000_000_000n;
export const ticksPerRow = 86_400_000n;

/** The SELECT of rows `from` up to but not including `to`, in the engine's physical types; the same rows every time. */
export const sampleSelect = (from: number, to: number): string => `SELECT
  ${firstTick} + i * ${ticksPerRow} AS c0,
  CASE WHEN ${hash(1)} % 100 < 80 THEN 'Info' WHEN ${hash(1)} % 100 < 95 THEN 'Warning' ELSE 'Error' END AS c1,
  'service-' || CAST(${hash(2)} % 50 AS VARCHAR) AS c2,
  CAST(${hash(3)} % 100000 AS BIGINT) AS c3,
  CASE WHEN ${hash(4)} % 100 < 92 THEN 200 WHEN ${hash(4)} % 100 < 97 THEN 404 ELSE 500 END::INTEGER AS c4,
  CAST(${hash(5)} % 1000000 AS DOUBLE) / 100 AS c5,
  CAST(${hash(6)} % 65536 AS BIGINT) AS c6,
  'request ' || CAST(${hash(7)} % 1000000 AS VARCHAR) || ' to /api/v1/' ||
    ['orders', 'users', 'items', 'carts', 'payments', 'timeouts'][CAST(${hash(8)} % 6 AS INTEGER) + 1] || ' finished' AS c7,
  '{"region":"' || ['eastus', 'westus', 'northeurope', 'japaneast'][CAST(${hash(9)} % 4 AS INTEGER) + 1] ||
    '","retries":' || CAST(${hash(10)} % 4 AS VARCHAR) || '}' AS c8
FROM range(${from}, ${to}) AS t(i)`;

/** DuckDB as anybody uses it: its own defaults, files by their names. */
export async function openPlainDatabase(): Promise<{
  readonly connection: DuckDBConnection;
  readonly close: () => void;
}> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  return {
    connection,
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Runs a statement and takes its rows as JavaScript values, chunk by chunk. @returns how many rows */
export async function drainPlain(connection: DuckDBConnection, sql: string): Promise<number> {
  const result = await connection.stream(sql);
  let rows = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) return rows;
    chunk.getColumns();
    rows += chunk.rowCount;
  }
}
