import type { PolynomialFit } from './series.ts';
import { fitPolynomial, variance } from './series.ts';

export interface TwoLines {
  readonly rSquare: number;
  /** Index of the first point of the right line. */
  readonly split: number;
  readonly variance: number;
  readonly residualVariance: number;
  readonly fit: readonly number[];
  readonly left: PolynomialFit;
  readonly right: PolynomialFit;
}

/** Lines of one part; points count from 1, as in series_fit_line(). */
const lineOf = (ys: readonly number[]): PolynomialFit | undefined =>
  fitPolynomial(
    ys,
    ys.map((_y, index) => index + 1),
    1,
  );

/** Segmented regression: the split into two parts, each with a line of its own, that leaves the least residual.
 * @returns undefined for fewer than four points */
export function fitTwoLines(ys: readonly number[]): TwoLines | undefined {
  const spread = variance(ys);
  let best: TwoLines | undefined;
  for (let split = 2; split <= ys.length - 2; split += 1) {
    const [left, right] = [lineOf(ys.slice(0, split)), lineOf(ys.slice(split))];
    if (!left || !right) continue;
    const fit = [...left.fit, ...right.fit];
    const residualVariance = variance(ys.map((y, index) => y - (fit[index] ?? 0)));
    const rSquare = spread === 0 ? 1 : 1 - residualVariance / spread;
    if (!best || rSquare > best.rSquare)
      best = { rSquare, split, variance: spread, residualVariance, fit, left, right };
  }
  return best;
}
