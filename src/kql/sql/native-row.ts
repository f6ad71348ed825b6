import type { KqlType } from '../plan/types.ts';
import { cast } from './convert.ts';
import type { NativeFunction, NativeOptions, NativeValue } from './native.ts';
import { nativeCall, nativeFunction } from './native.ts';
import type { FunctionRow, SqlArgument } from './scope.ts';

/** How to write a function of KQL in JavaScript: `native('reverse_words', ['string'], 'string', ([s]) => …)` is its row. */
export function native(
  name: string,
  parameters: readonly KqlType[],
  result: KqlType,
  run: (args: readonly NativeValue[]) => NativeValue,
  options: NativeOptions = {},
): FunctionRow {
  const fn = nativeFunction(name, parameters, result, run, options);
  return { result, sql: (args) => nativeSql(fn, args), natives: [fn] };
}

/** SQL of a call whose arguments are brought to the types of the parameters; those left out have their defaults. */
export function nativeSql(fn: NativeFunction, args: readonly SqlArgument[]): string {
  const { parameters, defaults } = fn;
  const missing = parameters.length - args.length;
  const given = args
    .slice(0, parameters.length)
    .map((argument, index) => nativeArgument(argument, parameters[index] ?? 'string'));
  return nativeCall(fn, ...given, ...(missing > 0 ? defaults.slice(defaults.length - missing) : []));
}

const nativeArgument = (argument: SqlArgument, type: KqlType): string => {
  const sql = cast(argument, type);
  return type === 'guid' || type === 'decimal' ? `CAST(${sql} AS VARCHAR)` : sql;
};
