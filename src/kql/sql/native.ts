import { invariant } from '../../base/invariant.ts';
import type { ByteRows } from '../algorithms/text/byte-rows.ts';
import type { KqlType } from '../plan/types.ts';
import type { Fragment, Sql } from './fragment.ts';
import { callOf } from './fragment.ts';

/** Values of native functions: bool boolean · int, long, datetime, timespan bigint · real number · string, guid, decimal and
 * dynamic (JSON text) string. */
export type NativeValue = boolean | bigint | number | string | null;

/** Of an argument; numbers of any type. */
type Default = string | number | boolean | null;

/** A JavaScript function that DuckDB calls for each row, under `kql_n_<name>`. */
export interface NativeFunction {
  readonly name: string;
  readonly parameters: readonly KqlType[];
  readonly result: KqlType;
  readonly run: (args: readonly NativeValue[]) => NativeValue;
  /** It matches regular expressions of users' own. */
  readonly hasPatterns: boolean;
  /** What a call leaves out, of the last parameters. */
  readonly defaults: readonly Default[];
  readonly overBytes?: OverBytes;
}

/** `run` for all rows of a chunk, of a function whose result is a long, with one parameter, or a second one that is a long and the same for
 * every row. It takes so little for each byte that it is done wherever DuckDB asks, and its time is not counted. What it gives for null means
 * nothing. */
export type OverBytes = (rows: ByteRows, results: BigInt64Array, same?: bigint) => void;

export interface NativeOptions {
  /** Call with nulls too; without it a null argument gives null. */
  readonly nulls?: boolean;
  /** For arguments that the call leaves out, from the first optional one on. */
  readonly defaults?: readonly Default[];
  /** For a function that matches regular expressions of users' own: V8 does that only for a short time. */
  readonly patterns?: boolean;
  readonly overBytes?: OverBytes;
}

/** A function in JavaScript as a value. DuckDB knows it once the row that calls it names it among its `natives`.
 * Costs about 1 µs a row, so what is used in filters over many rows deserves SQL. */
export const nativeFunction = (
  name: string,
  parameters: readonly KqlType[],
  result: KqlType,
  run: (args: readonly NativeValue[]) => NativeValue,
  { nulls = false, defaults = [], patterns = false, overBytes }: NativeOptions = {},
): NativeFunction => ({
  name,
  parameters,
  result,
  run: nulls ? run : (args) => (args.includes(null) ? null : run(args)),
  hasPatterns: patterns,
  defaults,
  ...(overBytes && { overBytes }),
});

/** SQL of a constant of ours. */
export function constantSql(value: Default): string {
  if (value === null) return 'NULL';
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
}

/** SQL of a call. @param args SQL of each argument, in the type of its parameter */
export const nativeCall = ({ name }: NativeFunction, ...args: readonly Sql[]): Fragment =>
  callOf(`kql_n_${name}`, [connectionSql, ...args], { callsNatives: true });

/** Each call says first which connection it is for: a variable that each has. */
const connectionSql = "getvariable('connection')";

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
