import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { betaCdf, betaInverse, betaPdf, erf, erfc, gamma, logGamma, welchTest } from './distributions.ts';

/** Values of the KQL documentation (MicrosoftDocs/dataexplorer-docs, CC BY 4.0), of Abramowitz and Stegun, and of the article
 * on Welch's t-test in Wikipedia. */
const known: readonly (readonly [string, number, number])[] = [
  ['gamma(5)', gamma(5), 24],
  ['gamma(1/2) = √π', gamma(0.5), Math.sqrt(Math.PI)],
  ['gamma(−3/2)', gamma(-1.5), 2.363271801207355],
  ['loggamma(5)', logGamma(5), 3.1780538303479458],
  ['erf(1)', erf(1), 0.842700792949715],
  ['erf(−3)', erf(-3), -0.999977909503001],
  ['erfc(3)', erfc(3), 2.20904969985854e-5],
  ['erfc(2)', erfc(2), 0.00467773498104727],
  ['beta_cdf(0.9, 10, 20)', betaCdf(0.9, 10, 20), 0.999999999999959],
  ['beta_inv(0.1, 10, 20)', betaInverse(0.1, 10, 20), 0.226415022388749],
  ['beta_pdf(0.5, 10, 20)', betaPdf(0.5, 10, 20), 0.746176019310951],
];

describe('distributions', () => {
  it.each(known)('%s', (_name, found, expected) => {
    expect(Math.abs(found / expected - 1)).toBeLessThan(1e-11);
  });
  it('Welch’s test', () => {
    const p = welchTest(
      { mean: 20.82, variance: 7.8674285714, count: 15 },
      { mean: 22.986666666666668, variance: 3.8126666667, count: 15 },
    );
    expect(p).toBeCloseTo(0.02137800146286441, 9);
  });
  it('the inverse of the beta distribution is its inverse', () => {
    const shape = fc.double({ min: 0.5, max: 50, noNaN: true });
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        shape,
        shape,
        (p, a, b) => Math.abs(betaCdf(betaInverse(p, a, b), a, b) - p) < 1e-9,
      ),
    );
  });
  it('erf and erfc add up to 1', () => {
    fc.assert(fc.property(fc.double({ min: -6, max: 6, noNaN: true }), (x) => Math.abs(erf(x) + erfc(x) - 1) < 1e-14));
  });
});
