export interface Complex {
  readonly real: readonly number[];
  readonly imaginary: readonly number[];
}

/** Discrete Fourier transform of any length n in n log n steps; the inverse is divided by the length. */
export function fourier(input: Complex, inverse: boolean): Complex {
  const { length } = input.real;
  const divisor = inverse ? length : 1;
  const result = transform(
    { re: Float64Array.from(input.real), im: Float64Array.from(input.imaginary) },
    inverse ? 1 : -1,
  );
  return {
    real: Array.from(result.re, (value) => value / divisor),
    imaginary: Array.from(result.im, (value) => value / divisor),
  };
}

interface Values {
  readonly re: Float64Array;
  readonly im: Float64Array;
}
type Sign = 1 | -1;

const valuesOf = (length: number): Values => ({ re: new Float64Array(length), im: new Float64Array(length) });
const { PI, cos, sin } = Math;

/** Odd lengths up to this are added up plainly: that is as fast, and the more exact. */
const plainMax = 63;

function transform(input: Values, sign: Sign): Values {
  const { length } = input.re;
  if (length <= 1) return input;
  if ((length & (length - 1)) === 0) return inPlace(input, sign);
  if (length % 2 === 0) return fromHalves(input, sign);
  return length <= plainMax ? plain(input, sign) : bluestein(input, sign);
}

/** Of a power of two values, without lists on the way: overwrites them. */
function inPlace(values: Values, sign: Sign): Values {
  const { re, im } = values;
  const { length } = re;
  for (let at = 1, mirrored = 0; at < length; at += 1) {
    let bit = length >> 1;
    for (; (mirrored & bit) !== 0; bit >>= 1) mirrored ^= bit;
    mirrored |= bit;
    if (at < mirrored) {
      [re[at], re[mirrored]] = [re[mirrored] ?? 0, re[at] ?? 0];
      [im[at], im[mirrored]] = [im[mirrored] ?? 0, im[at] ?? 0];
    }
  }
  const turns = valuesOf(length / 2);
  for (let at = 0; at < length / 2; at += 1) {
    turns.re[at] = cos((2 * PI * at) / length);
    turns.im[at] = sign * sin((2 * PI * at) / length);
  }
  for (let half = 1; half < length; half *= 2) {
    const step = length / (2 * half);
    for (let start = 0; start < length; start += 2 * half)
      for (let at = 0; at < half; at += 1) butterfly(values, start + at, start + at + half, turns, at * step);
  }
  return values;
}

function butterfly({ re, im }: Values, upper: number, lower: number, turns: Values, turn: number): void {
  const [c, s] = [turns.re[turn] ?? 0, turns.im[turn] ?? 0];
  const [a, b] = [re[lower] ?? 0, im[lower] ?? 0];
  const [p, q] = [a * c - b * s, a * s + b * c];
  const [x, y] = [re[upper] ?? 0, im[upper] ?? 0];
  re[lower] = x - p;
  im[lower] = y - q;
  re[upper] = x + p;
  im[upper] = y + q;
}

/** Cooley and Tukey: from the transforms of the even and the odd places. */
function fromHalves({ re, im }: Values, sign: Sign): Values {
  const half = re.length / 2;
  const [evenIn, oddIn] = [valuesOf(half), valuesOf(half)];
  for (let at = 0; at < half; at += 1) {
    evenIn.re[at] = re[2 * at] ?? 0;
    evenIn.im[at] = im[2 * at] ?? 0;
    oddIn.re[at] = re[2 * at + 1] ?? 0;
    oddIn.im[at] = im[2 * at + 1] ?? 0;
  }
  const [even, odd] = [transform(evenIn, sign), transform(oddIn, sign)];
  const result = valuesOf(re.length);
  for (let at = 0; at < half; at += 1) {
    const turn = (sign * PI * at) / half;
    const [c, s] = [cos(turn), sin(turn)];
    const [a, b] = [odd.re[at] ?? 0, odd.im[at] ?? 0];
    const [p, q] = [a * c - b * s, a * s + b * c];
    const [x, y] = [even.re[at] ?? 0, even.im[at] ?? 0];
    result.re[at] = x + p;
    result.im[at] = y + q;
    result.re[at + half] = x - p;
    result.im[at + half] = y - q;
  }
  return result;
}

function plain({ re, im }: Values, sign: Sign): Values {
  const { length } = re;
  const result = valuesOf(length);
  for (let k = 0; k < length; k += 1) {
    let [x, y] = [0, 0];
    for (let n = 0; n < length; n += 1) {
      const turn = (sign * 2 * PI * ((k * n) % length)) / length;
      const [a, b] = [re[n] ?? 0, im[n] ?? 0];
      x += a * cos(turn) - b * sin(turn);
      y += a * sin(turn) + b * cos(turn);
    }
    result.re[k] = x;
    result.im[k] = y;
  }
  return result;
}

/** A transform of any length as a convolution, whose length is a power of two: with w = e^(±πi/n), the k-th value is
 * w^(k²) Σ (x[j] w^(j²)) w^(−(k−j)²). @see L. Bluestein, "A linear filtering approach to the computation of the DFT", 1970 */
function bluestein({ re, im }: Values, sign: Sign): Values {
  const { length } = re;
  let size = 1;
  while (size < 2 * length - 1) size *= 2;
  const chirp = valuesOf(length);
  for (let at = 0; at < length; at += 1) {
    // The square is taken modulo one whole turn, so that the angle stays small and exact.
    const turn = (sign * PI * ((at * at) % (2 * length))) / length;
    chirp.re[at] = cos(turn);
    chirp.im[at] = sin(turn);
  }
  const [signal, filter] = [valuesOf(size), valuesOf(size)];
  for (let at = 0; at < length; at += 1) {
    const [c, s] = [chirp.re[at] ?? 0, chirp.im[at] ?? 0];
    const [a, b] = [re[at] ?? 0, im[at] ?? 0];
    signal.re[at] = a * c - b * s;
    signal.im[at] = a * s + b * c;
    for (const place of at === 0 ? [0] : [at, size - at]) {
      filter.re[place] = c;
      filter.im[place] = -s;
    }
  }
  const [left, right] = [transform(signal, -1), transform(filter, -1)];
  for (let at = 0; at < size; at += 1) {
    const [a, b] = [left.re[at] ?? 0, left.im[at] ?? 0];
    const [c, s] = [right.re[at] ?? 0, right.im[at] ?? 0];
    left.re[at] = a * c - b * s;
    left.im[at] = a * s + b * c;
  }
  const convolved = transform(left, 1);
  const result = valuesOf(length);
  for (let at = 0; at < length; at += 1) {
    const [a, b] = [(convolved.re[at] ?? 0) / size, (convolved.im[at] ?? 0) / size];
    const [c, s] = [chirp.re[at] ?? 0, chirp.im[at] ?? 0];
    result.re[at] = a * c - b * s;
    result.im[at] = a * s + b * c;
  }
  return result;
}
