import type { DuckDBConnection } from '@duckdb/node-api';
import { BIGINT, BOOLEAN, DOUBLE, DuckDBDataChunk, INTEGER, VARCHAR } from '@duckdb/node-api';
import { Turns } from '../../base/turns.ts';
import type { KqlType } from '../plan/types.ts';
import type { NativeValue } from '../sql/native.ts';

/** Of values on their way from and to JavaScript. */
export const nativeTypes = {
  bool: BOOLEAN,
  int: BIGINT,
  long: BIGINT,
  real: DOUBLE,
  decimal: VARCHAR,
  datetime: BIGINT,
  timespan: BIGINT,
  guid: VARCHAR,
  string: VARCHAR,
  dynamic: VARCHAR,
} as const satisfies Record<KqlType, unknown>;

const appendTypes = { ...nativeTypes, int: INTEGER } as const;
export const chunkRows = 2048;
/** So many are handed to DuckDB before others have their turn. */
const valuesPerTurn = 32_768;

/** Adds rows to a table, by chunks between which others have their turns. */
export async function appendColumns(
  duckdb: DuckDBConnection,
  table: string,
  types: readonly KqlType[],
  columns: readonly (readonly NativeValue[])[],
): Promise<void> {
  const rowCount = columns[0]?.length ?? 0;
  if (rowCount === 0) return;
  const rowsEach = Math.max(1, Math.min(chunkRows, Math.floor(valuesPerTurn / types.length)));
  const turns = new Turns(valuesPerTurn);
  const appender = await duckdb.createAppender(table);
  try {
    for (let done = 0; done < rowCount; done += rowsEach) {
      // A new chunk each time: a used one remembers which values were null.
      const chunk = DuckDBDataChunk.create(types.map((type) => appendTypes[type]));
      chunk.setColumns(columns.map((column) => column.slice(done, done + rowsEach)));
      appender.appendDataChunk(chunk);
      await turns.after(rowsEach * types.length);
    }
  } finally {
    appender.closeSync();
  }
}
