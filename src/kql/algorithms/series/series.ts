/** Elements of a numeric series; undefined for what is no number. Whole numbers stay apart from reals as in the JSON text. */
export type Element = { readonly whole: boolean; readonly value: number } | undefined;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sample variance; of fewer than two values 0. */
export function variance(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1);
}

export interface SeriesStatistics {
  readonly min: number;
  readonly minIndex: number;
  readonly max: number;
  readonly maxIndex: number;
  readonly avg: number;
  readonly stdev: number;
  readonly variance: number;
  readonly sum: number;
  readonly length: number;
}

/** @returns undefined for a series with missing or infinite values, unless they are to be ignored, or with none at all */
export function statistics(series: readonly Element[], ignoreNonfinite: boolean): SeriesStatistics | undefined {
  const isFinite = (element: Element): boolean => element !== undefined && Number.isFinite(element.value);
  if (!ignoreNonfinite && !series.every(isFinite)) return undefined;
  const found = series.flatMap((element, index) =>
    element && Number.isFinite(element.value) ? [{ value: element.value, index }] : [],
  );
  const [first] = found;
  if (!first) return undefined;
  const values = found.map(({ value }) => value);
  const least = found.reduce((best, one) => (one.value < best.value ? one : best), first);
  const greatest = found.reduce((best, one) => (one.value > best.value ? one : best), first);
  const spread = variance(values);
  return {
    min: least.value,
    minIndex: least.index,
    max: greatest.value,
    maxIndex: greatest.index,
    avg: mean(values),
    stdev: Math.sqrt(spread),
    variance: spread,
    sum: values.reduce((sum, value) => sum + value, 0),
    length: series.length,
  };
}

export interface PolynomialFit {
  readonly rSquare: number;
  /** From the highest power down. */
  readonly coefficients: readonly number[];
  readonly variance: number;
  readonly residualVariance: number;
  readonly fit: readonly number[];
}

/** Least squares. @returns undefined when the points do not determine a polynomial of that degree */
export function fitPolynomial(ys: readonly number[], xs: readonly number[], degree: number): PolynomialFit | undefined {
  if (ys.length <= degree || ys.length !== xs.length) return undefined;
  const size = degree + 1;
  // Around the mean and scaled the powers stay comparable; the coefficients are brought back at the end.
  const centre = mean(xs);
  const scale = xs.reduce((most, x) => Math.max(most, Math.abs(x - centre)), 0) || 1;
  const powers = xs.map((x) => Array.from({ length: size }, (_unused, power) => ((x - centre) / scale) ** power));
  const rows = Array.from({ length: size }, (_row, i) => [
    ...Array.from({ length: size }, (_column, j) => sumOf(powers, (row) => (row[i] ?? 0) * (row[j] ?? 0))),
    powers.reduce((sum, row, index) => sum + (row[i] ?? 0) * (ys[index] ?? 0), 0),
  ]);
  const solved = solve(rows);
  if (!solved) return undefined;
  const fit = powers.map((row) => row.reduce((sum, power, index) => sum + power * (solved[index] ?? 0), 0));
  const spread = variance(ys);
  const residual = variance(ys.map((y, index) => y - (fit[index] ?? 0)));
  return {
    rSquare: spread === 0 ? 1 : 1 - residual / spread,
    coefficients: expanded(solved, centre, scale).reverse(),
    variance: spread,
    residualVariance: residual,
    fit,
  };
}

const sumOf = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((sum, item) => sum + value(item), 0);

/** Gauss with the largest pivot; the last element of each row is its right side. */
function solve(rows: number[][]): number[] | undefined {
  const size = rows.length;
  for (let column = 0; column < size; column += 1) {
    let pivot = column;
    for (let row = column + 1; row < size; row += 1)
      if (Math.abs(rows[row]?.[column] ?? 0) > Math.abs(rows[pivot]?.[column] ?? 0)) pivot = row;
    const [top, other] = [rows[pivot], rows[column]];
    const lead = top?.[column] ?? 0;
    if (!top || !other || Math.abs(lead) < 1e-12) return undefined;
    rows[pivot] = other;
    const own = top.map((value) => value / lead);
    rows[column] = own;
    rows.forEach((row, index) => {
      const factor = row[column] ?? 0;
      if (index !== column) rows[index] = row.map((value, at) => value - factor * (own[at] ?? 0));
    });
  }
  return rows.map((row) => row[size] ?? 0);
}

/** Coefficients of powers of (x − centre) / scale → of powers of x, from the lowest up. */
function expanded(coefficients: readonly number[], centre: number, scale: number): number[] {
  let result: number[] = [];
  for (const coefficient of [...coefficients].reverse()) {
    const shifted = [0, ...result.map((value) => value / scale)];
    result = shifted.map((value, power) => value - ((result[power] ?? 0) * centre) / scale);
    result[0] = (result[0] ?? 0) + coefficient;
  }
  return result;
}

/** Moving weighted sum over the current and earlier points, or around the current point. Outside the series are zeros. */
export function finiteImpulseResponse(
  series: readonly number[],
  filter: readonly number[],
  normalize: boolean,
  center: boolean,
): number[] {
  const divisor = normalize ? sumOf(filter, (weight) => weight) : 1;
  const shift = center ? Math.floor(filter.length / 2) : 0;
  return series.map(
    (_value, at) => filter.reduce((sum, weight, back) => sum + weight * (series[at + shift - back] ?? 0), 0) / divisor,
  );
}

/** y[n] = (Σ b[i] x[n−i] − Σ a[j] y[n−j]) / a[0] */
export function infiniteImpulseResponse(
  series: readonly number[],
  numerators: readonly number[],
  denominators: readonly number[],
): number[] {
  const result: number[] = [];
  const [lead = 1, ...feedback] = denominators;
  series.forEach((_value, at) => {
    const forward = numerators.reduce((sum, weight, back) => sum + weight * (series[at - back] ?? 0), 0);
    const backward = feedback.reduce((sum, weight, index) => sum + weight * (result[at - index - 1] ?? 0), 0);
    result.push((forward - backward) / lead);
  });
  return result;
}

/** Of two series, or of one with itself; NaN when one of them does not vary. */
export function pearson(xs: readonly number[], ys: readonly number[]): number {
  const [mx, my] = [mean(xs), mean(ys)];
  let [xy, xx, yy] = [0, 0, 0];
  xs.forEach((x, index) => {
    const [a, b] = [x - mx, (ys[index] ?? 0) - my];
    xy += a * b;
    xx += a * a;
    yy += b * b;
  });
  return xy / Math.sqrt(xx * yy);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
}

/** The median of each phase of the period, repeated over the whole series. */
export function seasonal(series: readonly number[], period: number, testPoints: number): number[] {
  if (period < 1) return series.map(() => 0);
  const learned = series.slice(0, Math.max(0, series.length - testPoints));
  const phases = Array.from({ length: period }, (_phase, phase) =>
    median(learned.filter((_value, index) => index % period === phase)),
  );
  return series.map((_value, index) => phases[index % period] ?? 0);
}

/** Linear between the two nearest ranks. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)] ?? 0, sorted[Math.ceil(at)] ?? 0];
  return low + (at - Math.floor(at)) * (high - low);
}

/** Quantiles between which nothing is an outlier, and what distances beyond them are multiplied by, in units of the range between
 * the two: 1 by Tukey's own definition; of the service's variant it is known from results it recorded. */
const outlierKinds = {
  tukey: { low: 0.25, high: 0.75, scale: 1 },
  ctukey: { low: 0.1, high: 0.9, scale: 2.772605605507916 },
} as const;

/** Distance of each value beyond the two quantiles; 0 between them and for what is missing. */
export function outlierScores(series: readonly (number | undefined)[], kind: keyof typeof outlierKinds): number[] {
  const { low: below, high: above, scale: factor } = outlierKinds[kind];
  const sorted = series.filter((value) => value !== undefined).sort((a, b) => a - b);
  const [low, high] = [quantile(sorted, below), quantile(sorted, above)];
  const scale = factor / (high - low);
  return series.map((value) => {
    if (value === undefined || high === low) return 0;
    return value > high ? (value - high) * scale : value < low ? (value - low) * scale : 0;
  });
}
