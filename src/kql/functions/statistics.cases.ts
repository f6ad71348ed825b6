import type { FunctionCases } from './case-rows.ts';

export const statisticsCases: FunctionCases = {
  gamma: ['gamma(x)'],
  loggamma: ['loggamma(x)'],
  erf: ['erf(x)'],
  erfc: ['erfc(x)'],
  beta_cdf: ['beta_cdf(x,10.0,50.0)'],
  beta_pdf: ['beta_pdf(x,10.0,50.0)'],
  beta_inv: ['beta_inv(x,10.0,50.0)'],
  welch_test: ['welch_test(x,1.0,10,0.1,2.0,20)'],
};
