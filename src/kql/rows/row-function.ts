import type { Call, Expression } from '../plan/expression.ts';
import { KqlError } from '../plan/kql-error.ts';
import { natives } from '../language.ts';
import type { KqlType } from '../plan/types.ts';
import type { NativeFunction, NativeValue } from '../sql/native.ts';
import { jsonArray } from '../values/json-text.ts';
import { toType } from './convert-value.ts';

/** An argument of a call, evaluated for one row. */
export interface Evaluated {
  readonly value: NativeValue;
  readonly type: KqlType;
  readonly expression: Expression;
}

/** A scalar function for operators that walk rows: what its row of `sql/functions/` is in SQL.
 * `result`: the type that `run` yields where it is not the binder's type for the call; the value is then converted. */
export interface RowFunction {
  readonly result?: KqlType;
  readonly run: (args: readonly Evaluated[], call: Call) => NativeValue;
}
export type RowFunctionTable = Readonly<Record<string, RowFunction>>;

/** The value of an argument as another type; null where there is no argument. */
export const as = (argument: Evaluated | undefined, type: KqlType): NativeValue =>
  argument ? toType(argument.value, argument.type, type) : null;
export const textAs = (argument: Evaluated | undefined): string => String(as(argument, 'string') ?? '');

/** Arguments of fixed types, as many as there are; a null among them gives null. */
export function fixed<const T extends readonly KqlType[]>(
  types: T,
  result: KqlType,
  run: (...values: { [K in keyof T]: ValueOf<T[K]> }) => NativeValue,
): RowFunction {
  return {
    result,
    run: (args) => {
      const values = types.map((type, index) => as(args[index], type));
      return values.includes(null) ? null : run(...(values as unknown as { [K in keyof T]: ValueOf<T[K]> }));
    },
  };
}
interface ValueTypes {
  bool: boolean;
  int: bigint;
  long: bigint;
  datetime: bigint;
  timespan: bigint;
  real: number;
  decimal: string;
  guid: string;
  string: string;
  dynamic: string;
}
type ValueOf<T extends KqlType> = ValueTypes[T];

let byName: ReadonlyMap<string, NativeFunction> | undefined;
/** Calls a native function by its inner name with values of the types it takes. */
export function callNative(name: string, values: readonly NativeValue[]): NativeValue {
  byName ??= new Map(natives.map((fn) => [fn.name, fn]));
  const fn = byName.get(name);
  if (!fn) throw new KqlError('internal', `There is no native function '${name}'.`);
  return fn.run(values);
}

/** A row whose arguments go to a native function under its inner name, brought to `types`; missing ones are `missing`. */
export const viaNative = (
  name: string,
  result: KqlType,
  types: readonly KqlType[],
  missing: readonly NativeValue[] = [],
): RowFunction => ({
  result,
  run: (args) =>
    callNative(
      name,
      types.map((type, index) => {
        const argument = args[index];
        return argument ? as(argument, type) : (missing[missing.length - types.length + index] ?? null);
      }),
    ),
});

/** All arguments as one JSON array, as natives take any number of them. */
export const allAsJson = (args: readonly Evaluated[]): string =>
  jsonArray(args.map((argument) => String(as(argument, 'dynamic') ?? 'null')));

export const refused = (call: Call, what = ''): KqlError =>
  new KqlError(
    'notSupported',
    `'${call.name}'${what} is not supported in an operator that walks rows.`,
    call.at < 0 ? undefined : call.at,
  );
