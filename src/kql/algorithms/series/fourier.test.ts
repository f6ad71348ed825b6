import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Complex } from './fourier.ts';
import { fourier } from './fourier.ts';

/** The definition, in n² steps. */
function reference({ real, imaginary }: Complex, sign: 1 | -1): Complex {
  const { length } = real;
  const sums = real.map((_value, k) =>
    real.reduce<readonly [number, number]>(
      ([x, y], a, n) => {
        const turn = (sign * 2 * Math.PI * ((k * n) % length)) / length;
        const b = imaginary[n] ?? 0;
        return [x + a * Math.cos(turn) - b * Math.sin(turn), y + a * Math.sin(turn) + b * Math.cos(turn)];
      },
      [0, 0],
    ),
  );
  return { real: sums.map(([x]) => x), imaginary: sums.map(([, y]) => y) };
}

/** Whole numbers that look like nothing. */
const series = (length: number): Complex => ({
  real: Array.from({ length }, (_, k) => ((k * k * 7 + 3 * k + 1) % 23) - 11 + 0.25 * (k % 4)),
  imaginary: Array.from({ length }, (_, k) => ((k * 5 + 2) % 13) - 6),
});

function expectClose(found: Complex, wanted: Complex): void {
  const size = Math.max(1, ...wanted.real.map(Math.abs), ...wanted.imaginary.map(Math.abs));
  const far = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((most, value, index) => Math.max(most, Math.abs(value - (b[index] ?? NaN))), 0) / size;
  expect(far(found.real, wanted.real)).toBeLessThan(1e-12);
  expect(far(found.imaginary, wanted.imaginary)).toBeLessThan(1e-12);
}

/** numpy 2.4.6, numpy.fft.fft of the series above: length, and some values as place, real and imaginary part. */
const fromNumpy: readonly (readonly [number, readonly (readonly [number, number, number])[]])[] = [
  [1, [[0, -10.0, -4.0]]],
  [
    2,
    [
      [0, -9.75, -3.0],
      [1, -10.25, -5.0],
    ],
  ],
  [
    3,
    [
      [0, -8.25, 3.0],
      [1, -15.2051270189, -6.41746824527],
      [2, -6.54487298108, -8.58253175473],
    ],
  ],
  [
    5,
    [
      [0, -15.5, 4.0],
      [1, -3.58876303675, -11.7441563506],
      [2, -19.6450906124, 0.635956435922],
      [4, -9.18910100825, -0.255843649364],
    ],
  ],
  [
    8,
    [
      [0, -2.0, 4.0],
      [1, 10.4350288425, 16.6776695297],
      [2, -27.0, 0.0],
      [4, -2.0, 6.0],
      [7, -0.150757595083, -12.2928932188],
    ],
  ],
  [
    12,
    [
      [0, 13.5, -4.0],
      [1, -13.7057713659, 24.2942286341],
      [4, -0.803847577293, -21.3205080757],
      [6, 1.5, -4.0],
      [11, -28.8826859022, -32.2942286341],
    ],
  ],
  [
    30,
    [
      [0, -49.25, 1.0],
      [1, 16.0116326477, -61.9540805678],
      [10, 5.74038105677, -10.8612159322],
      [15, -11.75, 3.0],
      [29, 14.5339196391, 65.7062624665],
    ],
  ],
  [
    67,
    [
      [0, -96.25, -3.0],
      [1, 14.489232556, -0.581186429021],
      [22, -7.47924119102, -4.4224402919],
      [33, 4.21114990646, -10.5701671582],
      [66, 13.1509710742, -5.28250668325],
    ],
  ],
  [
    96,
    [
      [0, -164.0, 4.0],
      [1, -8.22765318623, -1.28232165611],
      [32, -8.46410161514, -10.3205080757],
      [48, -14.0, -6.0],
      [95, -8.09800884819, 9.43507459285],
    ],
  ],
  [
    127,
    [
      [0, -173.75, 3.0],
      [1, 33.5067971811, -0.94071309664],
      [42, -2.11729238475, -8.7078679661],
      [63, 3.64657194906, -8.30230023061],
      [126, 34.2055064308, 6.97775936497],
    ],
  ],
  [
    210,
    [
      [0, -344.75, -3.0],
      [1, -3.34004883758, -4.69794475752],
      [70, -9.38397459622, 2.79903810568],
      [105, -17.25, -5.0],
      [209, -3.75972530448, -1.28858317512],
    ],
  ],
];

describe('the Fourier transform', () => {
  it.each(fromNumpy)('of %i values is what numpy gives', (length, values) => {
    const found = fourier(series(length), false);
    for (const [place, real, imaginary] of values) {
      expect(found.real[place]).toBeCloseTo(real, 8);
      expect(found.imaginary[place]).toBeCloseTo(imaginary, 8);
    }
  });

  it('of any length up to 300, and of some beyond, is what its definition gives', () => {
    for (const length of [...Array.from({ length: 300 }, (_, index) => index + 1), 509, 512, 1_009, 1_250]) {
      const input = series(length);
      expectClose(fourier(input, false), reference(input, -1));
    }
  });

  it('of many values is done in n log n: in n² this would take hours', () => {
    const length = 400_009; // a prime
    const wave = Array.from({ length }, (_, n) => Math.cos((2 * Math.PI * ((12_345 * n) % length)) / length));
    const { real, imaginary } = fourier({ real: wave, imaginary: wave.map(() => 0) }, false);
    const peaks = real.flatMap((value, k) =>
      Math.hypot(value, imaginary[k] ?? 0) > 1 ? [[k, Math.round(2 * value)]] : [],
    );
    expect(peaks).toEqual([
      [12_345, length],
      [length - 12_345, length],
    ]);
  });

  it('is undone by its inverse', () => {
    const value = fc.double({ min: -1e3, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 300 }), (pairs) => {
        const input = { real: pairs.map(([x]) => x), imaginary: pairs.map(([, y]) => y) };
        expectClose(fourier(fourier(input, false), true), input);
      }),
    );
  });
});
