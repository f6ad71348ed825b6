import type { FunctionCases } from './case-rows.ts';

export const seriesAnalysisCases: FunctionCases = {
  series_fit_2lines: ['series_fit_2lines(o)'],
  series_fit_2lines_dynamic: ['series_fit_2lines_dynamic(o)'],
  series_outliers: ['series_outliers(o)'],
  series_periods_detect: ['series_periods_detect(o,1.0,5.0,2)'],
  series_periods_validate: ['series_periods_validate(o,2.0)'],
  series_seasonal: ['series_seasonal(o)'],
  series_decompose: ['series_decompose(o)'],
  series_decompose_anomalies: ['series_decompose_anomalies(o)'],
  series_decompose_forecast: ['series_decompose_forecast(o,1)'],
};
