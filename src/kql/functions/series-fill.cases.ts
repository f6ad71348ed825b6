import type { FunctionCases } from './case-rows.ts';

export const seriesFillCases: FunctionCases = {
  series_fill_const: ['series_fill_const(o,0)'],
  series_fill_forward: ['series_fill_forward(o)'],
  series_fill_backward: ['series_fill_backward(o)'],
  series_fill_linear: ['series_fill_linear(o)'],
};
