import type { EngineConnection } from '../src/kql/duckdb/engine-database.ts';
import { jsonRow } from '../src/kql/sql/json-rows.ts';
import { textOf } from '../src/kql/sql/fragment.ts';
import { encodeRows, jsonRows } from '../src/kql/row-json.ts';
import type { Column, KqlType } from '../src/kql/plan/types.ts';
import type { BenchRow } from './row.ts';
import { sideBySide, timed } from './row.ts';
import { openLocalCluster } from './local-cluster.ts';

const rowCount = 500_000;

const columns: readonly (Column & { readonly sql: string })[] = [
  { name: 'Timestamp', type: 'datetime', sql: '639028224000000000 + i * 12345678' },
  { name: 'Level', type: 'string', sql: "['Info', 'Warning', 'Error'][1 + i % 3]" },
  { name: 'Message', type: 'string', sql: `concat('request ', i, ' of user', i % 997, ' said "ok" after ', i % 31)` },
  { name: 'Count', type: 'long', sql: 'i * 7919' },
  { name: 'Code', type: 'int', sql: '(i % 70000)::INTEGER' },
  { name: 'Took', type: 'real', sql: '(i % 10007) / 7.0::DOUBLE' },
  { name: 'IsGood', type: 'bool', sql: 'i % 5 <> 0' },
  { name: 'Properties', type: 'dynamic', sql: `concat('{"host":"web-', i % 40, '","size":', i % 4096, '}')` },
];
const table = `rows AS SELECT ${columns.map(({ name, sql }) => `${sql} AS ${name}`).join(', ')} FROM range(${rowCount}) r(i)`;

/** The pieces that go out, one a chunk. */
async function* pieces(connection: EngineConnection, by: 'sql' | 'javascript'): AsyncGenerator<string> {
  const ids = columns.map(({ name, type }): { readonly id: string; readonly type: KqlType } => ({ id: name, type }));
  const select = by === 'sql' ? textOf(jsonRow(ids)) : ids.map(({ id }) => id).join(', ');
  for await (const chunk of connection.stream(`SELECT ${select} FROM rows`, []))
    yield (by === 'sql' ? jsonRows(chunk) : encodeRows(columns, chunk)).join(',');
}

async function bytesOf(connection: EngineConnection, by: 'sql' | 'javascript'): Promise<number> {
  let bytes = 0;
  for await (const piece of pieces(connection, by)) bytes += piece.length;
  return bytes;
}

export const resultRows: readonly BenchRow[] = [
  {
    id: 'results-encoded',
    ratio: `${rowCount} rows of 8 columns from a table of the engine to JSON: rows a second over JSON.stringify of an array with the same rows`,
    rule: 'atLeast',
    floor: 0.6,
    aim: 1,
    run: async () => {
      const cluster = await openLocalCluster();
      const connection = await cluster.database.connect();
      await connection.run(`CREATE TEMP TABLE ${table}`);
      const plain: unknown[] = [];
      for await (const piece of pieces(connection, 'sql')) plain.push(...(JSON.parse(`[${piece}]`) as unknown[]));
      let [written, expected] = [0, 0];
      const { ours, reference } = await sideBySide(
        async () => {
          written = await bytesOf(connection, 'sql');
        },
        () => {
          expected = JSON.stringify(plain).length;
        },
      );
      const before = await timed(async () => {
        await bytesOf(connection, 'javascript');
      });
      connection.close();
      await cluster.close();
      const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
      return {
        ratio: reference / ours,
        detail: `${Math.round(ours)} ms for ${megabytes(written)}, JSON.stringify ${Math.round(reference)} ms for ${megabytes(expected)}; written in JavaScript ${Math.round(before)} ms`,
      };
    },
  },
];
