import type { KqlType } from '../../plan/types.ts';
import { KqlError } from '../../plan/kql-error.ts';
import type { NativeValue } from '../../sql/native.ts';
import { commonType } from '../../functions/comparison.ts';
import { fromUnits, toUnits } from '../../values/decimal.ts';
import { jsonItems } from '../../values/json-text.ts';
import { toType } from '../convert-value.ts';
import { foldedText } from '../../values/letters.ts';
import { checkedLong, compareReals, compareTexts } from '../numbers.ts';
import type { Evaluated, RowFunction, RowFunctionTable } from '../row-function.ts';
import { as, refused } from '../row-function.ts';

type Present = Exclude<NativeValue, null>;

/** Orders two values of one type; NaN is the greatest real and equals itself. */
export function compareValues(a: Present, b: Present, type: KqlType): number {
  if (type === 'real') return compareReals(Number(a), Number(b));
  if (typeof a === 'string' && typeof b === 'string') {
    if (type !== 'decimal') return compareTexts(a, b);
    const [x, y] = [toUnits(a), toUnits(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Pair {
  readonly a: NativeValue;
  readonly b: NativeValue;
  readonly type: KqlType;
}
function pairOf([left, right]: readonly Evaluated[]): Pair {
  const type = commonType(left?.type ?? 'long', right?.type ?? 'long');
  return { a: as(left, type), b: as(right, type), type };
}

/** `null == x` is false, `null == null` is null, NaN equals nothing. */
const equal: RowFunction = {
  run: (args) => {
    const { a, b, type } = pairOf(args);
    if (a === null || b === null) return a === b ? null : false;
    return Number.isNaN(a) || Number.isNaN(b) ? false : compareValues(a, b, type) === 0;
  },
};

const ordered = (test: (sign: number) => boolean): RowFunction => ({
  run: (args) => {
    const { a, b, type } = pairOf(args);
    if (Number.isNaN(a) || Number.isNaN(b)) return false;
    return a === null || b === null ? null : test(compareValues(a, b, type));
  },
});

export const negated = ({ run }: RowFunction): RowFunction => ({
  run: (args, call) => {
    const value = run(args, call);
    return value === null ? null : value !== true;
  },
});

const both = (a: boolean | null, b: boolean | null): boolean | null =>
  a === false || b === false ? false : a === null || b === null ? null : true;

const between: RowFunction = {
  run: ([value, low, high]) => {
    if (!value || !low || !high) return null;
    const type = commonType(value.type, low.type === 'timespan' && value.type === 'datetime' ? 'datetime' : low.type);
    const x = as(value, type);
    // A timespan as upper bound of datetimes is counted from the lower one.
    const top = high.type === 'timespan' && low.type === 'datetime' ? sum(low.value, high.value) : as(high, type);
    const bottom = as(low, type);
    if (Number.isNaN(x)) return false;
    return both(
      x === null || bottom === null ? null : compareValues(x, bottom, type) >= 0,
      x === null || top === null ? null : compareValues(x, top, type) <= 0,
    );
  },
};
const sum = (a: NativeValue, b: NativeValue): NativeValue =>
  typeof a === 'bigint' && typeof b === 'bigint' ? checkedLong(a + b) : null;

/** Values of a list argument in the type that the left side is compared in. */
function members(argument: Evaluated, isLeftDynamic: boolean, type: KqlType): NativeValue[] {
  const { expression, value } = argument;
  if (argument.type !== 'dynamic' || typeof value !== 'string') return [as(argument, type)];
  if (expression.k === 'literal' && value.startsWith('[')) {
    const elements = (jsonItems(value) ?? []).flatMap((item) => jsonItems(item) ?? [item]);
    return elements.map((element) => toType(ofJson(element), 'dynamic', type));
  }
  const items = isLeftDynamic ? undefined : jsonItems(value);
  return items ? items.map((item) => toType(ofJson(item), 'dynamic', type)) : [as(argument, type)];
}
const ofJson = (item: string): NativeValue => (item === 'null' ? null : item);

const membership = (ignoreCase: boolean): RowFunction => ({
  run: ([left, ...list], call) => {
    if (!left) return null;
    const compared =
      left.type === 'dynamic' ? (list.find((argument) => argument.type !== 'dynamic')?.type ?? 'string') : left.type;
    const type = ignoreCase ? 'string' : compared;
    const fold = (value: NativeValue): NativeValue =>
      ignoreCase && value !== null ? foldedText(String(value)) : value;
    const x = fold(as(left, type));
    if (list.some(({ expression }) => expression.k === 'table')) throw refused(call, ' over a table');
    return list
      .flatMap((argument) => members(argument, left.type === 'dynamic', type))
      .map(fold)
      .some((member) => x !== null && member !== null && compareValues(x, member, type) === 0);
  },
});

/** null counts only where all arguments are null; NaN is the greatest. */
const extreme = (direction: 1 | -1): RowFunction => ({
  run: (args, call) => {
    const type = args.map((argument) => argument.type).reduce<KqlType>(commonType, args[0]?.type ?? 'long');
    let best: NativeValue = null;
    for (const argument of args) {
      const value = as(argument, type);
      if (value !== null && (best === null || compareValues(value, best, type) * direction > 0)) best = value;
    }
    return toType(best, type, call.type);
  },
});

const isNull: RowFunction = { result: 'bool', run: ([a]) => a?.type !== 'string' && a?.value === null };
const isEmpty: RowFunction = {
  result: 'bool',
  run: ([a]) => a?.value === null || a?.value === '' || (a?.type === 'dynamic' && a.value === '""'),
};

/** `around(x, center, delta)` */
const around: RowFunction = {
  result: 'bool',
  run: ([value, center, delta]) => {
    if (!value || !center || !delta) return null;
    const known = value.type === 'dynamic' ? center.type : value.type;
    const type = known === 'int' ? 'long' : known === 'dynamic' || known === 'bool' ? 'real' : known;
    if (type === 'string' || type === 'guid')
      throw new KqlError('semantic', `around() compares numbers, datetimes and timespans, not values of type ${type}.`);
    const d = delta.type === 'timespan' ? delta.value : as(delta, type);
    const [x, c] = [as(value, type), as(center, type)];
    const low = offset(c, d, -1n, type);
    const high = offset(c, d, 1n, type);
    return both(
      x === null || low === null ? null : compareValues(x, low, type) >= 0,
      x === null || high === null ? null : compareValues(x, high, type) <= 0,
    );
  },
};
function offset(center: NativeValue, delta: NativeValue, sign: 1n | -1n, type: KqlType): NativeValue {
  if (center === null || delta === null) return null;
  if (typeof center === 'bigint' && typeof delta === 'bigint') return checkedLong(center + sign * delta);
  if (type !== 'decimal') return Number(center) + Number(sign) * Number(delta);
  return fromUnits(toUnits(String(center)) + sign * toUnits(String(delta)));
}

export const compareRows: RowFunctionTable = {
  '==': equal,
  '!=': negated(equal),
  '<>': negated(equal),
  '<': ordered((sign) => sign < 0),
  '<=': ordered((sign) => sign <= 0),
  '>': ordered((sign) => sign > 0),
  '>=': ordered((sign) => sign >= 0),
  between,
  '!between': negated(between),
  in: membership(false),
  '!in': negated(membership(false)),
  'in~': membership(true),
  '!in~': negated(membership(true)),
  not: {
    run: ([a]) => {
      const value = as(a, 'bool');
      return value === null ? null : value !== true;
    },
  },
  isnull: isNull,
  isnotnull: negated(isNull),
  notnull: negated(isNull),
  isempty: isEmpty,
  isnotempty: negated(isEmpty),
  notempty: negated(isEmpty),
  max_of: extreme(1),
  min_of: extreme(-1),
  around,
};
