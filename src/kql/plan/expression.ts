import type { KqlType } from './types.ts';
import type { Plan } from './plan.ts';

/** A scalar expression, typed by the binder. Plain JSON. */
export type Expression = Literal | ColumnReference | Call | ParameterReference | ScalarQuery | TableArgument | Internal;

/** `value` by type: bool → boolean · int, long → digits · real → JavaScript number text, `NaN`, `Infinity`, `-Infinity` ·
 * decimal → digits · datetime, timespan → ticks as digits · guid → lower case · string → itself · dynamic → JSON text. */
export interface Literal {
  readonly k: 'literal';
  readonly type: KqlType;
  readonly value: string | boolean | null;
}

/** `side` says which row when there are several: `$left`, `$right`, a graph element, a scan step. */
export interface ColumnReference {
  readonly k: 'column';
  readonly name: string;
  readonly type: KqlType;
  readonly side?: string;
}

/** The `side` of the key of a partition inside of a subquery that has a source of its own. */
export const partitionSide = '$partition';

/** A function, an aggregate or an operator (`+`, `has`, `!in~`, `path`, `index`, `neg` …), by its KQL name.
 * `types` is there when the call yields several columns. `at`: UTF-16 offset in the query text; none inside stored functions. */
export interface Call {
  readonly k: 'call';
  readonly name: string;
  readonly args: readonly Expression[];
  readonly type: KqlType;
  readonly types?: readonly KqlType[];
  readonly at?: number | undefined;
}

/** A declared query parameter; its value arrives with each execution. */
export interface ParameterReference {
  readonly k: 'parameter';
  readonly name: string;
  readonly type: KqlType;
}

/** `toscalar(…)`: first column of the first row. */
export interface ScalarQuery {
  readonly k: 'scalarQuery';
  readonly plan: Plan;
  readonly type: KqlType;
}

/** A table where a list of values may stand: `x in (T | project y)`. */
export interface TableArgument {
  readonly k: 'table';
  readonly plan: Plan;
  readonly type: KqlType;
}

/** Made while SQL is generated: a column that exists already under an internal name. Never sent by the parser. */
export interface Internal {
  readonly k: 'internal';
  readonly id: string;
  readonly type: KqlType;
}
