import {
  betaCdf,
  betaInverse,
  betaPdf,
  erf,
  erfc,
  gamma,
  logGamma,
  welchTest,
} from '../algorithms/series/distributions.ts';
import { native } from '../sql/native-row.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';

const ofReal = (name: string, run: (x: number) => number): FunctionRow =>
  native(name, ['real'], 'real', ([x]) => run(Number(x)));

/** Shapes must be positive and at most 10,000, else NaN. */
const beta = (name: string, run: (x: number, a: number, b: number) => number | null): FunctionRow =>
  native(name, ['real', 'real', 'real'], 'real', ([x, alpha, shape]) => {
    const [a, b] = [Number(alpha), Number(shape)];
    return a > 0 && a <= 10_000 && b > 0 && b <= 10_000 ? run(Number(x), a, b) : NaN;
  });

/** Gamma, beta, error function, tests. */
export const statisticsFunctions: FunctionRows = {
  gamma: ofReal('gamma', gamma),
  loggamma: ofReal('loggamma', logGamma),
  erf: ofReal('erf', erf),
  erfc: ofReal('erfc', erfc),
  beta_cdf: beta('beta_cdf', (x, a, b) => (x >= 0 && x <= 1 ? betaCdf(x, a, b) : NaN)),
  beta_pdf: beta('beta_pdf', (x, a, b) => (x > 0 && x < 1 ? betaPdf(x, a, b) : NaN)),
  beta_inv: beta('beta_inv', (p, a, b) => (p > 0 && p <= 1 ? betaInverse(p, a, b) : null)),
  welch_test: native(
    'welch_test',
    ['real', 'real', 'real', 'real', 'real', 'real'],
    'real',
    ([mean1, variance1, count1, mean2, variance2, count2]) =>
      welchTest(
        { mean: Number(mean1), variance: Number(variance1), count: Number(count1) },
        { mean: Number(mean2), variance: Number(variance2), count: Number(count2) },
      ),
  ),
};
