import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryFile } from '../../encryption/extent-files/memory-file.ts';
import type { EngineConnection, EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import { openEngineDatabase } from '../../kql/duckdb/engine-database.ts';
import { natives } from '../../kql/language.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { fileStatistics } from './file-statistics.ts';
import { columnName, ingestionColumn } from './tail-table.ts';

let engine: EngineDatabase;
let connection: EngineConnection;
let file: MemoryFile;

beforeAll(async () => {
  engine = await openEngineDatabase({ threads: 2, memoryLimit: '256MB' }, natives);
  connection = await engine.connect();
  file = await MemoryFile.create();
});
afterAll(async () => {
  connection.close();
  engine.close();
  await file.close();
});

/** What is told of 5,000 rows in three groups, numbered from 0 by `i`. */
async function statisticsOf(type: KqlType, sql: string) {
  const rows = `SELECT 5::BIGINT AS ${columnName(ingestionColumn.columnId)}, ${sql} AS c1 FROM range(5000) AS t(i)`;
  await connection.run(`COPY (${rows}) TO '${file.path}' (FORMAT parquet, ROW_GROUP_SIZE 2048, use_tmp_file false)`);
  const columns = [ingestionColumn, { columnId: 1, type }];
  const { rowCount, ranges, texts, nulls } = await fileStatistics(connection, file.path, columns);
  expect({ rowCount, range: ranges[0], nulls: nulls[0] }).toEqual({ rowCount: 5000, range: ['5', '5'], nulls: 0 });
  return { range: ranges[1], text: texts[1], nulls: nulls[1] };
}

const nothing = { range: undefined, text: undefined, nulls: undefined };

it.each<[string, KqlType, string, Partial<typeof nothing> | Record<string, unknown>]>([
  [
    'whole numbers',
    'long',
    'CASE WHEN i <> 7 THEN (i - 2500) * 1000000000000 END',
    { range: ['-2500000000000000', '2499000000000000'], nulls: 1 },
  ],
  [
    'a group without a value',
    'int',
    'CASE WHEN i >= 2048 THEN i::INTEGER END',
    { range: ['2048', '4999'], nulls: 2048 },
  ],
  ['no value at all', 'long', 'NULL::BIGINT', { nulls: 5000 }],
  ['a NaN in one group', 'real', `CASE WHEN i = 4500 THEN 'nan'::DOUBLE ELSE i END`, {}],
  ['bools', 'bool', 'i >= 2048', { range: ['0', '1'], nulls: 0 }],
  ['texts', 'string', `'t' || lpad(i::VARCHAR, 4, '0')`, { text: ['t0000', 't4999'] }],
  ['a long text in one group', 'string', `CASE WHEN i = 3000 THEN repeat('x', 41) ELSE 't' END`, {}],
  ['another letter in one group', 'string', `CASE WHEN i = 3000 THEN 'é' ELSE 't' END`, {}],
])('the statistics of a file of several groups tell of %s', async (_what, type, sql, told) => {
  expect(await statisticsOf(type, sql)).toEqual({ ...nothing, ...told });
});
