import type { Call, ColumnReference, Expression, Literal } from '../plan/expression.ts';
import { functionRows } from '../functions/table.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { KqlType } from '../plan/types.ts';
import type { NativeValue } from '../sql/native.ts';
import { commonType } from '../sql/common-type.ts';
import { toType } from '../sql/convert-value.ts';
import { inCalendar } from '../values/ticks.ts';
import { checkedLong, compareReals, compareTexts, floorMod, longOfReal, withinInt } from '../values/numbers.ts';

/** Gives the value of a column; integers of every width as bigint. */
export type Resolve = (reference: ColumnReference) => NativeValue;
/** An expression made ready to be computed for one row after the other. */
export type Evaluate = (resolve: Resolve) => NativeValue;

/** What the steps of a scan mostly compute with, without a query for each row: comparisons, sums and choices of plain values. Whatever
 * is not here is computed by the rows of the functions: by `run` where a row has it, else in SQL.
 * @param type that the value is wanted in
 * @returns undefined for an expression that has anything else in it */
export function stateExpression(expression: Expression, type: KqlType = expression.type): Evaluate | undefined {
  const convert = widening(expression.type, type);
  const evaluate = convert && ownValue(expression);
  return evaluate && ((resolve) => convert(evaluate(resolve)));
}

function ownValue(expression: Expression): Evaluate | undefined {
  switch (expression.k) {
    case 'literal': {
      const value = literalValue(expression);
      return () => value;
    }
    case 'column':
      return expression.name === '*' ? undefined : (resolve) => resolve(expression);
    case 'call':
      if (expression.types !== undefined) return undefined;
      return (
        (Object.hasOwn(core, expression.name) ? core[expression.name]?.(expression) : undefined) ?? ofRow(expression)
      );
    default:
      return undefined;
  }
}

/** A function that its row has for values, too. */
function ofRow({ name, args, type }: Call): Evaluate | undefined {
  const row = Object.hasOwn(functionRows, name) ? functionRows[name] : undefined;
  const run = row?.run;
  const compiled = args.map((argument) => ({ type: argument.type, evaluate: ownValue(argument) }));
  const given = compiled.flatMap(({ type: own, evaluate }) => (evaluate ? [{ type: own, evaluate }] : []));
  if (!run || given.length < args.length) return undefined;
  return (resolve) => {
    const values = given.map(({ type: own, evaluate }) => ({ type: own, value: evaluate(resolve) }));
    return toType(run(values), row.result ?? type, type);
  };
}

export function literalValue({ type, value }: Literal): NativeValue {
  if (value === null) return type === 'string' ? '' : null;
  if (typeof value === 'boolean') return value;
  if (type === 'int' || type === 'long' || type === 'datetime' || type === 'timespan') return BigInt(value);
  return type === 'real' ? Number(value) : value;
}

/** A number as a wider one. */
function widening(from: KqlType, to: KqlType): ((value: NativeValue) => NativeValue) | undefined {
  if (from === to || (from === 'int' && to === 'long')) return (value) => value;
  if ((from === 'int' || from === 'long') && to === 'real') return (value) => (value === null ? null : Number(value));
  return undefined;
}

type Compile = (call: Call) => Evaluate | undefined;

/** Of a fixed number of arguments, each in a type of its own. */
function ofArguments(
  args: readonly (readonly [Expression, KqlType])[],
  run: (values: readonly NativeValue[]) => NativeValue,
): Evaluate | undefined {
  const compiled = args.map(([expression, type]) => stateExpression(expression, type));
  if (!compiled.every((evaluate) => evaluate !== undefined)) return undefined;
  return (resolve) => run(compiled.map((evaluate) => evaluate(resolve)));
}

const comparable: ReadonlySet<KqlType> = new Set(['bool', 'int', 'long', 'real', 'datetime', 'timespan', 'string']);

function signOf(a: NonNullable<NativeValue>, b: NonNullable<NativeValue>): number {
  if (typeof a === 'number' && typeof b === 'number') return compareReals(a, b);
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

const comparison =
  (test: (a: NativeValue, b: NativeValue) => boolean | null): Compile =>
  ({ args: [left, right] }) => {
    if (!left || !right) return undefined;
    const type = commonType(left.type, right.type);
    if (!comparable.has(type)) return undefined;
    return ofArguments(
      [
        [left, type],
        [right, type],
      ],
      ([a = null, b = null]) => test(a, b),
    );
  };

/** `null == x` is false, `null == null` is null, NaN equals nothing. */
function equal(a: NativeValue, b: NativeValue): boolean | null {
  if (a === null || b === null) return a === b ? null : false;
  return Number.isNaN(a) || Number.isNaN(b) ? false : signOf(a, b) === 0;
}
const negated = (value: boolean | null): boolean | null => (value === null ? null : !value);
const ordered = (test: (sign: number) => boolean): Compile =>
  comparison((a, b) => {
    if (Number.isNaN(a) || Number.isNaN(b)) return false;
    return a === null || b === null ? null : test(signOf(a, b));
  });

const isTime = (type: KqlType): boolean => type === 'datetime' || type === 'timespan';
const isWhole = (type: KqlType): boolean => type === 'int' || type === 'long';
const wrapped = (value: bigint): bigint => BigInt.asIntN(64, value);

type OfWhole = (a: bigint, b: bigint) => bigint | null;
type OfReals = (a: number, b: number) => number | bigint | null;

/** Brings a whole result to the type of the call, as SQL does. */
function finished(value: NativeValue, { type }: Call): NativeValue {
  if (typeof value !== 'bigint') return value;
  if (type === 'int' && withinInt(value) === null) throw new KqlError('runtime', 'A value could not be converted.');
  return type === 'datetime' ? inCalendar(value) : value;
}

/** Two operands that are both whole, ticks or reals. */
function arithmetic(call: Call, whole: OfWhole, reals: OfReals, isReal: boolean): Evaluate | undefined {
  const [left, right] = call.args;
  if (!left || !right) return undefined;
  const type = (own: KqlType): KqlType => (isTime(own) ? own : isReal ? 'real' : 'long');
  return ofArguments(
    [
      [left, type(left.type)],
      [right, type(right.type)],
    ],
    ([a = null, b = null]) => {
      if (a === null || b === null) return null;
      if (isReal) return reals(Number(a), Number(b));
      return typeof a === 'bigint' && typeof b === 'bigint' ? finished(whole(a, b), call) : null;
    },
  );
}

/** @param ofTime how a time with another operand is computed; undefined: not here */
const operation =
  (whole: OfWhole, reals: OfReals, ofTime: (left: KqlType, right: KqlType) => 'whole' | 'real' | undefined): Compile =>
  (call) => {
    const [left, right] = call.args.map(({ type }) => type);
    if (!left || !right || ![left, right].every((type) => isTime(type) || isWhole(type) || type === 'real'))
      return undefined;
    if (!isTime(left) && !isTime(right)) {
      const isReal = left === 'real' || right === 'real';
      return (isReal ? call.type === 'real' : isWhole(call.type)) ? arithmetic(call, whole, reals, isReal) : undefined;
    }
    const kind = ofTime(left, right);
    if (kind === undefined) return undefined;
    const ticks: OfReals = (a, b) => {
      const value = reals(a, b);
      return call.type === 'real' || value === null ? value : longOfReal(Number(value));
    };
    return arithmetic(call, whole, ticks, kind === 'real');
  };

const onlyTicks = (left: KqlType, right: KqlType): 'whole' | undefined =>
  left === 'real' || right === 'real' ? undefined : 'whole';

const negative: Compile = (call) => {
  const [value] = call.args;
  if (!value || !(value.type === 'real' || isWhole(value.type) || isTime(value.type)) || call.type !== value.type)
    return undefined;
  return ofArguments([[value, value.type]], ([x = null]) =>
    typeof x === 'bigint' ? finished(wrapped(-x), call) : x === null ? null : -Number(x),
  );
};

const test =
  (run: (value: NativeValue, type: KqlType) => boolean): Compile =>
  ({ args: [value] }) =>
    value && ofArguments([[value, value.type]], ([x = null]) => run(x, value.type));
const isNull = (value: NativeValue, type: KqlType): boolean => type !== 'string' && value === null;
const isEmpty = (value: NativeValue, type: KqlType): boolean =>
  value === null || value === '' || (type === 'dynamic' && value === '""');

/** Conditions and what they choose, in turn; the last one is for all others. Only what is chosen is computed. */
const choice: Compile = ({ args, type }) => {
  const compiled = args.map((argument, index) =>
    stateExpression(argument, index % 2 === 0 && index + 1 < args.length ? 'bool' : type),
  );
  if (!compiled.every((evaluate) => evaluate !== undefined)) return undefined;
  return (resolve) => {
    for (let index = 0; index + 1 < compiled.length; index += 2)
      if (compiled[index]?.(resolve) === true) return compiled[index + 1]?.(resolve) ?? null;
    return compiled.at(-1)?.(resolve) ?? null;
  };
};

/** A string is never null, but coalesce() passes over empty ones. */
const coalesce: Compile = ({ args, type }) => {
  const compiled = args.map((argument) => stateExpression(argument, type));
  if (!compiled.every((evaluate) => evaluate !== undefined)) return undefined;
  return (resolve) => {
    for (const evaluate of compiled) {
      const value = evaluate(resolve);
      if (value !== null && value !== '') return value;
    }
    return type === 'string' ? '' : null;
  };
};

/** Nulls count for nothing. @param sign 1 for the largest value */
const extreme =
  (sign: 1 | -1): Compile =>
  ({ args, type }) => {
    const common = args.map((argument) => argument.type).reduce<KqlType>(commonType, type);
    if (common !== type || type === 'string' || !comparable.has(type)) return undefined;
    return ofArguments(
      args.map((argument) => [argument, type]),
      (values) =>
        values.reduce<NativeValue>(
          (best, value) => (value !== null && (best === null || signOf(value, best) * sign > 0) ? value : best),
          null,
        ),
    );
  };

/** @param decides the value of one side that decides */
const connective =
  (decides: boolean): Compile =>
  ({ args: [left, right] }) => {
    const [a, b] = [left && stateExpression(left, 'bool'), right && stateExpression(right, 'bool')];
    if (!a || !b) return undefined;
    return (resolve) => {
      const first = a(resolve);
      if (first === decides) return decides;
      const second = b(resolve);
      return second === decides ? decides : first === null || second === null ? null : !decides;
    };
  };

const strcat: Compile = ({ args }) =>
  args.every(({ type }) => type === 'string' || isWhole(type))
    ? ofArguments(
        args.map((argument) => [argument, argument.type]),
        (values) => values.map((value) => String(value ?? '')).join(''),
      )
    : undefined;

const core: Readonly<Record<string, Compile>> = {
  and: connective(false),
  or: connective(true),
  not: ({ args: [value] }) =>
    value && ofArguments([[value, 'bool']], ([x]) => negated(typeof x === 'boolean' ? x : null)),
  '==': comparison(equal),
  '!=': comparison((a, b) => negated(equal(a, b))),
  '<': ordered((sign) => sign < 0),
  '<=': ordered((sign) => sign <= 0),
  '>': ordered((sign) => sign > 0),
  '>=': ordered((sign) => sign >= 0),
  '+': operation(
    (a, b) => wrapped(a + b),
    (a, b) => a + b,
    onlyTicks,
  ),
  '-': operation(
    (a, b) => wrapped(a - b),
    (a, b) => a - b,
    onlyTicks,
  ),
  '*': operation(
    (a, b) => wrapped(a * b),
    (a, b) => a * b,
    (left, right) => (left === 'real' || right === 'real' ? 'real' : 'whole'),
  ),
  '/': operation(
    (a, b) => (b === 0n ? null : checkedLong(a / b)),
    (a, b) => a / b,
    (left, right) => (!isTime(left) ? undefined : isWhole(right) ? 'whole' : 'real'),
  ),
  '%': operation(floorMod, (a, b) => ((a % b) + Math.abs(b)) % Math.abs(b), onlyTicks),
  neg: negative,
  iff: choice,
  case: choice,
  coalesce,
  max_of: extreme(1),
  min_of: extreme(-1),
  isnull: test(isNull),
  isnotnull: test((value, type) => !isNull(value, type)),
  isempty: test(isEmpty),
  isnotempty: test((value, type) => !isEmpty(value, type)),
  strcat,
};
