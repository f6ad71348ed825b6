import type { TableRecord } from '../catalog/records.ts';
import { columnName } from '../extents/tail-table.ts';
import type { BoundValue } from '../../kql/sql/context.ts';

export type Select = { readonly sql: string; readonly bound: readonly BoundValue[] };

/** Columns of a query become the table's by their order. */
export function positional(table: Pick<TableRecord, 'columns'>, { sql, bound }: Select): Select {
  const names = table.columns.map((_column, index) => `q${index}`);
  const outputs = table.columns.map(
    ({ columnId, type }, index) =>
      `${type === 'string' ? `coalesce(q${index}, '')` : `q${index}`} AS ${columnName(columnId)}`,
  );
  return { sql: `SELECT ${outputs.join(', ')} FROM (${sql}) AS query(${names.join(', ')})`, bound };
}
