import fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DecomposeOptions } from './decompose.ts';
import { anomalies, decompose } from './decompose.ts';
import { scorePeriods } from './periods.ts';
import { outlierScores } from './series.ts';
import { fitTwoLines } from './two-lines.ts';

interface Recorded {
  readonly id: string;
  readonly y: number[];
  readonly baseline?: number[];
  readonly scores: number[];
  readonly flags?: number[];
}
const recorded = JSON.parse(
  fs.readFileSync(new URL('../../../../vectors/kql/series.json', import.meta.url), 'utf8'),
) as Recorded[];
const named = (start: string): Recorded => {
  const found = recorded.find(({ id }) => id.startsWith(start));
  if (!found) throw new Error(`no vector ${start}`);
  return found;
};
const close = (values: readonly number[] = []): unknown[] => values.map((value) => expect.closeTo(value, 9) as unknown);
const found: DecomposeOptions = { period: -1, trend: 'linefit', testPoints: 0, threshold: 0.6 };

describe('results recorded from the engine', () => {
  it('a weekly period and a line are found, and what sticks out', () => {
    const { y, baseline, scores, flags } = named('series-decompose-anomalies');
    const result = anomalies(y, 2.5, 'ctukey', found);
    expect(result.baseline).toEqual(close(baseline));
    expect(result.scores).toEqual(close(scores));
    expect(result.flags).toEqual(flags);
  });
  it('the last week is forecast from the weeks before', () => {
    const { y, baseline } = named('series-decompose-forecast');
    expect(decompose(y, { ...found, testPoints: 168 }).baseline).toEqual(close(baseline));
  });
  it('scores of outliers', () => {
    const { y, scores } = named('series-outliers');
    expect(outlierScores(y, 'ctukey')).toEqual(close(scores));
  });
});

describe('decompose', () => {
  const series = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 8, maxLength: 40 });
  it('the parts add up to the series', () => {
    fc.assert(
      fc.property(
        series,
        fc.integer({ min: 0, max: 4 }),
        fc.constantFrom('avg', 'linefit', 'none'),
        (y, period, trend) => {
          const parts = decompose(y, { period, trend, testPoints: 0, threshold: 0.6 });
          const sums = y.map(
            (_y, at) => (parts.seasonal[at] ?? 0) + (parts.trend[at] ?? 0) + (parts.residual[at] ?? 0),
          );
          expect(sums).toEqual(y.map((value) => expect.closeTo(value, 6) as unknown));
          expect(parts.seasonal).toEqual(y.map((_y, at) => (period === 0 ? 0 : parts.seasonal[at % period])));
        },
      ),
    );
  });
  it('a period that scores less than the threshold is none', () => {
    const wave = Array.from(
      { length: 48 },
      (_unused, at) => Math.sin((at * Math.PI) / 4) + (((at * 7919) % 13) - 6) / 40,
    );
    const [score = 0] = scorePeriods(wave, [8]);
    expect(decompose(wave, { ...found, threshold: score }).seasonal.slice(0, 8)).toEqual(
      decompose(wave, { ...found, period: 8 }).seasonal.slice(0, 8),
    );
    expect(decompose(wave, { ...found, threshold: score + 0.01 }).seasonal).toEqual(wave.map(() => 0));
  });
});

// The page of series_fit_2lines() in the KQL documentation (CC BY 4.0); the line as recorded from the engine.
describe('two lines', () => {
  it('break where the series changes', () => {
    const fit = fitTwoLines([1, 2.2, 2.5, 4.7, 5.0, 12, 10.3, 10.3, 9, 8.3, 6.2]);
    expect(fit?.split).toBe(5);
    expect(fit?.fit).toEqual(
      close([
        0.98, 2.03, 3.08, 4.13, 5.18, 11.942857142857143, 10.905714285714286, 9.868571428571428, 8.831428571428573,
        7.794285714285716, 6.75714285714286,
      ]),
    );
  });
  it('need two points each', () => {
    expect(fitTwoLines([1, 2, 3])).toBeUndefined();
    expect(fitTwoLines([1, 2, 4, 3])?.split).toBe(2);
  });
});
