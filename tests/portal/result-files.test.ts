import { DuckDBInstance } from '@duckdb/node-api';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Cell, KqlType, ResultTable } from '../../portal/src/query/answer/answer.ts';
import type { Part } from '../../portal/src/query/grid/table-text.ts';
import { portalCanBeSeen } from '../support/portal-browser.ts';

const modulePath = join(import.meta.dirname, '..', '..', 'portal', 'src', 'query', 'grid', 'parquet-file.ts');
/** Its writer is a package of the portal: these sources have no types of it. */
type Writer = (table: ResultTable, part: Part) => ArrayBuffer;

/** What DuckDB, which has a reader of its own, finds in the file. */
async function readBack(bytes: ArrayBuffer, query: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-test-'));
  const file = join(directory, 'result.parquet');
  writeFileSync(file, new Uint8Array(bytes));
  const instance = await DuckDBInstance.create(':memory:');
  try {
    const connection = await instance.connect();
    const read = await connection.runAndReadAll(query.replace('FILE', `'${file}'`));
    return read.getRowObjectsJson();
  } finally {
    instance.closeSync();
    rmSync(directory, { recursive: true });
  }
}

describe.skipIf(!portalCanBeSeen)('a result saved as Parquet', () => {
  const columns: Readonly<Record<string, KqlType>> = {
    ...{ flag: 'bool', small: 'int', big: 'long', ratio: 'real', exact: 'decimal', text: 'string', moment: 'datetime' },
    ...{ span: 'timespan', id: 'guid', bag: 'dynamic', far: 'datetime' },
  };
  const rows: readonly (readonly Cell[])[] = [
    [
      ...[1, -5, '\u00019007199254740993', 'NaN', '12345678901234567.0000000000000001', 'a "b"\n,é', '2026-01-02T03:04:05.1234567Z'], // prettier-ignore
      ...['1.02:03:04.5000000', '74be27de-1e4e-49d9-b579-fe0b331d3642', { n: 1, deep: ['\u00019007199254740993'] }],
      '0001-01-01T00:00:00Z',
    ],
    [0, 2147483647, 7, 1.5, '1', '', '1969-12-31T23:59:59.9Z', '00:00:00', '00000000-0000-0000-0000-000000000000', 'word', '9999-12-31T00:00:00Z'], // prettier-ignore
    columnsOf(columns).map(() => null),
  ];
  const table: ResultTable = { name: 'PrimaryResult', columns: columnsOf(columns), rows };
  const all: Part = { rows: [0, 1, 2], columns: table.columns.map((_, index) => index) };

  it('has its types, exact numbers, moments to the tick, and nulls', async () => {
    const { parquetBytes } = (await import(modulePath)) as { parquetBytes: Writer };
    const bytes = parquetBytes(table, all);
    const types = await readBack(bytes, 'DESCRIBE SELECT * FROM read_parquet(FILE)');
    expect(types.map(({ column_name: name, column_type: type }) => `${String(name)} ${String(type)}`)).toEqual([
      ...['flag BOOLEAN', 'small INTEGER', 'big BIGINT', 'ratio DOUBLE', 'exact VARCHAR', 'text VARCHAR'],
      ...['moment TIMESTAMP WITH TIME ZONE', 'span VARCHAR', 'id UUID', 'bag VARCHAR', 'far TIMESTAMP WITH TIME ZONE'],
    ]);
    // DuckDB reads no more than microseconds; what is least and most stands in the file as it is.
    const tick = Buffer.alloc(8);
    tick.writeBigInt64LE(1_767_323_045_123_456_700n);
    expect(Buffer.from(bytes).includes(tick)).toBe(true);
    const query =
      'SELECT * REPLACE (epoch_us(moment)::VARCHAR AS moment, epoch_us(far)::VARCHAR AS far, ratio::VARCHAR AS ratio, big::VARCHAR AS big) FROM read_parquet(FILE)';
    expect(await readBack(bytes, query)).toEqual([
      {
        ...{ flag: true, small: -5, big: '9007199254740993', ratio: 'nan', text: 'a "b"\n,é' },
        ...{ exact: '12345678901234567.0000000000000001', span: '1.02:03:04.5000000' },
        moment: '1767323045123456',
        ...{ id: '74be27de-1e4e-49d9-b579-fe0b331d3642', bag: '{"n":1,"deep":[9007199254740993]}' },
        far: '-62135596800000000',
      },
      {
        ...{ flag: false, small: 2147483647, big: '7', ratio: '1.5', exact: '1', text: '', span: '00:00:00' },
        ...{ moment: '-100000', id: '00000000-0000-0000-0000-000000000000', bag: '"word"', far: '253402214400000000' },
      },
      Object.fromEntries(Object.keys(columns).map((name) => [name, null])),
    ]);
  });

  it('has the rows and columns that are shown, in their order, and one column of a name', async () => {
    const { parquetBytes } = (await import(modulePath)) as { parquetBytes: Writer };
    const twice: ResultTable = {
      ...table,
      columns: [
        { name: 'n', type: 'long' },
        { name: 'n', type: 'string' },
      ],
      rows: [[1, 'a'], [2, 'b'], [3, 'c']], // prettier-ignore
    };
    const bytes = parquetBytes(twice, { rows: [2, 0], columns: [1, 0] });
    expect(await readBack(bytes, 'SELECT * FROM read_parquet(FILE)')).toEqual([
      { n: 'c', n1: '3' },
      { n: 'a', n1: '1' },
    ]);
    expect(await readBack(parquetBytes(twice, { rows: [], columns: [0] }), 'SELECT * FROM read_parquet(FILE)')).toEqual([]); // prettier-ignore
  });
});

function columnsOf(types: Readonly<Record<string, KqlType>>): ResultTable['columns'] {
  return Object.entries(types).map(([name, type]) => ({ name, type }));
}
