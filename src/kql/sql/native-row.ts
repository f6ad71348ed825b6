import type { Sql } from './fragment.ts';
import { sql } from './fragment.ts';
import type { KqlType } from '../plan/types.ts';
import { cast } from './convert.ts';
import type { NativeFunction, NativeOptions, NativeValue } from './native.ts';
import { constantSql, nativeCall, nativeFunction } from './native.ts';
import { toType } from './convert-value.ts';
import type { FunctionRow, SqlArgument, ValueArgument } from './scope.ts';

/** How to write a function of KQL in JavaScript: `native('reverse_words', ['string'], 'string', ([s]) => …)` is its row. */
export function native(
  name: string,
  parameters: readonly KqlType[],
  result: KqlType,
  run: (args: readonly NativeValue[]) => NativeValue,
  options: NativeOptions = {},
): FunctionRow {
  const fn = nativeFunction(name, parameters, result, run, options);
  const row: FunctionRow = { result, sql: (args) => nativeSql(fn, args), natives: [fn] };
  // Patterns of users have time for a whole query only, which is kept where SQL calls them.
  return fn.hasPatterns ? row : { ...row, run: (args) => fn.run(nativeValues(fn, args)) };
}

const nativeValues = ({ parameters, defaults }: NativeFunction, args: readonly ValueArgument[]): NativeValue[] =>
  parameters.map((type, index) => {
    const argument = args[index];
    if (argument) return toType(argument.value, argument.type, type);
    const value = defaults[defaults.length - parameters.length + index] ?? null;
    return typeof value === 'number' && type !== 'real' ? BigInt(value) : value;
  });

/** SQL of a call whose arguments are brought to the types of the parameters; those left out have their defaults. */
export function nativeSql(fn: NativeFunction, args: readonly SqlArgument[]): Sql {
  const { parameters, defaults } = fn;
  const missing = parameters.length - args.length;
  const given = args
    .slice(0, parameters.length)
    .map((argument, index) => nativeArgument(argument, parameters[index] ?? 'string'));
  return nativeCall(fn, ...given, ...(missing > 0 ? defaults.slice(defaults.length - missing).map(constantSql) : []));
}

const nativeArgument = (argument: SqlArgument, type: KqlType): Sql => {
  const value = cast(argument, type);
  return type === 'guid' || type === 'decimal' ? sql`CAST(${value} AS VARCHAR)` : value;
};

/** What a row with other SQL takes over from one: its SQL looks at more than values tell, and so nothing but SQL computes it. */
export const withoutRun = ({ result, natives }: FunctionRow): Pick<FunctionRow, 'result' | 'natives'> => ({
  ...(result && { result }),
  ...(natives && { natives }),
});
