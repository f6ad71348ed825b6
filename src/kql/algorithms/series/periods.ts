import { fourier } from './fourier.ts';

/** In points of the series. */
export interface Period {
  readonly period: number;
  /** 0…1. */
  readonly score: number;
}

const none: Period = { period: 0, score: 0 };
const shortest = 4;

/** How well a series repeats itself after each lag: the autocorrelation of what a straight line leaves of it. */
interface Repetition {
  readonly length: number;
  /** Divided by the whole energy, so that longer lags, which fewer points speak for, count for less. */
  readonly at: readonly number[];
  /** Not counting that fewer points speak for longer lags. */
  readonly whole: readonly number[];
  /** The least of `at` at shorter lags than this one. */
  readonly valley: readonly number[];
}

/** What is below this share of the energy of the series is rounding. */
const rounding = 1e-24;

function repetition(series: readonly number[]): Repetition | undefined {
  const { length } = series;
  if (length < 2 * shortest) return undefined;
  const rest = withoutLine(series);
  const energy = energyOf(rest);
  if (!(energy > rounding * energyOf(series)) || !Number.isFinite(energy)) return undefined;
  const lags = Math.ceil(length / 2) + reach(length / 2) + 1;
  const at = correlation(rest, lags).map((value) => value / energy);
  let least = 1;
  const valley = at.map((_value, lag) => (least = Math.min(least, lag > 1 ? (at[lag - 1] ?? 1) : 1)));
  const whole = at.map((value, lag) => (value * length) / (length - lag));
  return { length, at, whole, valley };
}

/** Sums of products of values that are so many points apart, from 0 to `lags` points. */
function correlation(values: readonly number[], lags: number): number[] {
  let size = 1;
  while (size < values.length + lags) size *= 2;
  const zeros = (count: number): number[] => new Array<number>(count).fill(0);
  const padded = [...values, ...zeros(size - values.length)];
  const spectrum = fourier({ real: padded, imaginary: zeros(size) }, false);
  const power = spectrum.real.map((real, index) => real ** 2 + (spectrum.imaginary[index] ?? 0) ** 2);
  return fourier({ real: power, imaginary: zeros(size) }, true).real.slice(0, lags + 1);
}

const energyOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value * value, 0);

/** The residual of a least squares line. */
function withoutLine(series: readonly number[]): number[] {
  const middle = (series.length - 1) / 2;
  const level = series.reduce((sum, value) => sum + value, 0) / series.length;
  let [xy, xx] = [0, 0];
  series.forEach((value, index) => {
    xy += (index - middle) * (value - level);
    xx += (index - middle) ** 2;
  });
  const slope = xy / xx;
  return series.map((value, index) => value - level - slope * (index - middle));
}

/** How far around a period others are compared with it, in points. */
const reach = (period: number): number => Math.floor(period / 4);
/** What chance makes of a correlation: two standard errors. */
const chance = ({ length }: Repetition): number => 2 / Math.sqrt(length);

/** Between two lags what is between theirs. */
function between(list: readonly number[], lag: number): number {
  const [below, above] = [Math.floor(lag), Math.ceil(lag)];
  const [low, high] = [list[below] ?? 0, list[above] ?? 0];
  return low + (lag - below) * (high - low);
}

/** Whether it repeats better than by chance, and better than before, and after no lag nearby clearly better. */
function isPeriod(found: Repetition, period: number): boolean {
  const height = between(found.at, period);
  const valley = found.valley[Math.ceil(period)] ?? 1;
  if (Math.min(height, height - valley) <= chance(found)) return false;
  const enough = between(found.whole, period) + chance(found);
  const [first, last] = [Math.ceil(period - reach(period)), Math.floor(period + reach(period))];
  for (let lag = first; lag <= last; lag += 1) if ((found.whole[lag] ?? 0) > enough) return false;
  return true;
}

/** How far a period comes back up from the deepest valley before it, 0, to perfect repetition, 1. */
function scoreOf({ at, valley }: Repetition, period: number): number {
  const low = valley[Math.ceil(period)] ?? 1;
  return low < 1 ? Math.min(1, Math.max(0, (between(at, period) - low) / (1 - low))) : 0;
}

/** The best periods between `min` and `max`, of at least 4 points and at most half of the series, the best first.
 * @returns exactly `count`, filled up with zeros */
export function findPeriods(series: readonly number[], min: number, max: number, count: number): Period[] {
  const found = repetition(series);
  const periods = found ? allPeriods(found).filter(({ period }) => period >= min && period <= max) : [];
  return Array.from({ length: count }, (_unused, index) => periods[index] ?? none);
}

function allPeriods(found: Repetition): Period[] {
  const peaks: Period[] = [];
  for (let period = shortest; period <= found.length / 2; period += 1) {
    const [before = 0, height = 0, after = 0] = found.at.slice(period - 1, period + 2);
    if (height <= before || height < after || !isPeriod(found, period)) continue;
    const score = scoreOf(found, period);
    if (score > 0) peaks.push({ period, score });
  }
  const accepted: Period[] = [];
  for (const peak of peaks.toSorted((a, b) => b.score - a.score))
    if (!accepted.some(({ period }) => isEcho(found, peak.period, period))) accepted.push(peak);
  return accepted;
}

/** What repeats every 14 points repeats every 28 points too. That is a period of its own only where it repeats clearly better. */
function isEcho(found: Repetition, period: number, better: number): boolean {
  const times = Math.round(period / better);
  if (times < 1 || Math.abs(period - times * better) > reach(better)) return false;
  return times === 1 || (found.whole[period] ?? 0) <= (found.whole[better] ?? 0) + chance(found);
}

/** Scores of given periods, in points: 0 for what is shorter than 4 points or longer than half of the series, and for what is no
 * period. */
export function scorePeriods(series: readonly number[], periods: readonly number[]): number[] {
  const found = repetition(series);
  return periods.map((period) =>
    found && period >= shortest && period <= found.length / 2 && isPeriod(found, period) ? scoreOf(found, period) : 0,
  );
}

/** The best period if it scores at least `threshold`, else 0. */
export function detectPeriod(series: readonly number[], threshold: number): number {
  const [found = none] = findPeriods(series, shortest, series.length / 2, 1);
  return found.score >= threshold ? found.period : 0;
}
