import { invariant } from '../../base/invariant.ts';
import type { DecomposeOptions, Decomposition, Trend } from '../algorithms/series/decompose.ts';
import { anomalies, decompose } from '../algorithms/series/decompose.ts';
import type { PolynomialFit } from '../algorithms/series/series.ts';
import { detectPeriod, findPeriods, scorePeriods } from '../algorithms/series/periods.ts';
import { outlierScores, seasonal } from '../algorithms/series/series.ts';
import type { TwoLines } from '../algorithms/series/two-lines.ts';
import { fitTwoLines } from '../algorithms/series/two-lines.ts';
import { KqlError } from '../plan/kql-error.ts';
import { realToDynamic } from '../values/real-text.ts';
import type { NativeValue } from '../sql/native.ts';
import { native, withoutRun } from '../sql/native-row.ts';
import type { FunctionRows, SqlArgument } from '../sql/scope.ts';
import { elementsOf, numbersOf, reals } from './series-elements.ts';

type Value = NativeValue | undefined;

const trends: readonly Trend[] = ['avg', 'linefit', 'none'];

function optionsOf(name: string, period: Value, trend: Value, testPoints: Value, threshold: Value): DecomposeOptions {
  const kind = trends.find((one) => one === trend);
  if (!kind) throw new KqlError('runtime', `${name}(): the trend must be one of 'avg', 'linefit', 'none'.`);
  return { period: Number(period), trend: kind, testPoints: Number(testPoints), threshold: Number(threshold) };
}

const parts = ({ baseline, seasonal: season, trend, residual }: Decomposition): string =>
  `[${[baseline, season, trend, residual].map(reals).join(',')}]`;
/** What a period that is to be found must score by default. @see the pages of series_decompose() and series_seasonal() */
const threshold = 0.6;
const seasonalThreshold = 0.7;

/** How long a list of periods may be asked for; a limit of ours. */
const foundMax = 1000;
const periodsMax = 16;
const validatePeriods = native(
  'series_periods_validate',
  ['long', 'dynamic', ...new Array<'real'>(periodsMax).fill('real')],
  'dynamic',
  ([count, series, ...given]) => {
    const values = numbersOf(series);
    const periods = given.slice(0, Number(count)).flatMap((period) => (period === null ? [] : [Number(period)]));
    if (!values || periods.length !== Number(count)) return null;
    return `[${reals(periods)},${reals(scorePeriods(values, periods))}]`;
  },
  { nulls: true, defaults: new Array<null>(periodsMax - 1).fill(null) },
);

const lineBag = (fit: PolynomialFit): string => {
  const [slope = 0, interception = 0] = fit.coefficients;
  const values = [fit.rSquare, slope, interception, fit.variance, fit.residualVariance];
  const names = ['rsquare', 'slope', 'interception', 'variance', 'rvariance'];
  return `{${names.map((name, index) => `"${name}":${realToDynamic(values[index] ?? 0)}`).join(',')}}`;
};
const lineColumns = (fit: PolynomialFit): number[] => {
  const [slope = 0, interception = 0] = fit.coefficients;
  return [fit.rSquare, slope, interception, fit.variance, fit.residualVariance];
};
const twoLinesColumns = (found: TwoLines): string =>
  `[${realToDynamic(found.rSquare)},${String(found.split)},${realToDynamic(found.variance)},${realToDynamic(found.residualVariance)},${reals(found.fit)},${[...lineColumns(found.right), ...lineColumns(found.left)].map(realToDynamic).join(',')}]`;
const twoLinesBag = (found: TwoLines): string =>
  `{"rsquare":${realToDynamic(found.rSquare)},"split_idx":${String(found.split)},"variance":${realToDynamic(found.variance)},"rvariance":${realToDynamic(found.residualVariance)},"line_fit":${reals(found.fit)},"right":${lineBag(found.right)},"left":${lineBag(found.left)}}`;

const outlierKind = (name: string, kind: Value): 'tukey' | 'ctukey' => {
  if (kind === 'tukey' || kind === 'ctukey') return kind;
  throw new KqlError('runtime', `${name}(): the kind must be 'tukey' or 'ctukey'.`);
};

/** Functions that look for structure in a series: period, trend, outliers, a change of direction. */
export const seriesAnalysisFunctions: FunctionRows = {
  series_decompose: native(
    'series_decompose',
    ['dynamic', 'long', 'string', 'long', 'real'],
    'dynamic',
    ([series, period, trend, testPoints, score]) => {
      const values = numbersOf(series);
      if (!values) return null;
      const options = optionsOf('series_decompose', period, trend, testPoints, score);
      return parts(decompose(values, options));
    },
    { defaults: [-1, 'avg', 0, threshold] },
  ),
  series_decompose_anomalies: native(
    'series_decompose_anomalies',
    ['dynamic', 'real', 'long', 'string', 'long', 'string', 'real'],
    'dynamic',
    ([series, limit, period, trend, testPoints, kind, score]) => {
      const values = numbersOf(series);
      if (!values) return null;
      const name = 'series_decompose_anomalies';
      const options = optionsOf(name, period, trend, testPoints, score);
      const found = anomalies(values, Number(limit), outlierKind(name, kind), options);
      return `[[${found.flags.join(',')}],${reals(found.scores)},${reals(found.baseline)}]`;
    },
    { defaults: [1.5, -1, 'avg', 0, 'ctukey', threshold] },
  ),
  // The forecast is the baseline. The trend is a line by default, whatever the page says: so it is in the result that the service
  // gave for the page's example.
  series_decompose_forecast: native(
    'series_decompose_forecast',
    ['dynamic', 'long', 'long', 'string', 'real'],
    'dynamic',
    ([series, points, period, trend, score]) => {
      const values = numbersOf(series);
      if (!values) return null;
      const options = optionsOf('series_decompose_forecast', period, trend, points, score);
      return parts(decompose(values, options));
    },
    { defaults: [-1, 'linefit', threshold] },
  ),
  series_fit_2lines: native('series_fit_2lines', ['dynamic'], 'dynamic', ([series]) => {
    const values = numbersOf(series);
    const found = values && fitTwoLines(values);
    return found ? twoLinesColumns(found) : null;
  }),
  series_fit_2lines_dynamic: native('series_fit_2lines_dynamic', ['dynamic'], 'dynamic', ([series]) => {
    const values = numbersOf(series);
    const found = values && fitTwoLines(values);
    return found ? twoLinesBag(found) : null;
  }),
  series_outliers: native(
    'series_outliers',
    ['dynamic', 'string', 'real', 'real', 'real'],
    'dynamic',
    ([series, kind, ignored, low, high]) => {
      const elements = elementsOf(series);
      if (!elements) return null;
      const fences = outlierKind('series_outliers', kind);
      if (fences === 'ctukey' && (Number(low) !== 10 || Number(high) !== 90))
        throw new KqlError('notSupported', "'series_outliers' with other percentiles than 10 and 90 is not supported.");
      const values = elements.map((element) => (element?.value === ignored ? undefined : element?.value));
      return reals(outlierScores(values, fences));
    },
    { nulls: true, defaults: ['ctukey', null, 10, 90] },
  ),
  // Results on the function's page, old and new, have `…_periods_scores`; the binder names the second column `…_scores`.
  series_periods_detect: {
    columnEndings: ['', '_scores'],
    ...native('series_periods_detect', ['dynamic', 'real', 'real', 'long'], 'dynamic', ([series, min, max, count]) => {
      const values = numbersOf(series);
      if (!values) return null;
      const length = Number(count);
      if (length < 1 || length > foundMax)
        throw new KqlError('runtime', `series_periods_detect(): the number of periods must be 1 to ${foundMax}.`);
      const found = findPeriods(values, Number(min), Number(max), length);
      return `[${reals(found.map(({ period }) => period))},${reals(found.map(({ score }) => score))}]`;
    }),
  },
  series_periods_validate: {
    ...withoutRun(validatePeriods),
    sql: ([series, ...periods], call, scope) => {
      invariant(series, 'the binder lets no call without a series through');
      if (periods.length > periodsMax)
        throw new KqlError('semantic', `series_periods_validate(): at most ${periodsMax} periods.`);
      const count: SqlArgument = { sql: String(periods.length), type: 'long', expression: series.expression };
      return validatePeriods.sql([count, series, ...periods], call, scope);
    },
  },
  series_seasonal: native(
    'series_seasonal',
    ['dynamic', 'long', 'long'],
    'dynamic',
    ([series, period, testPoints]) => {
      const values = numbersOf(series);
      if (!values) return null;
      const found = Number(period) < 0 ? detectPeriod(values, seasonalThreshold) : Number(period);
      return reals(seasonal(values, found, Number(testPoints)));
    },
    { defaults: [-1, 0] },
  ),
};
