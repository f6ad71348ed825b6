import type { Call, ColumnReference, Expression } from '../plan/expression.ts';
import type { KqlType } from '../plan/types.ts';
import type { SqlContext } from './context.ts';
import type { NativeFunction } from './native.ts';
import type { Relation } from './relation.ts';

/** What an expression is compiled in: the row it sees. */
export interface RowScope {
  readonly ctx: SqlContext;
  /** @returns the SQL of a column reference */
  column(reference: ColumnReference): string;
  /** The rows the expression belongs to: for `*`, and for the order that window functions follow. */
  readonly relation?: Relation;
  /** Set inside summarize: aggregate calls are allowed, and those that depend on order follow this ORDER BY (may be ''). */
  readonly aggregateOrder?: string;
  /** Names of plain columns that summarize groups by. */
  readonly grouped?: readonly string[];
}

export interface SqlArgument {
  readonly sql: string;
  readonly type: KqlType;
  readonly expression: Expression;
}

/** A scalar function or operator. To add one, add a row to the file of its family in `sql/functions/`.
 * `sql` gets compiled arguments as they are; use `cast`/`as` helpers of `convert.ts` to get the type wanted.
 * `result`: the type that the SQL yields when it is not the binder's type for the call; the value is then converted.
 * A row that yields a string may yield NULL: the caller turns it into ''. */
export interface FunctionRow {
  readonly result?: KqlType;
  readonly sql: (args: readonly SqlArgument[], call: Call, scope: RowScope) => string;
  /** The function that takes the arguments as they are, for operators that walk rows. */
  readonly native?: NativeFunction;
}
export type FunctionRows = Readonly<Record<string, FunctionRow>>;

/** An aggregate: a scalar `sql`, or `columns` for those that yield several. `order` is '' or ` ORDER BY …`. */
export interface AggregateRow {
  readonly result?: KqlType;
  readonly sql?: (args: readonly SqlArgument[], call: Call, scope: RowScope, order: string) => string;
  readonly columns?: (args: readonly SqlArgument[], call: Call, scope: RowScope, order: string) => string[];
}
export type AggregateRows = Readonly<Record<string, AggregateRow>>;
