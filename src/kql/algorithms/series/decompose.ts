import { detectPeriod } from './periods.ts';
import { fitPolynomial, outlierScores, seasonal } from './series.ts';

export type Trend = 'avg' | 'linefit' | 'none';

export interface DecomposeOptions {
  /** In points; −1 = to be found, 0 = none. */
  readonly period: number;
  readonly trend: Trend;
  /** Points at the end that nothing is learned from. */
  readonly testPoints: number;
  /** What a period that is to be found must score. */
  readonly threshold: number;
}

/** All as long as the series. */
export interface Decomposition {
  readonly baseline: readonly number[];
  readonly seasonal: readonly number[];
  readonly trend: readonly number[];
  readonly residual: readonly number[];
}

/** Seasonal part first (the median of each phase), then the trend of what is left, then the residual.
 * @see the page of series_decompose() in the KQL documentation, "Component execution order" */
export function decompose(series: readonly number[], options: DecomposeOptions): Decomposition {
  const learnedLength = Math.max(0, series.length - Math.max(0, options.testPoints));
  const learned = series.slice(0, learnedLength);
  const period = options.period < 0 ? detectPeriod(learned, options.threshold) : options.period;
  const repeated = seasonal(series, period, series.length - learnedLength);
  const deseasonal = learned.map((value, index) => value - (repeated[index] ?? 0));
  const trend = trendOf(deseasonal, series.length, options.trend);
  const baseline = repeated.map((value, index) => value + (trend[index] ?? 0));
  return {
    baseline,
    seasonal: repeated,
    trend,
    residual: series.map((value, index) => value - (baseline[index] ?? 0)),
  };
}

function trendOf(values: readonly number[], length: number, kind: Trend): number[] {
  const average = values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;
  const flat = (level: number): number[] => new Array<number>(length).fill(level);
  if (kind === 'none') return flat(0);
  if (kind === 'avg') return flat(average);
  const fit = fitPolynomial(
    values,
    values.map((_value, index) => index),
    1,
  );
  if (!fit) return flat(average);
  const [slope = 0, start = 0] = fit.coefficients;
  return Array.from({ length }, (_unused, index) => start + slope * index);
}

export interface Anomalies {
  /** 1 = high, −1 = low, 0 = none. */
  readonly flags: readonly number[];
  readonly scores: readonly number[];
  readonly baseline: readonly number[];
}

/** Outliers of the residual whose score goes beyond `threshold`. */
export function anomalies(
  series: readonly number[],
  threshold: number,
  kind: 'ctukey' | 'tukey',
  options: DecomposeOptions,
): Anomalies {
  const { baseline, residual } = decompose(series, options);
  const scores = outlierScores(residual, kind);
  const flags = scores.map((score) => (score > threshold ? 1 : score < -threshold ? -1 : 0));
  return { flags, scores, baseline };
}
