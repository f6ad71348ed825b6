import { invariant } from '../../base/invariant.ts';
import type { KqlType } from '../plan/types.ts';
import { cast } from './convert.ts';
import type { FunctionRow, SqlArgument } from './scope.ts';

/** Values of native functions: bool boolean · int, long, datetime, timespan bigint · real number · string, guid, decimal and
 * dynamic (JSON text) string. */
export type NativeValue = boolean | bigint | number | string | null;

/** A JavaScript function that DuckDB calls for each row, under `kql_n_<name>`. */
export interface NativeFunction {
  readonly name: string;
  readonly parameters: readonly KqlType[];
  readonly result: KqlType;
  readonly run: (args: readonly NativeValue[]) => NativeValue;
  /** It matches regular expressions of users' own. */
  readonly hasPatterns: boolean;
  /** SQL for arguments that a call leaves out, of the last parameters. */
  readonly defaults?: readonly string[];
}

const registered = new Map<string, NativeFunction>();
/** Every native function that some row was made of; a DuckDB instance registers them all. */
export const nativeFunctions = (): readonly NativeFunction[] => [...registered.values()];

export interface NativeOptions {
  /** Call with nulls too; without it a null argument gives null. */
  readonly nulls?: boolean;
  /** SQL for arguments that the call leaves out, from the first optional one on. */
  readonly defaults?: readonly string[];
  /** For a function that matches regular expressions of users' own: V8 does that only for a short time. */
  readonly patterns?: boolean;
}

/** How to write a function in JavaScript: `native('reverse_words', ['string'], 'string', ([s]) => …)` is a row.
 * Costs about 1 µs a row, so what is used in filters over many rows deserves SQL. */
export function native(
  name: string,
  parameters: readonly KqlType[],
  result: KqlType,
  run: (args: readonly NativeValue[]) => NativeValue,
  options: NativeOptions = {},
): FunctionRow {
  const fn: NativeFunction = {
    name,
    parameters,
    result,
    run: options.nulls ? run : (args) => (args.includes(null) ? null : run(args)),
    hasPatterns: options.patterns === true,
    defaults: options.defaults ?? [],
  };
  registered.set(name, fn);
  return { result, sql: (args) => nativeSql(name, parameters, args, options.defaults), native: fn };
}

export function nativeSql(
  name: string,
  parameters: readonly KqlType[],
  args: readonly SqlArgument[],
  defaults: readonly string[] = [],
): string {
  const missing = parameters.length - args.length;
  const given = args
    .slice(0, parameters.length)
    .map((argument, index) => nativeArgument(argument, parameters[index] ?? 'string'));
  const rest = missing > 0 ? defaults.slice(defaults.length - missing) : [];
  return `kql_n_${name}(${[...given, ...rest].join(', ')})`;
}

const nativeArgument = (argument: SqlArgument, type: KqlType): string => {
  const sql = cast(argument, type);
  return type === 'guid' || type === 'decimal' ? `CAST(${sql} AS VARCHAR)` : sql;
};

/** An argument that is there and whole: int, long, datetime or timespan. */
export function big(value: NativeValue | undefined): bigint {
  invariant(typeof value === 'bigint', 'a native function gets integers as bigint');
  return value;
}

/** @returns undefined for null and for what is not JSON */
export function parseJson(text: NativeValue | undefined): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
