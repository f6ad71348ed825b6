import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import { MemoryFile } from '../../encryption/extent-files/memory-file.ts';
import type { EngineConnection, EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import { collect } from '../extents/collect.ts';
import { parquetFileRows } from './parquet-select.ts';

let engine: EngineDatabase;
let connection: EngineConnection;
let file: MemoryFile;

beforeAll(async () => {
  engine = await openTestEngine();
  connection = await engine.connect();
  file = await MemoryFile.create();
});
afterAll(async () => {
  connection.close();
  engine.close();
  await file.close();
});

/** Texts, and the JSON that they become. */
const texts: readonly (readonly [string | null, string | null])[] = [
  ['{"a": 1.5, "b" : "it\'s"}', '{"a":1.5,"b":"it\'s"}'],
  ['[1, {"c":null}]', '[1,{"c":null}]'],
  ['{"never": closed', '"{\\"never\\": closed"'],
  ['[1, 2', '"[1, 2"'],
  ['no JSON', '"no JSON"'],
  ['12', '12'],
  ['true', 'true'],
  ['"text"', '"text"'],
  ['null', null],
  [null, null],
];

const columns = [{ columnId: 1, name: 'once', type: 'dynamic' as const }];
const literal = (text: string | null): string => (text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`);
const listed = `[${texts.map(([text]) => literal(text)).join(', ')}]`;

/** @param sql of a text, by the number of the row @returns how the file is read, and what comes of the first rows */
async function read(sql: string, rowCount: number) {
  const rows = `SELECT ${sql} AS once FROM range(${rowCount}) AS t(i)`;
  await connection.run(`COPY (${rows}) TO '${file.path}' (FORMAT parquet, ROW_GROUP_SIZE 4096, use_tmp_file false)`);
  const select = await parquetFileRows(connection, file.path, { columns, mapping: undefined, location: '' });
  const values = (await collect(connection, select)).map(([value]) => value);
  expect(values).toHaveLength(rowCount);
  return { isOnceEach: select.includes('lambda'), values };
}

it.each([20_000, 12_289])('texts that repeat in %i rows are the same JSON in each of them', async (rowCount) => {
  const { isOnceEach, values } = await read(`${listed}[i % ${texts.length} + 1]`, rowCount);
  expect(isOnceEach).toBe(true);
  const wrong = values.flatMap((value, row) => (value === texts[row % texts.length]?.[1] ? [] : [[row, value]]));
  expect(wrong).toEqual([]);
});

it('texts of which each row has another are the same JSON, and take no list each', async () => {
  const { isOnceEach, values } = await read(`'{"n": ' || i || '}'`, 20_000);
  expect(isOnceEach).toBe(false);
  expect(values.findIndex((value, row) => value !== `{"n":${row}}`)).toBe(-1);
});

it('few rows are not asked about', async () => {
  const { isOnceEach, values } = await read(`${listed}[i % ${texts.length} + 1]`, texts.length);
  expect(isOnceEach).toBe(false);
  expect(values).toEqual(texts.map(([, json]) => json));
});
