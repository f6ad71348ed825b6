import type { Call, ColumnReference, Expression, Literal } from '../kql/ir/expression.ts';
import type { KqlType } from '../kql/types.ts';
import { KqlError } from '../kql/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { nativeFunctions } from '../sql/native.ts';
import { jsTermPattern } from '../sql/functions/terms.ts';
import { pathSteps, valueAt } from '../sql/functions/bag.ts';
import { regex } from '../native/regex.ts';
import { compareJson, jsonItems, jsonToText } from '../values/json-text.ts';
import { realToJson } from '../values/real-text.ts';
import { toType } from './convert-value.ts';

/** Gives the value of a column; integers of every big(width). */
export type Resolve = (reference: ColumnReference) => NativeValue;

/** Evaluates an expression for one row, for operators that walk rows (scan, graph patterns). It knows the core operators and
 * every native function; what it does not know is refused by name. */
export function evaluate(expression: Expression, resolve: Resolve): NativeValue {
  switch (expression.k) {
    case 'literal':
      return literalValue(expression);
    case 'column':
      return resolve(expression);
    case 'call':
      return evaluateCall(expression, resolve);
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

interface Evaluated {
  readonly value: NativeValue;
  readonly type: KqlType;
}

function evaluateCall(call: Call, resolve: Resolve): NativeValue {
  const lazy = lazyCalls[call.name];
  if (lazy) return lazy(call, resolve);
  const args = call.args.map((argument): Evaluated => ({ value: evaluate(argument, resolve), type: argument.type }));
  const core = coreCalls[call.name];
  if (core) return core(args, call);
  const native = nativeByName().get(call.name);
  if (native && args.length === native.parameters.length) {
    return toType(
      native.run(
        native.parameters.map((type, index) => toType(args[index]?.value ?? null, args[index]?.type ?? type, type)),
      ),
      native.result,
      call.type,
    );
  }
  throw new KqlError(
    'notSupported',
    `'${call.name}' is not supported in an operator that walks rows.`,
    call.at < 0 ? undefined : call.at,
  );
}

let byName: Map<string, ReturnType<typeof nativeFunctions>[number]> | undefined;
const nativeByName = (): NonNullable<typeof byName> =>
  (byName ??= new Map(nativeFunctions().map((fn) => [fn.name, fn])));

const bool = (call: Call, index: number, resolve: Resolve): NativeValue => {
  const argument = call.args[index];
  return argument ? toType(evaluate(argument, resolve), argument.type, 'bool') : null;
};
const branch = (call: Call, index: number, resolve: Resolve): NativeValue => {
  const argument = call.args[index];
  return argument ? toType(evaluate(argument, resolve), argument.type, call.type) : null;
};
const iff = (call: Call, resolve: Resolve): NativeValue =>
  branch(call, bool(call, 0, resolve) === true ? 1 : 2, resolve);

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

type Core = (args: readonly Evaluated[], call: Call) => NativeValue;
const text = (argument: Evaluated | undefined): string =>
  String(argument ? (toType(argument.value, argument.type, 'string') ?? '') : '');

const rank: Readonly<Partial<Record<KqlType, number>>> = { bool: 0, int: 1, long: 2, decimal: 3, real: 4 };
function common(a: KqlType, b: KqlType): KqlType {
  if (a === b) return a;
  if (a === 'dynamic') return b;
  if (b === 'dynamic') return a;
  const [x, y] = [rank[a], rank[b]];
  if (x !== undefined && y !== undefined) return x > y ? a : b;
  return a === 'string' ? b : a;
}

/** undefined when one side is null or NaN */
function order(args: readonly Evaluated[]): number | undefined {
  const [a, b] = args;
  if (!a || !b) return undefined;
  const type = common(a.type, b.type);
  const [x, y] = [toType(a.value, a.type, type), toType(b.value, b.type, type)];
  if (x === null || y === null || Number.isNaN(x) || Number.isNaN(y)) return undefined;
  if (type === 'decimal') return Number(x) - Number(y);
  if (type === 'dynamic') return compareJson(String(x), String(y)) ?? (x === y ? 0 : 1);
  return x < y ? -1 : x > y ? 1 : 0;
}
const isNullPair = (args: readonly Evaluated[]): boolean => args[0]?.value === null && args[1]?.value === null;
const anyNull = (args: readonly Evaluated[]): boolean => args[0]?.value === null || args[1]?.value === null;
const comparison =
  (test: (sign: number) => boolean): Core =>
  (args) => {
    const sign = order(args);
    return sign === undefined ? (anyNull(args) ? null : false) : test(sign);
  };
const equal: Core = (args) => (isNullPair(args) ? null : order(args) === 0);
const negated =
  (core: Core): Core =>
  (args, call) => {
    const value = core(args, call);
    return value === null ? null : value !== true;
  };

const isTime = (type: KqlType): boolean => type === 'datetime' || type === 'timespan';
const arithmetic =
  (whole: (a: bigint, b: bigint) => bigint | null, real: (a: number, b: number) => number): Core =>
  (args, call) => {
    const [a, b] = args;
    if (!a || !b || a.value === null || b.value === null) return null;
    const isReal = [a, b].some((side) => side.type === 'real' || side.type === 'decimal' || side.type === 'dynamic');
    const number = (side: Evaluated): number =>
      Number(isTime(side.type) ? side.value : toType(side.value, side.type, 'real'));
    if (isReal || (call.name === '/' && isTime(a.type) && isTime(b.type))) {
      const result = real(number(a), number(b));
      if (isTime(call.type) || call.type === 'long') return Number.isFinite(result) ? BigInt(Math.trunc(result)) : null;
      return call.type === 'dynamic' ? realToJson(result) : call.type === 'decimal' ? String(result) : result;
    }
    const integer = (side: Evaluated): bigint => wholeOf(side.value);
    const result = whole(integer(a), integer(b));
    return result === null ? null : BigInt.asIntN(64, result);
  };

const wholeOf = (value: NativeValue): bigint => (typeof value === 'bigint' ? value : BigInt(Math.trunc(Number(value))));

const members = (args: readonly Evaluated[]): Evaluated[] =>
  args.slice(1).flatMap((argument): Evaluated[] => {
    const items =
      argument.type === 'dynamic' && typeof argument.value === 'string' ? jsonItems(argument.value) : undefined;
    return items ? items.map((value) => ({ value, type: 'dynamic' })) : [argument];
  });
const isMember: Core = (args) => members(args).some((member) => order([args[0] ?? member, member]) === 0);
const isMemberFolded: Core = (args) =>
  members(args).some((member) => text(args[0]).toLowerCase() === text(member).toLowerCase());
const textTest =
  (test: (a: string, b: string) => boolean, fold: boolean): Core =>
  ([a, b]) =>
    fold ? test(text(a).toLowerCase(), text(b).toLowerCase()) : test(text(a), text(b));
const hasTerm =
  (match: 'has' | 'hasprefix' | 'hassuffix', caseSensitive: boolean): Core =>
  ([a, b]) =>
    text(b) === '' || jsTermPattern(text(b), match, caseSensitive).test(text(a));
const between: Core = (args) => {
  const [x, low, high] = args;
  if (!x || !low || !high) return null;
  const [above, below] = [order([x, low]), order([x, high])];
  return above === undefined || below === undefined ? null : above >= 0 && below <= 0;
};
const isNull: Core = ([a]) => a?.type !== 'string' && a?.value === null;
const isEmpty: Core = ([a]) => a?.value === null || a?.value === '';
const conversion =
  (type: KqlType): Core =>
  ([a]) =>
    a ? toType(a.value, a.type, type) : null;
const floorMod = (a: bigint, b: bigint): bigint | null => {
  if (b === 0n) return null;
  const size = b < 0n ? -b : b;
  return ((a % size) + size) % size;
};

const positive: Readonly<Record<string, Core>> = {
  '==': equal,
  in: isMember,
  'in~': isMemberFolded,
  between,
  has: hasTerm('has', false),
  has_cs: hasTerm('has', true),
  hasprefix: hasTerm('hasprefix', false),
  hassuffix: hasTerm('hassuffix', false),
  contains: textTest((a, b) => a.includes(b), true),
  contains_cs: textTest((a, b) => a.includes(b), false),
  startswith: textTest((a, b) => a.startsWith(b), true),
  startswith_cs: textTest((a, b) => a.startsWith(b), false),
  endswith: textTest((a, b) => a.endsWith(b), true),
  endswith_cs: textTest((a, b) => a.endsWith(b), false),
};

const coreCalls: Readonly<Record<string, Core>> = {
  ...positive,
  ...Object.fromEntries(
    Object.entries(positive).map(([name, core]) => [name === '==' ? '!=' : `!${name}`, negated(core)]),
  ),
  '<>': negated(equal),
  '<': comparison((sign) => sign < 0),
  '<=': comparison((sign) => sign <= 0),
  '>': comparison((sign) => sign > 0),
  '>=': comparison((sign) => sign >= 0),
  '=~': textTest((a, b) => a === b, true),
  '!~': textTest((a, b) => a !== b, true),
  'matches regex': ([a, b]) => regex(text(b)).test(text(a)),
  has_any: (args) =>
    members(args).some((member) => hasTerm('has', false)([args[0] ?? member, member], emptyCall) === true),
  has_all: (args) =>
    members(args).every((member) => hasTerm('has', false)([args[0] ?? member, member], emptyCall) === true),
  not: ([a]) => {
    const value = a ? toType(a.value, a.type, 'bool') : null;
    return value === null ? null : value !== true;
  },
  '+': arithmetic(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  '-': arithmetic(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  '*': arithmetic(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  '/': arithmetic(
    (a, b) => (b === 0n ? null : a / b),
    (a, b) => a / b,
  ),
  '%': arithmetic(floorMod, (a, b) => ((a % b) + Math.abs(b)) % Math.abs(b)),
  neg: ([a]) => (typeof a?.value === 'bigint' ? -a.value : typeof a?.value === 'number' ? -a.value : null),
  abs: ([a]) =>
    typeof a?.value === 'bigint'
      ? a.value < 0n
        ? -a.value
        : a.value
      : typeof a?.value === 'number'
        ? Math.abs(a.value)
        : null,
  bin: arithmetic(
    (a, b) => (b <= 0n ? null : a - (floorMod(a, b) ?? 0n)),
    (a, b) => (b === 0 ? NaN : Math.floor(a / b) * b),
  ),
  isnull: isNull,
  isnotnull: negated(isNull),
  isempty: isEmpty,
  isnotempty: negated(isEmpty),
  tostring: conversion('string'),
  tolong: conversion('long'),
  toint: conversion('int'),
  toreal: conversion('real'),
  todouble: conversion('real'),
  tobool: conversion('bool'),
  todatetime: conversion('datetime'),
  totimespan: conversion('timespan'),
  strcat: (args) => args.map(text).join(''),
  strlen: ([a]) => BigInt(Array.from(text(a)).length),
  tolower: ([a]) => text(a).toLowerCase(),
  toupper: ([a]) => text(a).toUpperCase(),
  path: ([a, key]) => dynamicAt(a, [text(key)]),
  index: ([a, key]) => dynamicAt(a, [key?.type === 'dynamic' ? jsonToText(String(key.value)) : String(key?.value)]),
  array_length: ([a]) => {
    const items = typeof a?.value === 'string' ? jsonItems(a.value) : undefined;
    return items ? BigInt(items.length) : null;
  },
  pack_array: (args) =>
    `[${args.map((argument) => String(toType(argument.value, argument.type, 'dynamic') ?? 'null')).join(',')}]`,
  extract_json: ([path, json]) => jsonToText(valueAt(text(json), pathSteps(text(path)) ?? []) ?? 'null'),
};
const emptyCall: Call = { k: 'call', name: '', args: [], type: 'bool', at: -1 };

function dynamicAt(target: Evaluated | undefined, steps: readonly string[]): NativeValue {
  if (typeof target?.value !== 'string') return null;
  const found = valueAt(target.value, steps);
  return found === undefined || found === 'null' ? null : found;
}
