import type { RowBatch } from '../catalog/row-batch.ts';
import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { stagingType } from '../../kql/duckdb/engine-database.ts';
import type { StoredColumn } from './tail-table.ts';
import { columnName, stagedSql } from './tail-table.ts';

const table = 'staged_rows';

/** Puts rows into a temporary table of the connection, in memory. @returns the SELECT that reads them in physical types */
export async function stageBatch(connection: EngineConnection, batch: RowBatch): Promise<string> {
  await createStaging(connection, batch.columns);
  await addStaged(connection, batch);
  return stagedSelect(batch.columns);
}

/** For rows of several batches with the same columns. */
export async function createStaging(connection: EngineConnection, columns: readonly StoredColumn[]): Promise<void> {
  const definitions = columns.map((column) => `${columnName(column.columnId)} ${stagingType(column.type)}`);
  await connection.run(`CREATE TEMP TABLE ${table} (${definitions.join(', ')})`);
}

/** Its memory is free again. */
export async function emptyStaging(connection: EngineConnection, columns: readonly StoredColumn[]): Promise<void> {
  await connection.run(`DROP TABLE ${table}`);
  await createStaging(connection, columns);
}

export async function addStaged(connection: EngineConnection, { columns }: RowBatch): Promise<void> {
  await connection.append(
    table,
    columns.map(({ type }) => type),
    columns.map(({ values }) => values),
  );
}

/** @param from columns have the types of `stagingType` */
export function stagedSelect(columns: readonly StoredColumn[], from = table): string {
  const outputs = columns.map((column) => {
    const sql = stagedSql(column);
    return `${column.type === 'string' ? `coalesce(${sql}, '')` : sql} AS ${columnName(column.columnId)}`;
  });
  return `SELECT ${outputs.join(', ')} FROM ${from}`;
}
