import type { Plan } from '../plan/plan.ts';
import type { Column, KqlType } from '../plan/types.ts';
import type { NativeValue } from '../sql/native.ts';

/** Rows held in memory; values as in result chunks (see duckdb/engine-database.ts). */
export interface RowTable {
  readonly cols: readonly Column[];
  readonly rows: readonly (readonly NativeValue[])[];
}

/** `cols`: the output columns the binder gave; a data-dependent operator gets undefined on its first run and chooses them. */
export interface RowOperatorCall {
  readonly inputs: readonly RowTable[];
  readonly settings: unknown;
  readonly cols: readonly Column[] | undefined;
  /** Offset of its name in the text; none inside stored functions. */
  readonly at?: number | undefined;
}

/** An operator that cannot go on before SQL has computed something: it gives plans, and gets the rows of each. */
export type AskingOperator = Generator<Plan, RowTable, readonly (readonly NativeValue[])[]>;

/** An operator that walks rows. Add one to `row-operators.ts` (plugins also to `pluginShapes` in `plan/row-settings.ts`). */
export type RowOperator = (call: RowOperatorCall) => RowTable | AskingOperator;

export const columnIndex = (table: RowTable, name: string): number =>
  table.cols.findIndex((column) => column.name === name);

export const nullOf = (type: KqlType): NativeValue => (type === 'string' ? '' : null);
