import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectPeriod, findPeriods, scorePeriods } from './periods.ts';

const repeated = (period: readonly number[], times: number): number[] =>
  Array.from({ length: times }, () => period).flat();
/** The same numbers for the same seed, in −1…1. */
function noise(seed: number, length: number): number[] {
  let state = seed;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}
const scores = (found: readonly { readonly score: number }[]): number[] => found.map(({ score }) => score);
const periods = (found: readonly { readonly period: number }[]): number[] => found.map(({ period }) => period);

/** Traffic twice a day for a month: the series of the pages of series_periods_detect() and series_periods_validate()
 * (MicrosoftDocs/dataexplorer-docs, CC BY 4.0), whose results print two digits. */
const traffic = [
  80, 139, 87, 110, 68, 54, 50, 51, 53, 133, 86, 141, 97, 156, 94, 149, 95, 140, 77, 61, 50, 54, 47, 133, 72, 152, 94,
  148, 105, 162, 101, 160, 87, 63, 53, 55, 54, 151, 103, 189, 108, 183, 113, 175, 113, 178, 90, 71, 62, 62, 65, 165,
  109, 181, 115, 182, 121, 178, 114, 170,
];

describe('examples of the documentation', () => {
  it('one period is found within 50 points, of 14 points, at 0.84', () => {
    const found = findPeriods(traffic, 0, 50, 2);
    expect(periods(found)).toEqual([14, 0]);
    expect(scores(found).map((score) => score.toFixed(2))).toEqual(['0.84', '0.00']);
  });
  it('14 points are a period at 0.84, 10 points are none', () => {
    expect(scorePeriods(traffic, [14, 10]).map((score) => score.toFixed(2))).toEqual(['0.84', '0.00']);
  });
  it('series_seasonal() finds periods of 6 and 5 points, and none that is half of 12 points', () => {
    const six = [2, 5, 3, 4, 3, 2, ...repeated([1, 2, 3, 4, 3, 2], 3), 1];
    const five = [8, 12, ...repeated([14, 12, 10, 10, 12], 3), 14, 12, 10];
    expect(detectPeriod(six, 0.7)).toBe(6);
    expect(detectPeriod(five, 0.7)).toBe(5);
    expect(detectPeriod(repeated([1, 3, 5, 2, 4, 6], 2), 0.7)).toBe(0);
  });
  it('a weekly and a daily period are found, the weekly one first, where weekends differ much', () => {
    // Bins of two hours for a month, as in "Time series analysis in Azure Data Explorer".
    const series = noise(7, 360).map(
      (wobble, at) => (Math.floor(at / 12) % 7 >= 5 ? 0 : 4) + 3 * Math.sin((at * Math.PI) / 6) + wobble / 2,
    );
    const found = findPeriods(series, 0, 168, 2);
    expect(periods(found)).toEqual([84, 12]);
  });
});

describe('findPeriods', () => {
  it('a trend hides no period and makes none', () => {
    const trend = Array.from({ length: 60 }, (_value, at) => 7 * at - 100);
    expect(findPeriods(trend, 0, 50, 1)).toEqual([{ period: 0, score: 0 }]);
    expect(
      periods(
        findPeriods(
          trend.map((value, at) => value + (traffic[at] ?? 0)),
          0,
          50,
          1,
        ),
      ),
    ).toEqual([14]);
  });
  it.each([
    ['nothing', []],
    ['fewer than 8 points', [1, 2, 1, 2, 1, 2, 1]],
    ['one value', new Array<number>(40).fill(5)],
    ['values that are not finite', [...traffic, NaN]],
    ['infinite values', [...traffic, Infinity]],
  ])('nothing is found in %s', (_name, series) => {
    expect(findPeriods(series, 0, 50, 2)).toEqual([
      { period: 0, score: 0 },
      { period: 0, score: 0 },
    ]);
    expect(scorePeriods(series, [4, 10])).toEqual([0, 0]);
  });
  it('a ripple on the way down from the shortest lags is no period', () => {
    const slow = noise(1, 2000).map((wobble, at) => Math.sin((2 * Math.PI * at) / 250) * 2 + wobble);
    expect(periods(findPeriods(slow, 0, 1000, 2))).toEqual([250, 0]);
  });
  it('only between the bounds that are given', () => {
    expect(periods(findPeriods(traffic, 15, 50, 1))).toEqual([0]);
    expect(periods(findPeriods(traffic, 0, 13.9, 1))).toEqual([0]);
    expect(periods(findPeriods(traffic, 14, 14, 1))).toEqual([14]);
  });
  it('of 100,000 points within the time of a test', () => {
    const series = noise(3, 100_000).map((wobble, at) => wobble + Math.sin((2 * Math.PI * at) / 1440));
    expect(findPeriods(series, 0, 50_000, 1)[0]?.period).toBeGreaterThan(1400);
    expect(scorePeriods(series, [1440])[0]).toBeGreaterThan(0.6);
  }, 20_000);
});

describe('scorePeriods', () => {
  it('is 0 outside of 4 points to half of the series', () => {
    const series = repeated([0, 1, 4, 2], 10);
    const [within = 0, ...outside] = scorePeriods(series, [4, 3.99, 20.01, -4, NaN]);
    expect(within).toBeGreaterThan(0.7);
    expect(outside).toEqual([0, 0, 0, 0]);
    expect(scorePeriods(series, [20])[0]).toBeGreaterThan(0);
  });
  it('between two points it is between their scores', () => {
    const series = Array.from({ length: 200 }, (_value, at) => Math.sin((2 * Math.PI * at) / 10.5));
    const [low = 0, between = 0, high = 0] = scorePeriods(series, [10, 10.5, 11]);
    expect(between).toBeGreaterThan(0);
    expect(between).toBeLessThanOrEqual(Math.max(low, high, between));
    expect(scorePeriods(traffic, [13.5])[0]).toBeLessThan(scorePeriods(traffic, [14])[0] ?? 0);
  });
});

describe('properties', () => {
  const value = fc.double({ min: -1e3, max: 1e3, noNaN: true });
  it('a planted period is found under noise', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 30 }),
        fc.integer({ min: 5, max: 12 }),
        fc.integer(),
        (period, times, seed) => {
          const wobbles = noise(seed, period * times);
          const series = wobbles.map((wobble, at) => Math.sin((2 * Math.PI * (at % period)) / period) + wobble * 0.2);
          const [found] = findPeriods(series, 0, series.length, 1);
          expect(Math.abs((found?.period ?? 0) - period)).toBeLessThanOrEqual(Math.floor(period / 10));
          expect(found?.score).toBeGreaterThan(0.6);
        },
      ),
    );
  });
  it('scores are between 0 and 1, in order, and what is found is scored alike', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 80 }), (series) => {
        const found = findPeriods(series, 0, 1e9, 5);
        expect(found).toHaveLength(5);
        expect(scores(found).every((score) => score >= 0 && score <= 1)).toBe(true);
        expect(scores(found)).toEqual(scores(found).toSorted((a, b) => b - a));
        expect(scorePeriods(series, periods(found))).toEqual(scores(found));
      }),
    );
  });
  it('level and unit of the series do not matter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: -1000, max: 1000 }), (unit, level) => {
        const [found] = findPeriods(
          traffic.map((y) => y * unit + level),
          0,
          50,
          1,
        );
        expect(found?.period).toBe(14);
        expect(found?.score).toBeCloseTo(findPeriods(traffic, 0, 50, 1)[0]?.score ?? 0, 9);
      }),
    );
  });
});
