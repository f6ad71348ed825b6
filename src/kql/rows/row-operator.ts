import type { Column, KqlType } from '../plan/types.ts';
import type { NativeValue } from '../sql/native.ts';

/** Rows held in memory; values as in result chunks (see duckdb/engine-database.ts). */
export interface RowTable {
  readonly cols: readonly Column[];
  readonly rows: readonly (readonly NativeValue[])[];
}

/** An operator that walks rows. `cols`: the output columns the binder gave; a data-dependent operator gets undefined on its
 * first run and chooses them. Add one to `row-operators.ts` (plugins also to `pluginShapes` in `kql/ir/row-settings.ts`). */
export interface RowOperatorCall {
  readonly inputs: readonly RowTable[];
  readonly settings: unknown;
  readonly cols: readonly Column[] | undefined;
  /** Evaluates expressions over rows in SQL: needed by operators whose settings hold expressions. */
  readonly at: number;
}
export type RowOperator = (call: RowOperatorCall) => RowTable;

export const columnIndex = (table: RowTable, name: string): number =>
  table.cols.findIndex((column) => column.name === name);

export const nullOf = (type: KqlType): NativeValue => (type === 'string' ? '' : null);
