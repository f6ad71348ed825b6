/** f · 2^e with f of 64 bits at most. */
interface Scaled {
  readonly f: bigint;
  readonly e: number;
}

const mask = (1n << 64n) - 1n;
const hiddenBit = 1n << 52n;
const powers = new Map<number, Scaled>();

/** 10^k with 64 significant bits, rounded to nearest. */
function powerOfTen(k: number): Scaled {
  const known = powers.get(k);
  if (known) return known;
  const [above, below] = k >= 0 ? [10n ** BigInt(k), 1n] : [1n, 10n ** BigInt(-k)];
  let e = above.toString(2).length - below.toString(2).length - 64;
  for (;;) {
    const doubled = e >= 0 ? (above * 2n) / (below << BigInt(e)) : ((above << BigInt(-e)) * 2n) / below;
    const f = (doubled + 1n) >> 1n;
    if (f > mask) e += 1;
    else if (f < 1n << 63n) e -= 1;
    else {
      powers.set(k, { f, e });
      return { f, e };
    }
  }
}

function normalized({ f, e }: Scaled): Scaled {
  const shift = 64 - f.toString(2).length;
  return { f: f << BigInt(shift), e: e - shift };
}

const product = (a: Scaled, b: Scaled): Scaled => {
  const whole = a.f * b.f;
  return { f: (whole >> 64n) + ((whole >> 63n) & 1n), e: a.e + b.e + 64 };
};

function parts(value: number): Scaled {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const f = bits & (hiddenBit - 1n);
  return exponent === 0 ? { f, e: -1074 } : { f: f | hiddenBit, e: exponent - 1075 };
}

/** From this many digits after the first ones on the engine does not look for the nearest last digit. */
const roundedDigitsMax = 9;

/** Significant digits and power of ten of a positive real, as the engine prints them: Grisu2 as RapidJSON had it, which leaves the last
 * of many digits as it falls. They always read back as the same real: 0.1 + 0.2 is 0.30000000000000007 there.
 * @see Loitsch 2010; RapidJSON 1.1, internal/dtoa.h (a result recorded from the engine shows the quirk) */
export function grisuDigits(value: number): { digits: string; exponent: number } {
  const own = parts(value);
  const upper = normalized({ f: (own.f << 1n) + 1n, e: own.e - 1 });
  const below = own.f === hiddenBit ? { f: (own.f << 2n) - 1n, e: own.e - 2 } : { f: (own.f << 1n) - 1n, e: own.e - 1 };
  const lower = { f: below.f << BigInt(below.e - upper.e), e: upper.e };
  const step = (Math.ceil((-61 - upper.e) * Math.log10(2) + 347) >> 3) + 1;
  const power = powerOfTen(step * 8 - 348);
  const [middle, top, bottom] = [normalized(own), upper, lower].map((one) => product(one, power));
  return generate(middle?.f ?? 0n, { f: (top?.f ?? 0n) - 1n, e: top?.e ?? 0 }, (bottom?.f ?? 0n) + 1n, 348 - step * 8);
}

/** Takes digits off the upper end of the interval, until what is left of it is within the interval. */
function generate(middle: bigint, top: Scaled, bottom: bigint, scale: number): { digits: string; exponent: number } {
  const shift = BigInt(-top.e);
  const one = 1n << shift;
  let width = top.f - bottom;
  const digits: number[] = [];
  const nearer = (from: bigint, unitSize: bigint, distance: bigint): void => {
    let rest = from;
    while (
      rest < distance &&
      width - rest >= unitSize &&
      (rest + unitSize < distance || distance - rest > rest + unitSize - distance)
    ) {
      digits.push((digits.pop() ?? 1) - 1);
      rest += unitSize;
    }
  };
  let [whole, fraction] = [top.f >> shift, top.f & (one - 1n)];
  for (let left = whole.toString().length; left > 0;) {
    left -= 1;
    const size = 10n ** BigInt(left);
    digits.push(Number(whole / size));
    whole %= size;
    const rest = (whole << shift) + fraction;
    if (rest <= width) {
      nearer(rest, size << shift, top.f - middle);
      return { digits: digits.join(''), exponent: scale + left };
    }
  }
  for (let count = 1; ; count += 1) {
    fraction *= 10n;
    width = (width * 10n) & mask;
    digits.push(Number(fraction >> shift));
    fraction &= one - 1n;
    if (fraction < width) {
      nearer(fraction, one, count < roundedDigitsMax ? ((top.f - middle) * 10n ** BigInt(count)) & mask : 0n);
      return { digits: digits.join(''), exponent: scale - count };
    }
  }
}
