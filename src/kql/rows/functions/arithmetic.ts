import type { Call } from '../../plan/expression.ts';
import type { KqlType } from '../../plan/types.ts';
import type { NativeValue } from '../../sql/native.ts';
import { decimalOperation, fromUnits, toUnits } from '../../values/decimal.ts';
import { inCalendar } from '../../values/ticks.ts';
import { jsonOf } from '../convert-value.ts';
import { boundedDecimal, checkedLong, decimalOfText, longOfReal, roundHalfUp } from '../numbers.ts';
import type { Evaluated, RowFunction, RowFunctionTable } from '../row-function.ts';
import { as, callNative } from '../row-function.ts';

const isTime = (type: KqlType): boolean => type === 'datetime' || type === 'timespan';
const wrapped = (value: bigint): bigint => BigInt.asIntN(64, value);

/** What two operands are computed in. Dynamic ones are read as numbers. */
function computedIn(a: Evaluated, b: Evaluated, call: Call): KqlType {
  const types = [a.type, b.type];
  if (types.includes('real')) return 'real';
  if (types.includes('decimal')) return 'decimal';
  if (!types.includes('dynamic')) return 'long';
  if (call.type === 'dynamic' || call.type === 'string') return 'real';
  return isTime(call.type) ? 'long' : call.type;
}

/** A result that the binder left dynamic is a JSON number. */
const fromReal = (value: number, call: Call): NativeValue => (call.type === 'dynamic' ? jsonOf(value, 'real') : value);

const ticksOf = (argument: Evaluated): NativeValue => (isTime(argument.type) ? argument.value : as(argument, 'long'));

const ofTwo = (run: (a: Evaluated, b: Evaluated, call: Call) => NativeValue): RowFunction => ({
  run: ([a, b], call) => (a && b ? run(a, b, call) : null),
});

const integers = (a: NativeValue, b: NativeValue, run: (a: bigint, b: bigint) => bigint | null): bigint | null =>
  typeof a === 'bigint' && typeof b === 'bigint' ? run(a, b) : null;
const reals = (a: Evaluated, b: Evaluated, run: (a: number, b: number) => NativeValue): NativeValue => {
  const [x, y] = [as(a, 'real'), as(b, 'real')];
  return x === null || y === null ? null : run(Number(x), Number(y));
};
const decimals = (operator: string, a: Evaluated, b: Evaluated): NativeValue => {
  const [x, y] = [as(a, 'decimal'), as(b, 'decimal')];
  return x === null || y === null ? null : boundedDecimal(decimalOperation(operator, String(x), String(y)));
};

const decimalOf = (value: NativeValue): NativeValue => boundedDecimal(value === null ? null : String(value));

const wholeOperations: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  '+': (a, b) => wrapped(a + b),
  '-': (a, b) => wrapped(a - b),
  '*': (a, b) => wrapped(a * b),
};
const realOperations: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
};

const checked = (value: NativeValue, call: Call): NativeValue =>
  call.type === 'datetime' && typeof value === 'bigint' ? inCalendar(value) : value;

const operation = (operator: '+' | '-' | '*'): RowFunction => {
  const raw = rawOperation(operator);
  return ofTwo((a, b, call) => checked(raw(a, b, call), call));
};
const rawOperation =
  (operator: '+' | '-' | '*') =>
  (a: Evaluated, b: Evaluated, call: Call): NativeValue => {
    const whole = wholeOperations[operator] ?? wrapped;
    if (isTime(a.type) || isTime(b.type)) {
      if (operator !== '*') return integers(ticksOf(a), ticksOf(b), whole);
      const [span, factor] = isTime(a.type) ? [a, b] : [b, a];
      if (factor.type !== 'real' && factor.type !== 'decimal' && factor.type !== 'dynamic')
        return integers(span.value, as(factor, 'long'), whole);
      return reals(span, factor, (ticks, by) => longOfReal(ticks * by));
    }
    const type = computedIn(a, b, call);
    if (type === 'real') return reals(a, b, (x, y) => fromReal(realOperations[operator]?.(x, y) ?? NaN, call));
    if (type === 'decimal') return decimals(operator, a, b);
    return integers(as(a, 'long'), as(b, 'long'), whole);
  };

const quotient = (a: bigint, b: bigint): bigint | null => (b === 0n ? null : checkedLong(a / b));
const divide = ofTwo((a, b, call) => {
  if (isTime(a.type) && isTime(b.type)) return reals(a, b, (x, y) => x / y);
  if (isTime(a.type))
    return b.type === 'long' || b.type === 'int'
      ? integers(a.value, as(b, 'long'), quotient)
      : reals(a, b, (x, y) => longOfReal(x / y));
  const type = computedIn(a, b, call);
  if (type === 'real') return reals(a, b, (x, y) => fromReal(x / y, call));
  if (type === 'decimal') return decimals('/', a, b);
  return integers(as(a, 'long'), as(b, 'long'), quotient);
});

/** Never negative; by zero null. */
export const floorMod = (a: bigint, b: bigint): bigint | null => {
  if (b === 0n) return null;
  const size = b < 0n ? -b : b;
  return ((a % size) + size) % size;
};
const modulo = ofTwo((a, b, call) => {
  const type = computedIn(a, b, call);
  if (type === 'decimal') return decimals('%', a, b);
  if (isTime(a.type)) return integers(a.value, ticksOf(b), floorMod);
  if (type === 'real') return reals(a, b, (x, y) => fromReal(((x % y) + Math.abs(y)) % Math.abs(y), call));
  return integers(as(a, 'long'), isTime(b.type) ? b.value : as(b, 'long'), floorMod);
});

const negative: RowFunction = {
  run: ([a], call) => {
    if (!a || a.value === null) return null;
    if (typeof a.value === 'bigint') return checked(wrapped(-a.value), call);
    if (a.type === 'decimal') return fromUnits(-toUnits(String(a.value)));
    const value = as(a, 'real');
    return value === null ? null : fromReal(-Number(value), call);
  },
};

const abs: RowFunction = {
  run: ([a], call) => {
    if (!a) return null;
    const type = a.type !== 'dynamic' ? a.type : call.type === 'dynamic' ? 'real' : call.type;
    const value = as(a, type);
    if (typeof value === 'bigint') return checkedLong(value < 0n ? -value : value);
    if (type === 'decimal' && value !== null) return String(value).replace(/^-/, '');
    return typeof value === 'number' ? fromReal(Math.abs(value), call) : value;
  },
};

/** `bin(x, n)` floors, for negatives too. */
const bin = ofTwo((value, size, call) => {
  const type = call.type === 'dynamic' ? 'real' : call.type;
  if (type === 'decimal') return decimalOf(callNative('decimal_bin', [as(value, type), as(size, type)]));
  if (type === 'real' || value.type === 'real' || size.type === 'real')
    return reals(value, size, (x, n) => (n > 0 || Number.isNaN(n) ? Math.floor(x / n) * n : null));
  const x = value.type === 'dynamic' ? as(value, type) : value.value;
  return integers(x, size.type === 'timespan' ? size.value : as(size, 'long'), (ticks, n) =>
    n > 0n
      ? checkedLong(
          ticks -
            (value.type === 'datetime' && size.expression.k === 'literal' ? ticks % n : (floorMod(ticks, n) ?? 0n)),
        )
      : null,
  );
});

const binAt: RowFunction = {
  run: ([value, size, point], call) => {
    if (!value || !size || !point) return null;
    if (call.type === 'real') {
      const at = as(point, 'real');
      return at === null ? null : reals(value, size, (x, n) => Math.floor((x - Number(at)) / n) * n + Number(at));
    }
    const [x, n, p] = [ticksOf(value), ticksOf(size), ticksOf(point)];
    if (typeof p !== 'bigint') return null;
    return integers(x, n, (a, b) => {
      const rest = floorMod(checkedLong(a - p), b);
      const start = rest === null ? null : checkedLong(a - rest);
      return start !== null && call.type === 'datetime' ? inCalendar(start) : start;
    });
  },
};

/** Halves away from zero. */
const round: RowFunction = {
  run: ([value, digits], call) => {
    if (!value) return null;
    const places = digits ? as(digits, 'int') : 0n;
    const isReal = call.type === 'real' || value.type === 'dynamic';
    const x = as(value, isReal ? 'real' : call.type);
    if (typeof places !== 'bigint' || x === null) return null;
    if (isReal) return roundReal(Number(x), Number(places));
    if (typeof x === 'bigint')
      return places >= 0n ? x : BigInt.asIntN(call.type === 'int' ? 32 : 64, roundTo(x, 10n ** -places));
    return fromUnits(roundTo(toUnits(String(x)), 10n ** (18n - (places > 18n ? 18n : places))));
  },
};
function roundReal(x: number, places: number): number {
  const scale = 10 ** Math.abs(places);
  if (places < 0) {
    const rounded = roundHalfUp(x / scale) * scale;
    return Number.isFinite(rounded) ? rounded : 0;
  }
  const rounded = roundHalfUp(x * scale) / scale;
  return Number.isFinite(rounded) ? rounded : x;
}
function roundTo(x: bigint, step: bigint): bigint {
  const size = x < 0n ? -x : x;
  const rounded = ((size + step / 2n) / step) * step;
  return x < 0n ? -rounded : rounded;
}

const whole = (real: (x: number) => number, up: boolean): RowFunction => ({
  run: ([value], call) => {
    if (!value) return null;
    const x = as(value, call.type);
    if (call.type === 'real') return x === null ? null : real(Number(x));
    if (call.type !== 'decimal' || x === null) return x;
    const units = toUnits(String(x));
    const rest = floorMod(units, 10n ** 18n) ?? 0n;
    return decimalOfText(fromUnits(rest === 0n ? units : units - rest + (up ? 10n ** 18n : 0n)));
  },
});

const floor = whole(Math.floor, false);

export const arithmeticRows: RowFunctionTable = {
  '+': operation('+'),
  '-': operation('-'),
  '*': operation('*'),
  '/': divide,
  '%': modulo,
  neg: negative,
  abs,
  bin,
  floor: { run: (args, call) => (args.length === 2 ? bin : floor).run(args, call) },
  bin_at: binAt,
  ceiling: whole(Math.ceil, true),
  round,
};
