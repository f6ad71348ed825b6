import type { Wide } from './double-double.ts';
import { add, divide, fixedOf, multiply, negate, ofFixed, subtract, wide } from './double-double.ts';

/** Elementary functions to the nearest real, which is what the C library under DuckDB gives, but for one result in some hundreds.
 * JavaScript's own are up to one last digit away from it in one of ten. Each is found with twice the digits, from that as a start. */

/** Digits that even the largest real leaves of a rest by π/2. */
const longPlaces = 1280;
const shortPlaces = 256;

/** π · 2^places by Machin's formula. */
function piOf(places: number): bigint {
  const one = 1n << BigInt(places + 32);
  const arctangent = (inverse: bigint): bigint => {
    let sum = 0n;
    let power = one / inverse;
    for (let odd = 1n, sign = 1n; power > 0n; odd += 2n, sign = -sign) {
      sum += (sign * power) / odd;
      power /= inverse * inverse;
    }
    return sum;
  };
  return (16n * arctangent(5n) - 4n * arctangent(239n)) >> 32n;
}
const quarters = new Map<number, bigint>();
function halfPi(places: number): bigint {
  const known = quarters.get(places) ?? piOf(places) >> 1n;
  quarters.set(places, known);
  return known;
}

/** ln 2 · 2^places as 2 · artanh(1/3). */
function ln2Of(places: number): bigint {
  let [sum, power] = [0n, (1n << BigInt(places + 33)) / 3n];
  for (let odd = 1n; power > 0n; odd += 2n, power /= 9n) sum += power / odd;
  return sum >> 32n;
}
const ln2 = ofFixed(ln2Of(shortPlaces), shortPlaces);
const halfPiWide = ofFixed(halfPi(shortPlaces), shortPlaces);
const one = wide(1);

/** Σ of terms, each made of the one before, until they no longer count. */
function series(first: Wide, next: (term: Wide, index: number) => Wide): Wide {
  let [sum, term] = [first, first];
  for (let index = 1; index < 60; index += 1) {
    term = next(term, index);
    sum = add(sum, term);
    if (Math.abs(term.high) <= Math.abs(sum.high) * 2 ** -100) break;
  }
  return sum;
}

const times = ({ high, low }: Wide, power: number): Wide => {
  // In two steps: 2^1024 alone is infinite, and 2^-1075 zero.
  const half = Math.trunc(power / 2);
  return { high: high * 2 ** half * 2 ** (power - half), low: low * 2 ** half * 2 ** (power - half) };
};

/** @param x at most 745 in size */
function expWide(x: Wide): Wide {
  const doublings = Math.round(x.high / ln2.high);
  const squarings = 9;
  const rest = times(subtract(x, multiply(wide(doublings), ln2)), -squarings);
  let grown = series(rest, (term, index) => divide(multiply(term, rest), wide(index + 1)));
  // e^(2r) - 1 of e^r - 1
  for (let step = 0; step < squarings; step += 1) grown = add(times(grown, 1), multiply(grown, grown));
  return times(add(one, grown), doublings);
}

/** @param x positive and finite */
function logWide(x: number): Wide {
  let halvings = Math.round(Math.log2(x));
  if (!Number.isFinite(halvings)) halvings = 0;
  const near = times(wide(x), -halvings).high;
  return add(multiply(wide(halvings), ln2), logNearOne(near));
}
function logNearOne(x: number): Wide {
  if (Math.abs(x - 1) < 0.01) {
    const ratio = divide(wide(x - 1), add(wide(x), one));
    const square = multiply(ratio, ratio);
    let power = ratio;
    const sum = series(ratio, (_term, index) => {
      power = multiply(power, square);
      return divide(power, wide(2 * index + 1));
    });
    return times(sum, 1);
  }
  const start = Math.log(x);
  const off = subtract(multiply(wide(x), expWide(wide(-start))), one);
  return add(wide(start), subtract(off, times(multiply(off, off), -1)));
}

/** Sine and cosine of one angle. */
function circle(x: number): readonly [Wide, Wide] {
  let [rest, quarter] = [wide(x), 0];
  if (Math.abs(x) > 0.75) {
    const places = Math.abs(x) < 2 ** 100 ? shortPlaces : longPlaces;
    const [angle, step] = [fixedOf(x, places), halfPi(places)];
    const turns = (2n * angle + step) / (2n * step) - (2n * angle + step < 0n ? 1n : 0n);
    rest = ofFixed(angle - turns * step, places);
    quarter = Number(((turns % 4n) + 4n) % 4n);
  }
  const square = negate(multiply(rest, rest));
  const sine =
    rest.high === 0
      ? rest
      : series(rest, (term, index) => divide(multiply(term, square), wide(2 * index * (2 * index + 1))));
  const cosine = series(one, (term, index) => divide(multiply(term, square), wide((2 * index - 1) * (2 * index))));
  const turned = [sine, cosine, negate(sine), negate(cosine)];
  return [turned[quarter] ?? sine, turned[(quarter + 1) % 4] ?? cosine];
}

const isPlain = (x: number): boolean => Number.isFinite(x) && Math.abs(x) > 2 ** -400;
const nearest = ({ high, low }: Wide): number => high + low;

export function exp(x: number): number {
  return isPlain(x) && Math.abs(x) <= 700 ? nearest(expWide(wide(x))) : Math.exp(x);
}
export const log = (x: number): number => (x > 0 && x < Infinity && x !== 1 ? nearest(logWide(x)) : Math.log(x));
export const log2 = (x: number): number =>
  x > 0 && x < Infinity && x !== 1 ? nearest(divide(logWide(x), ln2)) : Math.log2(x);
/** Not the nearest: that of the C library is of the natural logarithm of what is left without powers of two. */
export function log10(x: number): number {
  if (!(x > 0 && x < Infinity)) return Math.log10(x);
  let exponent = Math.floor(Math.log2(x));
  if (times(wide(x), -exponent).high < 1) exponent -= 1;
  else if (times(wide(x), -exponent).high >= 2) exponent += 1;
  const taken = exponent < 0 ? exponent + 1 : exponent;
  const low = taken * log10Of2Low + log(times(wide(x), -taken).high) * log10OfE;
  return low + taken * log10Of2High;
}
const log10OfE = 4.34294481903251816668e-1;
/** The first part has so few digits that powers of two by it are exact. */
const log10Of2High = 3.01029995663611771306e-1;
const log10Of2Low = 3.69423907715893078616e-13;

/** C's pow(): 1 to any power is 1, also to NaN, and so is -1 to an infinite one. */
export function pow(x: number, y: number): number {
  if (x === 1 || (x === -1 && (y === Infinity || y === -Infinity))) return 1;
  const plain = x ** y;
  if (!isPlain(x) || !isPlain(y) || !isPlain(plain) || Math.abs(plain) > 2 ** 1000) return plain;
  const size = nearest(expWide(multiply(wide(y), logWide(Math.abs(x)))));
  return plain < 0 ? -size : size;
}

const ofAngle =
  (plain: (x: number) => number, run: (sine: Wide, cosine: Wide) => Wide) =>
  (x: number): number =>
    isPlain(x) ? nearest(run(...circle(x))) : plain(x);
export const sin = ofAngle(Math.sin, (sine) => sine);
export const cos = ofAngle(Math.cos, (_sine, cosine) => cosine);
export const tan = ofAngle(Math.tan, divide);

/** Angles: `start` and what its sine and cosine say is missing. */
const corrected =
  (plain: (x: number) => number, off: (x: Wide, sine: Wide, cosine: Wide) => Wide) =>
  (x: number): number => {
    const start = plain(x);
    return isPlain(x) && isPlain(start) ? nearest(add(wide(start), off(wide(x), ...circle(start)))) : start;
  };
const withinOne =
  (plain: (x: number) => number, run: (x: number) => number) =>
  (x: number): number =>
    Math.abs(x) < 1 ? run(x) : plain(x);
export const asin = withinOne(
  Math.asin,
  corrected(Math.asin, (x, sine, cosine) => divide(subtract(x, sine), cosine)),
);
export const acos = withinOne(
  Math.acos,
  corrected(Math.acos, (x, sine, cosine) => divide(subtract(cosine, x), sine)),
);

export function atan(x: number): number {
  if (!Number.isFinite(x)) return Math.atan(x);
  if (Math.abs(x) > 2 ** 60) return Math.sign(x) * nearest(subtract(halfPiWide, wide(1 / Math.abs(x))));
  return arctangent(x);
}
const arctangent = corrected(Math.atan, (x, sine, cosine) =>
  divide(subtract(multiply(x, cosine), sine), add(cosine, multiply(x, sine))),
);

export function atan2(y: number, x: number): number {
  const start = Math.atan2(y, x);
  const isWithin = [x, y].every((side) => Math.abs(side) > 2 ** -200 && Math.abs(side) < 2 ** 200);
  if (!isWithin || !isPlain(start)) return start;
  const [sine, cosine] = circle(start);
  const [a, b] = [wide(x), wide(y)];
  const off = divide(subtract(multiply(b, cosine), multiply(a, sine)), add(multiply(a, cosine), multiply(b, sine)));
  return nearest(add(wide(start), off));
}
