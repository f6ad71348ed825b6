import type { Call, ColumnReference, Expression } from '../plan/expression.ts';
import type { FunctionFacts } from '../plan/function-facts.ts';
import type { Plan, PlanNode } from '../plan/plan.ts';
import type { KqlType } from '../plan/types.ts';
import type { SqlContext } from './context.ts';
import type { Sql } from './fragment.ts';
import type { NativeFunction, NativeValue } from './native.ts';
import type { Output, Relation } from './relation.ts';

// A row is compiled in a context, and a context holds all rows: this file and `context.ts` name each other's types.

/** What an expression is compiled in: the row it sees. */
export interface RowScope {
  readonly ctx: SqlContext;
  /** @returns the SQL of a column reference */
  column(reference: ColumnReference): Sql;
  /** The rows the expression belongs to: for `*`, and for the order that window functions follow. */
  readonly relation?: Relation;
  /** Set inside summarize: aggregate calls are allowed, and those that depend on order follow this ORDER BY (may be ''). */
  readonly aggregateOrder?: Sql;
  /** Names of plain columns that summarize groups by. */
  readonly grouped?: readonly string[];
  /** Computes an aggregate that several columns are made of once, in a layer below, and gives its name. Absent: each column has all of it. */
  readonly hold?: (value: Sql) => Sql;
}

export interface SqlArgument {
  readonly sql: Sql;
  readonly type: KqlType;
  readonly expression: Expression;
}

/** An argument as its value; integers of every width as bigint. */
export interface ValueArgument {
  readonly value: NativeValue;
  readonly type: KqlType;
}

/** What every kind of function has. */
interface CallableRow extends FunctionFacts {
  /** The functions in JavaScript that its SQL calls. */
  readonly natives?: readonly NativeFunction[];
}

/** A scalar function or operator. To add one, add a row to the file of its family in `functions/`.
 * `sql` gets compiled arguments as they are; use the helpers of `convert.ts` to get the type wanted.
 * `result`: the type that the SQL yields when it is not the binder's type for the call; the value is then converted.
 * `run`: the same of values, where row after row is computed and a query for each would be slow; it yields the type `result`. A row
 * without it is computed in SQL there, too.
 * A row that yields a string may yield NULL: the caller turns it into ''. */
export interface FunctionRow extends CallableRow {
  readonly result?: KqlType;
  readonly sql: (args: readonly SqlArgument[], call: Call, scope: RowScope) => Sql;
  readonly run?: (args: readonly ValueArgument[]) => NativeValue;
}
export type FunctionRows = Readonly<Record<string, FunctionRow>>;

/** An aggregate: a scalar `sql`, or `columns` for those that yield several. `order` is '' or ` ORDER BY …`. */
export interface AggregateRow extends CallableRow {
  readonly result?: KqlType;
  readonly sql?: (args: readonly SqlArgument[], call: Call, scope: RowScope, order: Sql) => Sql;
  readonly columns?: (args: readonly SqlArgument[], call: Call, scope: RowScope, order: Sql) => Sql[];
}
export type AggregateRows = Readonly<Record<string, AggregateRow>>;

/** Of a function of the rows before and after. `compile` gives the SQL of an argument, `order` the order of the rows;
 * `layer` adds columns that the result may then refer to (window functions do not nest). */
export type WindowFunction = (
  call: Call,
  compile: (expression: Expression) => Sql,
  order: Sql,
  layer: (outputs: readonly Output[]) => void,
  ctx: SqlContext,
) => Sql;
export interface WindowRow extends CallableRow {
  readonly sql: WindowFunction;
}
export type WindowRows = Readonly<Record<string, WindowRow>>;

type NodeOf<Op extends PlanNode['op']> = Extract<Plan, { readonly op: Op }>;
export type PlanCompilers<Ops extends PlanNode['op']> = {
  readonly [Op in Ops]: (ctx: SqlContext, node: NodeOf<Op>) => Relation;
};
/** `rowwise` is replaced by the rows it made before SQL is generated. */
export type CompiledOps = Exclude<PlanNode['op'], 'rowwise'>;

/** All that a query may be made of, by KQL name. What is not here is refused by name. */
export interface Language {
  readonly functions: FunctionRows;
  readonly aggregates: AggregateRows;
  readonly windows: WindowRows;
  readonly operators: PlanCompilers<CompiledOps>;
}
