import type { RowBatch } from '../catalog/row-batch.ts';
import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { stagingType } from '../../kql/duckdb/engine-database.ts';
import { columnName, stagedSql } from './tail-table.ts';

const table = 'staged_rows';

/** Puts rows into a temporary table of the connection, in memory. @returns the SELECT that reads them in physical types */
export async function stageBatch(connection: EngineConnection, { columns }: RowBatch): Promise<string> {
  const definitions = columns.map((column) => `${columnName(column.columnId)} ${stagingType(column.type)}`);
  await connection.run(`CREATE TEMP TABLE ${table} (${definitions.join(', ')})`);
  await connection.append(
    table,
    columns.map(({ type }) => type),
    columns.map(({ values }) => values),
  );
  const outputs = columns.map((column) => {
    const sql = stagedSql(column);
    return `${column.type === 'string' ? `coalesce(${sql}, '')` : sql} AS ${columnName(column.columnId)}`;
  });
  return `SELECT ${outputs.join(', ')} FROM ${table}`;
}
