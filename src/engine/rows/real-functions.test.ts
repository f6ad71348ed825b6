import fc from 'fast-check';
import { expect, it } from 'vitest';
import { acos, asin, atan, atan2, cos, exp, log, log10, log2, pow, sin, tan } from './real-functions.ts';

// The nearest reals, from tables of more digits than a real has.
it.each([
  [exp(1), 2.718281828459045],
  [exp(-745), 5e-324],
  [log(10), 2.302585092994046],
  [log(1 + 2 ** -52), 2.2204460492503128e-16],
  [log(5e-324), -744.4400719213812],
  [log2(8), 3],
  [log2(10), 3.321928094887362],
  [log10(1000), 3],
  [pow(2, 0.5), Math.SQRT2],
  [pow(2, -2.5), 0.1767766952966369],
  [pow(-8, 3), -512],
  [pow(1, NaN), 1],
  [pow(-1, Infinity), 1],
  [pow(0, -1), Infinity],
  [sin(Math.PI), 1.2246467991473532e-16],
  [sin(1e22), -0.8522008497671888],
  [cos(1e22), 0.523214785395139],
  [tan(Math.PI / 2), 16331239353195370],
  [atan(1), Math.PI / 4],
  [atan(1e300), Math.PI / 2],
  [asin(0.5), 0.5235987755982989],
  [acos(0.5), 1.0471975511965979],
  [atan2(-1, -1), -2.356194490192345],
])('%f is %f', (found, expected) => expect(found).toBe(expected));

it('they are JavaScript’s own but for the last digit', () => {
  const isClose = (a: number, b: number): boolean => Object.is(a, b) || Math.abs(a - b) <= Math.abs(b) * 2 ** -51;
  const pairs = [
    [exp, Math.exp],
    [log, Math.log],
    [log2, Math.log2],
    [log10, Math.log10],
    [sin, Math.sin],
    [cos, Math.cos],
    [tan, Math.tan],
    [asin, Math.asin],
    [acos, Math.acos],
    [atan, Math.atan],
  ] as const;
  const reals = fc.oneof(fc.double(), fc.double({ min: -1, max: 1 }), fc.double({ min: -700, max: 700 }));
  fc.assert(
    fc.property(reals, reals, (x, y) => {
      for (const [own, plain] of pairs) expect([own.name, x, isClose(own(x), plain(x))]).toEqual([own.name, x, true]);
      expect([x, y, isClose(atan2(x, y), Math.atan2(x, y))]).toEqual([x, y, true]);
    }),
    { numRuns: 3_000 },
  );
});
