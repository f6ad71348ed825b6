import type { RowBatch } from '../catalog/row-batch.ts';
import type { ColumnValues, EngineConnection } from '../duckdb/engine-database.ts';
import { stagingType } from '../duckdb/engine-database.ts';
import type { StoredColumn } from './tail-table.ts';
import { columnName, stagedSql } from './tail-table.ts';

const table = 'staged_rows';

/** Puts rows into a temporary table of the connection, in memory. @returns the SELECT that reads them in physical types */
export async function stageChunks(
  connection: EngineConnection,
  columns: readonly StoredColumn[],
  chunks: AsyncIterable<readonly ColumnValues[]> | Iterable<readonly ColumnValues[]>,
): Promise<string> {
  const definitions = columns.map((column) => `${columnName(column.columnId)} ${stagingType(column.type)}`);
  await connection.run(`CREATE TEMP TABLE ${table} (${definitions.join(', ')})`);
  for await (const chunk of chunks)
    await connection.append(
      table,
      columns.map(({ type }) => type),
      chunk,
    );
  const outputs = columns.map((column) => {
    const sql = stagedSql(column);
    return `${column.type === 'string' ? `coalesce(${sql}, '')` : sql} AS ${columnName(column.columnId)}`;
  });
  return `SELECT ${outputs.join(', ')} FROM ${table}`;
}

export const stageBatch = (connection: EngineConnection, batch: RowBatch): Promise<string> =>
  stageChunks(connection, batch.columns, [batch.columns.map(({ values }) => values)]);
