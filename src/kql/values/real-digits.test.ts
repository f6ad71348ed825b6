import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grisuDigits } from './real-digits.ts';
import { formatReal, realToDynamic, realToJson } from './real-text.ts';

describe('digits of reals', () => {
  // The first two and the corners of a densified polygon as recorded from the engine.
  it.each([
    [0.1 + 0.2, '0.30000000000000007'],
    [1 / 3, '0.3333333333333333'],
    [10.000000000000002, '10.000000000000002'],
    [9.999999999999998, '9.999999999999999'],
    [11.000000000000002, '11.000000000000002'],
    [-0.1 - 0.2, '-0.30000000000000007'],
    [1e15, '1E+15'],
    [0.0001, '0.0001'],
    [1e-5, '1E-05'],
    [100000, '100000.0'],
    [5e-324, '5E-324'],
  ])('%d is %s', (value, text) => {
    expect(formatReal(value)).toBe(text);
  });
  const real = fc.double({ noNaN: true, noDefaultInfinity: true });
  it('always read back as the same real', () => {
    fc.assert(
      fc.property(real, (value) => {
        expect(Number(formatReal(value))).toBe(value);
        expect(JSON.parse(realToDynamic(value))).toBe(value);
        if (value === 0) return;
        const { digits, exponent } = grisuDigits(Math.abs(value));
        expect(Number(`${digits}e${String(exponent)}`)).toBe(Math.abs(value));
      }),
    );
  });
  it('are the plain ones where they are few', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -999_999_999, max: 999_999_999 }),
        fc.integer({ min: -12, max: 12 }),
        (digits, power) => {
          const value = Number(`${String(digits)}e${String(power)}`);
          expect(realToDynamic(value)).toBe(realToJson(value));
        },
      ),
    );
  });
});
