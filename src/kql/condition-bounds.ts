import type { Call, Expression, Literal } from './plan/expression.ts';
import { termOperators } from './functions/terms.ts';
import type { KqlType } from './plan/types.ts';
import { parseJson } from './sql/native.ts';
import { orderingOf } from './values/ordering.ts';

/** Between which values a column must be, the ends among them: as whole numbers, or in their order (`orderingOf`). Rows without a value are outside of any. */
export interface Bounds {
  readonly min?: bigint | undefined;
  readonly max?: bigint | undefined;
  /** Of texts: one of these. */
  readonly texts?: readonly string[] | undefined;
  /** Of texts: of each of these, it has all terms of one. What has no term says nothing. */
  readonly needles?: readonly (readonly string[])[] | undefined;
}
/** By column of the plan they hold for. */
export type RowBounds = ReadonlyMap<string, Bounds>;

export const anything: RowBounds = new Map();

export interface ConstantFacts {
  /** Ticks of `now()`. */
  readonly now: bigint;
  readonly parameters: ReadonlyMap<string, Literal>;
}

/** What a condition lets through. */
export interface ConditionBounds {
  /** No row outside of them. */
  readonly bounds: RowBounds;
  /** And every row inside of them. */
  readonly isExact: boolean;
}

/** Columns of whole numbers, or of what is kept as whole numbers. */
export const rangedTypes: ReadonlySet<KqlType> = new Set(['int', 'long', 'datetime', 'timespan']);

const unknown: ConditionBounds = { bounds: anything, isExact: false };

/** Of conditions of the kind `column > constant`, joined by `and`; whatever else they say only makes the bounds inexact. */
export function conditionBounds(condition: Expression, facts: ConstantFacts): ConditionBounds {
  if (condition.k !== 'call') return unknown;
  if (condition.name === 'and') {
    const parts = condition.args.map((part) => conditionBounds(part, facts));
    return {
      bounds: parts.reduce((all, { bounds }) => both(all, bounds), anything),
      isExact: parts.every(({ isExact }) => isExact),
    };
  }
  const [first, second] = condition.args;
  if (first === undefined || second === undefined) return unknown;
  const turned = first.k === 'column' ? undefined : mirrored[condition.name];
  const column = turned === undefined ? first : second;
  if (column.k !== 'column' || column.side !== undefined) return unknown;
  if (column.type === 'string')
    return textBounds(column.name, condition, column === first ? condition.args.slice(1) : [first], facts);
  const isWhole = rangedTypes.has(column.type);
  if (!isWhole && orderingOf(column.type) === undefined) return unknown;
  const found =
    turned === undefined
      ? within(condition, column.type, facts)
      : compared(turned, constant(first, column.type, facts));
  if (found === undefined) return unknown;
  return { bounds: new Map([[column.name, found.bounds]]), isExact: found.isExact && isWhole };
}

/** Never exact: whoever counts rows without reading them knows nothing of texts. */
function textBounds(
  column: string,
  { name }: Call,
  values: readonly Expression[],
  { parameters }: ConstantFacts,
): ConditionBounds {
  const texts = values.flatMap((value) => {
    const literal = value.k === 'parameter' ? parameters.get(value.name) : value;
    return literal?.k === 'literal' ? textsOf(literal, name) : [undefined];
  });
  const known = texts.filter((text) => text !== undefined);
  if (known.length < texts.length) return unknown;
  const found = textsOrNeedles(name, known);
  return found === undefined ? unknown : { bounds: new Map([[column, found]]), isExact: false };
}

/** What an operator says of a text that it lets through. */
function textsOrNeedles(name: string, texts: readonly string[]): Bounds | undefined {
  if (name === '==' || name === 'in') return { texts };
  if (!Object.hasOwn(termOperators, name)) return undefined;
  const isAll = termOperators[name] === 'all';
  return { needles: isAll ? texts.slice(0, clausesMax).map((text) => [text]) : [texts] };
}
const clausesMax = 16;

/** Undefined for what is no text. Lists of terms may be one dynamic. */
function textsOf({ type, value }: Literal, name: string): readonly (string | undefined)[] {
  if (typeof value !== 'string') return [undefined];
  if (type === 'string') return [value];
  if (type !== 'dynamic' || !Object.hasOwn(termOperators, name)) return [undefined];
  const list = parseJson(value);
  return Array.isArray(list) ? list.map((item) => (typeof item === 'string' ? item : undefined)) : [undefined];
}

interface OneBounds {
  readonly bounds: Bounds;
  readonly isExact: boolean;
}

const mirrored: Readonly<Record<string, string>> = { '==': '==', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

function within({ name, args }: Call, type: KqlType, facts: ConstantFacts): OneBounds | undefined {
  const [, ...values] = args;
  if (name === 'in') {
    const all = values.map((value) => constant(value, type, facts));
    const bounds = all.reduce((left, right) => left && right && either(left, right));
    return bounds && { bounds, isExact: all.length === 1 && isOne(bounds) };
  }
  const [low, high] = values;
  if (low === undefined) return undefined;
  const from = constant(low, type, facts);
  if (name !== 'between') return compared(name, from);
  if (high === undefined || from === undefined) return undefined;
  const isSpan = type === 'datetime' && high.type === 'timespan';
  const to = isSpan ? sum('datetime', from, constant(high, 'timespan', facts), 1n) : constant(high, type, facts);
  return to && { bounds: { min: from.min, max: to.max }, isExact: isOne(from) && isOne(to) };
}

const isOne = ({ min, max }: Bounds): boolean => min !== undefined && min === max;

function compared(name: string, value: Bounds | undefined): OneBounds | undefined {
  if (value === undefined) return undefined;
  const isExact = isOne(value);
  const { min, max } = value;
  switch (name) {
    case '==':
      return { bounds: value, isExact };
    case '>=':
      return { bounds: { min }, isExact };
    case '<=':
      return { bounds: { max }, isExact };
    case '>':
      return { bounds: { min: isExact && min !== undefined ? min + 1n : min }, isExact };
    case '<':
      return { bounds: { max: isExact && max !== undefined ? max - 1n : max }, isExact };
    default:
      return undefined;
  }
}

/** Whole numbers next to a constant that is compared with a column of the type: one, if it is one. */
function constant(expression: Expression, type: KqlType, facts: ConstantFacts): Bounds | undefined {
  if (expression.k === 'parameter') {
    const literal = facts.parameters.get(expression.name);
    return literal && constant(literal, type, facts);
  }
  if (expression.k === 'literal') return literalBounds(expression, type);
  if (expression.k !== 'call' || expression.type !== type || (type !== 'datetime' && type !== 'timespan'))
    return undefined;
  const [first, second] = expression.args;
  const now = { min: facts.now, max: facts.now };
  if (expression.name === 'now')
    return first === undefined ? now : sum(type, now, constant(first, 'timespan', facts), 1n);
  if (first === undefined) return undefined;
  if (expression.name === 'ago') return sum(type, now, constant(first, 'timespan', facts), -1n);
  if (second === undefined || (expression.name !== '+' && expression.name !== '-')) return undefined;
  return sum(
    type,
    constant(first, first.type, facts),
    constant(second, second.type, facts),
    expression.name === '+' ? 1n : -1n,
  );
}

const longMax = 2n ** 63n - 1n;
/** Ticks of the last moment of 9999. */
const datetimeMax = 3_155_378_975_999_999_999n;
/** Reals beyond this have no digit for single units: a long next to one may be equal to it. */
const exactMax = 2 ** 53;

function literalBounds({ type, value }: Literal, column: KqlType): Bounds | undefined {
  const order = orderingOf(column);
  if (order !== undefined) return value === null ? undefined : orderedBounds(type, order(String(value)), column);
  if (typeof value !== 'string') return undefined;
  const isWhole = type === 'int' || type === 'long';
  const isNumber = column === 'int' || column === 'long';
  if (isNumber ? isWhole : type === column) return { min: BigInt(value), max: BigInt(value) };
  if (!isNumber || type !== 'real') return undefined;
  const real = Number(value);
  if (!(Math.abs(real) < exactMax)) return undefined;
  return { min: BigInt(Math.floor(real)), max: BigInt(Math.ceil(real)) };
}

/** Next to a constant of another type, which is one of the column's first. */
function orderedBounds(type: KqlType, order: bigint | undefined, column: KqlType): Bounds | undefined {
  if (order === undefined) return undefined;
  if (type === column) return { min: order, max: order };
  if (type !== 'int' && type !== 'long') return undefined;
  // A long may become either of two reals.
  if (column === 'real') return { min: order - 1n, max: order + 1n };
  return column === 'decimal' ? { min: order, max: order } : undefined;
}

/** Of two times. A result that no column can hold may have been wrapped, refused or taken for null: nothing is known of it then. */
function sum(
  type: 'datetime' | 'timespan',
  left: Bounds | undefined,
  right: Bounds | undefined,
  sign: 1n | -1n,
): Bounds | undefined {
  if (left?.min === undefined || right?.min === undefined || left.min !== left.max || right.min !== right.max)
    return undefined;
  const value = left.min + sign * right.min;
  const [least, greatest] = type === 'datetime' ? [0n, datetimeMax] : [-longMax, longMax];
  return value < least || value > greatest ? undefined : { min: value, max: value };
}

const lower = (one: bigint, other: bigint): bigint => (one < other ? one : other);
const higher = (one: bigint, other: bigint): bigint => (one > other ? one : other);

export function narrower(left: Bounds, right: Bounds): Bounds {
  const texts = left.texts?.filter((text) => right.texts?.includes(text) ?? true) ?? right.texts;
  const needles = [...(left.needles ?? []), ...(right.needles ?? [])].slice(0, clausesMax);
  return {
    ...(texts && { texts }),
    ...(needles.length > 0 && { needles }),
    min: left.min === undefined || right.min === undefined ? (left.min ?? right.min) : higher(left.min, right.min),
    max: left.max === undefined || right.max === undefined ? (left.max ?? right.max) : lower(left.max, right.max),
  };
}

export function either(left: Bounds, right: Bounds): Bounds {
  const texts = left.texts && right.texts && [...new Set([...left.texts, ...right.texts])];
  const keys = new Set(right.needles?.map((some) => JSON.stringify(some)));
  const needles = left.needles?.filter((some) => keys.has(JSON.stringify(some))) ?? [];
  return {
    ...(texts && { texts }),
    ...(needles.length > 0 && { needles }),
    min: left.min === undefined || right.min === undefined ? undefined : lower(left.min, right.min),
    max: left.max === undefined || right.max === undefined ? undefined : higher(left.max, right.max),
  };
}

export function both(left: RowBounds, right: RowBounds): RowBounds {
  const all = new Map(left);
  for (const [name, bounds] of right) {
    const other = all.get(name);
    all.set(name, other === undefined ? bounds : narrower(other, bounds));
  }
  return all;
}
