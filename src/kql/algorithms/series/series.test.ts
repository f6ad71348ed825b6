import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  finiteImpulseResponse,
  fitPolynomial,
  infiniteImpulseResponse,
  outlierScores,
  seasonal,
  statistics,
} from './series.ts';

const close = (values: readonly number[]): unknown[] => values.map((value) => expect.closeTo(value, 9) as unknown);
const repeated = (period: readonly number[], times: number): number[] =>
  Array.from({ length: times }, () => period).flat();

/** Examples of the KQL documentation (MicrosoftDocs/dataexplorer-docs, CC BY 4.0). */
describe('series', () => {
  it('statistics', () => {
    const elements = [23, 46, 23, 87, 4, 8, 3, 75, 2, 56, 13, 75, 32, 16, 29].map((value) => ({ whole: true, value }));
    expect(statistics(elements, false)).toMatchObject({
      min: 2,
      minIndex: 8,
      max: 87,
      maxIndex: 3,
      avg: 32.8,
      stdev: expect.closeTo(28.5036338535483, 10) as unknown,
      sum: 492,
      length: 15,
    });
    expect(statistics([...elements, undefined], false)).toBeUndefined();
    expect(statistics([...elements, undefined], true)?.sum).toBe(492);
  });
  it('a line through points', () => {
    const ys = [2, 5, 6, 8, 11, 15, 17, 18, 25, 26, 30, 30];
    const fit = fitPolynomial(
      ys,
      ys.map((_y, index) => index + 1),
      1,
    );
    expect(fit).toMatchObject({
      rSquare: expect.closeTo(0.982900730884447, 9) as unknown,
      coefficients: close([2.730769230769231, -1.6666666666666716]),
      variance: expect.closeTo(98.62878787878789, 9) as unknown,
      residualVariance: expect.closeTo(1.686480186480187, 9) as unknown,
    });
  });
  it('filters', () => {
    expect(finiteImpulseResponse([5, 15, 10, 20], [1, -1], false, false)).toEqual([5, 10, -5, 10]);
    expect(infiniteImpulseResponse([1, 2, 3, 4], [1], [1, -1])).toEqual([1, 3, 6, 10]);
  });
  it('seasons', () => {
    const first = [2, 5, 3, 4, 3, 2, ...repeated([1, 2, 3, 4, 3, 2], 3), 1];
    expect(seasonal(first, 6, 0)).toEqual([...repeated([1, 2, 3, 4, 3, 2], 4), 1]);
    expect(seasonal([1, 3, 5, 2, 4, 6, 1, 3, 5, 2, 4, 6], 3, 0)).toEqual(repeated([1.5, 3.5, 5.5], 4));
  });
  it('outliers score 0 inside the 10 % and 90 % quantiles and for what is missing', () => {
    const scores = outlierScores([undefined, ...Array.from({ length: 20 }, (_value, index) => index), 100], 'ctukey');
    expect(scores[0]).toBe(0);
    expect(scores.slice(3, 19).every((score) => score === 0)).toBe(true);
    expect(scores.at(-1)).toBeGreaterThan(1.5);
  });
  it('outliers by Tukey score 1.5 at the fences, one and a half ranges beyond the quartiles', () => {
    expect(outlierScores([0, 1, 2, 3, 4, 6, -2, 5, 11], 'tukey').at(-1)).toBe(1.5);
  });
});

describe('properties', () => {
  it('a polynomial is found again from its points', () => {
    const coefficient = fc.integer({ min: -9, max: 9 });
    fc.assert(
      fc.property(coefficient, coefficient, coefficient, (a, b, c) => {
        const xs = Array.from({ length: 12 }, (_x, index) => index - 3);
        const fit = fitPolynomial(
          xs.map((x) => a * x * x + b * x + c),
          xs,
          2,
        );
        expect(fit?.coefficients).toEqual([a, b, c].map((x) => expect.closeTo(x, 6) as unknown));
      }),
    );
  });
});
