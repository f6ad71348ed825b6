import type { TableRecord } from '../catalog/records.ts';
import type { BatchColumn, RowBatch } from '../catalog/row-batch.ts';
import type { NativeValue } from '../../kql/sql/native.ts';
import type { StatementConnection } from '../../kql/duckdb/engine-database.ts';
import type { OpenTable } from '../../kql/query-request.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import type { WrittenExtent } from '../extents/extent-writer.ts';
import { openTable } from '../extents/table-sources.ts';
import type { TableStore } from '../extents/table-store.ts';
import { columnName, columnsOf, TailTable } from '../extents/tail-table.ts';
import type { Select } from './positional.ts';

/** Rows that a commit to come adds to a table: as extents whose blobs are durable, or as a batch for the log. */
export type NewRows = { readonly table: TableRecord } & (
  { readonly extents: readonly WrittenExtent[] } | { readonly batch: RowBatch; readonly at: number }
);

/** These rows, as if they were all that the table has. @param name of a table in the engine that nobody else uses */
export async function openNewRows(
  store: TableStore,
  rows: NewRows,
  name: () => string,
  uses?: TableUses,
): Promise<OpenTable> {
  const { files, connect, catalog } = store.parts;
  const common = { files, connect, keys: () => catalog.keys };
  const { table } = rows;
  if ('extents' in rows) {
    const extents = rows.extents.map(({ record }) => record);
    return openTable({ ...common, snapshot: () => ({ table, extents, segments: [] }) }, uses);
  }
  const tail = new TailTable(name(), columnsOf(rows.batch.columns), connect);
  tail.add(rows.batch, rows.at);
  try {
    return await openTable({ ...common, snapshot: () => ({ table, extents: [], segments: [{ tail }] }) }, uses);
  } finally {
    tail.drop(); // it goes when who has opened it is done
  }
}

/** @param select gives the columns of the table, named by `columnName`
 * @returns undefined for more than is meant for the log */
export async function readNewRows(
  connection: StatementConnection,
  { sql, bound }: Select,
  { columns }: Pick<TableRecord, 'columns'>,
  { rowsMax, unitsMax }: { readonly rowsMax: number; readonly unitsMax: number },
): Promise<RowBatch | undefined> {
  const outputs = columns.map(({ columnId, type }) => {
    const column = columnName(columnId);
    return type === 'decimal' || type === 'guid' ? `CAST(${column} AS VARCHAR)` : column;
  });
  const values: NativeValue[][] = columns.map(() => []);
  let [rowCount, units] = [0, 0];
  for await (const chunk of connection.stream(`SELECT ${outputs.join(', ')} FROM (${sql})`, bound)) {
    rowCount += chunk[0]?.length ?? 0;
    for (const [index, column] of chunk.entries()) {
      for (const value of column) {
        units += typeof value === 'string' ? value.length : 8;
        values[index]?.push(value);
      }
    }
    if (rowCount > rowsMax || units > unitsMax) return undefined;
  }
  return {
    rowCount,
    columns: columns.map(({ columnId, type }, index): BatchColumn => ({
      columnId,
      type,
      values: values[index] ?? [],
    })),
  };
}
