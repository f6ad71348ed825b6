import type { Call, ColumnReference, Expression, Literal } from '../plan/expression.ts';
import type { KqlType } from '../plan/types.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeFunction, NativeValue } from '../sql/native.ts';
import { functionRows } from '../functions/table.ts';
import { jsonItems } from '../values/json-text.ts';
import { toType } from './convert-value.ts';
import { rowFunction } from './functions.ts';
import { plainJson } from './json.ts';
import { withinInt } from './numbers.ts';
import type { Evaluated } from './row-function.ts';
import { as, refused } from './row-function.ts';

/** Gives the value of a column; integers of every width as bigint. */
export type Resolve = (reference: ColumnReference) => NativeValue;

/** Evaluates an expression for one row, for operators that walk rows. It knows the functions of `functions.ts` and those that
 * are native ones as they are; what it does not know is refused by name. */
export const evaluate = (expression: Expression, resolve: Resolve): NativeValue =>
  argumentOf(expression, resolve, false).value;

function wholeValue(expression: Expression, resolve: Resolve): NativeValue {
  switch (expression.k) {
    case 'literal':
      return literalValue(expression);
    case 'column':
      return resolve(expression);
    case 'call':
      return evaluateCall(expression, resolve);
    case 'table':
      return null;
    default:
      throw new KqlError('notSupported', 'A subquery or query parameter here is not supported.');
  }
}

export const isTrue = (value: NativeValue): boolean => value === true;

export function literalValue({ type, value }: Literal): NativeValue {
  if (value === null) return type === 'string' ? '' : null;
  if (typeof value === 'boolean') return value;
  if (type === 'int' || type === 'long' || type === 'datetime' || type === 'timespan') return BigInt(value);
  return type === 'real' ? Number(value) : value;
}

/** Of a call that yields several columns an expression around it sees the first; an index picks among them. */
function argumentOf(expression: Expression, resolve: Resolve, isWhole: boolean): Evaluated {
  const value = wholeValue(expression, resolve);
  const several = expression.k === 'call' && (expression.types?.length ?? 1) > 1 && !isWhole;
  if (!several || typeof value !== 'string') return { value, type: expression.type, expression };
  const first = jsonItems(value)?.[0];
  return {
    value: first === undefined || first === 'null' ? null : plainJson(first),
    type: expression.type,
    expression,
  };
}

function evaluateCall(call: Call, resolve: Resolve): NativeValue {
  const lazy = Object.hasOwn(lazyCalls, call.name) ? lazyCalls[call.name] : undefined;
  if (lazy) return lazy(call, resolve);
  const row = rowFunction(call.name);
  const native = row ? undefined : nativeOf(call);
  if (!row && !native) throw refused(call);
  const args = call.args.map((argument, index) => argumentOf(argument, resolve, call.name === 'index' && index === 0));
  if (row) return finish(row.run(args, call), row.result, call);
  return native ? finish(native.run(nativeArguments(native, args)), native.result, call) : null;
}

/** Whether a function of KQL is known here. */
export const isInRows = (name: string): boolean =>
  rowFunction(name) !== undefined || Object.hasOwn(lazyCalls, name) || functionRows[name]?.native !== undefined;

/** The native function that a function of KQL is, when a call has the arguments it needs. */
function nativeOf(call: Call): NativeFunction | undefined {
  const native = Object.hasOwn(functionRows, call.name) ? functionRows[call.name]?.native : undefined;
  const missing = (native?.parameters.length ?? 0) - call.args.length;
  return missing > (native?.defaults.length ?? 0) ? undefined : native;
}

function nativeArguments({ parameters, defaults }: NativeFunction, args: readonly Evaluated[]): NativeValue[] {
  return parameters.map((type, index) => {
    const argument = args[index];
    return argument
      ? as(argument, type)
      : constant(defaults[defaults.length - parameters.length + index] ?? 'NULL', type);
  });
}

/** The value of a constant that is written in SQL. */
function constant(sql: string, type: KqlType): NativeValue {
  if (sql === 'NULL') return null;
  if (sql.startsWith("'")) return sql.slice(1, -1).replaceAll("''", "'");
  if (type === 'bool') return sql === 'true';
  return type === 'real' ? Number(sql) : BigInt(sql);
}

/** Brings the result of a function to the type that the binder gave the call; strings are never null. */
function finish(value: NativeValue, result: KqlType | undefined, call: Call): NativeValue {
  if (result !== undefined) return toType(value, result, call.type);
  if (value === null) return call.type === 'string' ? '' : null;
  if (call.type === 'int' && typeof value === 'bigint' && withinInt(value) === null)
    throw new KqlError('runtime', 'A value could not be converted.');
  return value;
}

const bool = (call: Call, index: number, resolve: Resolve): NativeValue => {
  const argument = call.args[index];
  return argument ? as(argumentOf(argument, resolve, false), 'bool') : null;
};
const branch = (call: Call, index: number, resolve: Resolve): NativeValue => {
  const argument = call.args[index];
  return argument ? as(argumentOf(argument, resolve, false), call.type) : null;
};
const iff = (call: Call, resolve: Resolve): NativeValue =>
  branch(call, bool(call, 0, resolve) === true ? 1 : 2, resolve);

/** They do not need all of their arguments. */
const lazyCalls: Readonly<Record<string, (call: Call, resolve: Resolve) => NativeValue>> = {
  and: (call, resolve) => {
    const left = bool(call, 0, resolve);
    if (left === false) return false;
    const right = bool(call, 1, resolve);
    return right === false ? false : left === null || right === null ? null : true;
  },
  or: (call, resolve) => {
    const left = bool(call, 0, resolve);
    if (left === true) return true;
    const right = bool(call, 1, resolve);
    return right === true ? true : left === null || right === null ? null : false;
  },
  iff,
  iif: iff,
  case: (call, resolve) => {
    for (let index = 0; index + 1 < call.args.length; index += 2)
      if (bool(call, index, resolve) === true) return branch(call, index + 1, resolve);
    return branch(call, call.args.length - 1, resolve);
  },
  coalesce: (call, resolve) => {
    for (let index = 0; index < call.args.length; index += 1) {
      const value = branch(call, index, resolve);
      if (value !== null && value !== '') return value;
    }
    return call.type === 'string' ? '' : null;
  },
};
