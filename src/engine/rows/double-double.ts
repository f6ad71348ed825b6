/** Reals of twice the digits: the unevaluated sum of two doubles, the second at most half a last place of the first.
 * @see Dekker 1971, A floating-point technique for extending the available precision */
export interface Wide {
  readonly high: number;
  readonly low: number;
}

export const wide = (high: number, low = 0): Wide => ({ high, low });

function sumOf(a: number, b: number): Wide {
  const high = a + b;
  const rest = high - a;
  return { high, low: a - (high - rest) + (b - rest) };
}

const splitter = 2 ** 27 + 1;
function productOf(a: number, b: number): Wide {
  const high = a * b;
  const [c, d] = [splitter * a, splitter * b];
  const [aHigh, bHigh] = [c - (c - a), d - (d - b)];
  const [aLow, bLow] = [a - aHigh, b - bHigh];
  return { high, low: aHigh * bHigh - high + aHigh * bLow + aLow * bHigh + aLow * bLow };
}

export function add(a: Wide, b: Wide): Wide {
  const high = sumOf(a.high, b.high);
  const low = sumOf(a.low, b.low);
  const middle = sumOf(high.high, high.low + low.high);
  return sumOf(middle.high, middle.low + low.low);
}
export const negate = ({ high, low }: Wide): Wide => ({ high: -high, low: -low });
export const subtract = (a: Wide, b: Wide): Wide => add(a, negate(b));

export function multiply(a: Wide, b: Wide): Wide {
  const product = productOf(a.high, b.high);
  return sumOf(product.high, product.low + (a.high * b.low + a.low * b.high));
}

export function divide(a: Wide, b: Wide): Wide {
  const first = a.high / b.high;
  const rest = subtract(a, multiply(b, wide(first)));
  const second = rest.high / b.high;
  const last = subtract(rest, multiply(b, wide(second))).high / b.high;
  return add(sumOf(first, second), wide(last));
}

/** Of a whole number over 2^places. */
export function ofFixed(value: bigint, places: number): Wide {
  const high = scaled(value, places);
  const exact = fixedOf(high, places);
  return { high, low: scaled(value - exact, places) };
}

function scaled(value: bigint, places: number): number {
  const excess = Math.max(0, (value < 0n ? -value : value).toString(2).length - 64);
  // What is cut off only tells a tie from what is above it.
  const cut = value >> BigInt(excess);
  const rest = cut << BigInt(excess) === value ? 0n : 1n;
  return Number((cut << 1n) | rest) * 2 ** (excess - places - 1);
}

/** A finite real times 2^places, without what is below 1. */
export function fixedOf(value: number, places: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> 52n);
  const digits = exponent === 0 ? bits : (bits & ((1n << 52n) - 1n)) | (1n << 52n);
  const shift = Math.max(exponent, 1) - 1075 + places;
  const size = shift >= 0 ? digits << BigInt(shift) : digits >> BigInt(-shift);
  return value < 0 ? -size : size;
}
