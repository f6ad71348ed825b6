import { fourier } from '../algorithms/series/fourier.ts';
import {
  finiteImpulseResponse,
  fitPolynomial,
  infiniteImpulseResponse,
  pearson,
  statistics,
} from '../algorithms/series/series.ts';
import { KqlError } from '../plan/kql-error.ts';
import { jsonArray } from '../values/json-text.ts';
import { realToDynamic } from '../values/real-text.ts';
import type { NativeValue } from '../sql/native.ts';
import { native, withoutRun } from '../sql/native-row.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';
import { seriesAnalysisFunctions } from './series-analysis.ts';
import { itemsOf } from './array.ts';
import { elementOf, elementsOf, numbersOf, operandOf, reals } from './series-elements.ts';
import { seriesFillFunctions } from './series-fill.ts';

type Value = NativeValue | undefined;

const numberText = (value: number, whole: boolean): string =>
  whole && Number.isSafeInteger(value) ? String(value) : realToDynamic(value);

const ofEach = (name: string, keepsWhole: boolean, run: (x: number) => number): FunctionRow =>
  native(name, ['dynamic'], 'dynamic', ([series]) => {
    const elements = elementsOf(series);
    if (!elements) return null;
    return jsonArray(
      elements.map((element) => (element ? numberText(run(element.value), keepsWhole && element.whole) : 'null')),
    );
  });

/** Element by element; one side may be a number for all. Where one is missing or no number the result is null. */
const pairwise = (name: string, run: (a: number, b: number, whole: boolean) => string): FunctionRow =>
  native(name, ['dynamic', 'dynamic'], 'dynamic', ([first, second]) => {
    const [xs, ys] = [itemsOf(first)?.map(operandOf), itemsOf(second)?.map(operandOf)];
    if (!xs && !ys) return null;
    const [x, y] = [operandOf(String(first)), operandOf(String(second))];
    const length = Math.max(xs?.length ?? 0, ys?.length ?? 0);
    return jsonArray(
      Array.from({ length }, (_unused, index) => {
        const [a, b] = [xs ? xs[index] : x, ys ? ys[index] : y];
        return a && b ? run(a.value, b.value, a.whole && b.whole) : 'null';
      }),
    );
  });
const arithmetic = (name: string, keepsWhole: boolean, run: (a: number, b: number) => number): FunctionRow =>
  pairwise(name, (a, b, whole) => numberText(run(a, b), keepsWhole && whole));
const compare = (name: string, run: (a: number, b: number) => boolean): FunctionRow =>
  pairwise(name, (a, b) => String(run(a, b)));

const total = (name: string, run: (numbers: number[]) => number): FunctionRow =>
  native(name, ['dynamic'], 'real', ([series]) => {
    const numbers = numbersOf(series);
    return numbers ? run(numbers) : null;
  });

/** The longer series is cut to the shorter one; what is no number is left out. */
function dot(first: Value, second: Value): number | null {
  const [xs, ys] = [elementsOf(first), elementsOf(second)];
  const length = Math.min(xs?.length ?? Infinity, ys?.length ?? Infinity);
  if (!Number.isFinite(length) || length === 0) return null;
  const [x, y] = [elementOf(String(first)), elementOf(String(second))];
  let sum = 0;
  for (let index = 0; index < length; index += 1) {
    const [a, b] = [xs ? xs[index] : x, ys ? ys[index] : y];
    if (a && b) sum += a.value * b.value;
  }
  return sum;
}
const magnitude = (numbers: readonly number[]): number =>
  Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0));

const line = (series: Value): { columns: string[]; bag: string } | undefined => {
  const ys = numbersOf(series);
  const fit =
    ys &&
    fitPolynomial(
      ys,
      // The engine counts from 1: its interception is the line's value before the first point.
      ys.map((_y, index) => index + 1),
      1,
    );
  if (!fit) return undefined;
  const [slope = 0, interception = 0] = fit.coefficients;
  const values = [fit.rSquare, slope, fit.variance, fit.residualVariance, interception].map(realToDynamic);
  const columns = [...values, reals(fit.fit)];
  const names = ['rsquare', 'slope', 'variance', 'rvariance', 'interception', 'line_fit'];
  return { columns, bag: `{${names.map((name, index) => `"${name}":${columns[index] ?? 'null'}`).join(',')}}` };
};

const statisticsRow = (name: string, dynamic: boolean): FunctionRow =>
  native(
    name,
    ['dynamic', 'bool'],
    'dynamic',
    ([series, ignore]) => {
      const elements = elementsOf(series);
      const found = elements && statistics(elements, ignore === true);
      if (!found) return null;
      const { min, minIndex, max, maxIndex, avg, stdev, variance, sum, length } = found;
      const shared = [min, avg, stdev, variance].map(realToDynamic);
      const [least = '', average = '', deviation = '', spread = ''] = shared;
      return dynamic
        ? `{"min":${least},"min_idx":${minIndex},"max":${realToDynamic(max)},"max_idx":${maxIndex},"avg":${average},"stdev":${deviation},"variance":${spread},"sum":${realToDynamic(sum)},"len":${length}}`
        : `[${least},${minIndex},${realToDynamic(max)},${maxIndex},${average},${deviation},${spread}]`;
    },
    { defaults: [false] },
  );

const fft = (name: string, inverse: boolean): FunctionRow =>
  native(
    name,
    ['dynamic', 'dynamic'],
    'dynamic',
    ([first, second]) => {
      const real = numbersOf(first);
      const imaginary = second === null ? real?.map(() => 0) : numbersOf(second);
      if (!real || real.length !== imaginary?.length) return null;
      const result = fourier({ real, imaginary }, inverse);
      return `[${reals(result.real)},${reals(result.imaginary)}]`;
    },
    { nulls: true, defaults: [null] },
  );

const polynomial = native(
  'series_fit_poly',
  ['dynamic', 'dynamic', 'long'],
  'dynamic',
  ([y, x, degree]) => {
    const ys = numbersOf(y);
    const xs = x === null ? ys?.map((_y, index) => index + 1) : numbersOf(x);
    const order = Number(degree ?? 1);
    const fit = ys && xs && order >= 0 && order <= 32 ? fitPolynomial(ys, xs, order) : undefined;
    if (!fit) return null;
    return `[${realToDynamic(fit.rSquare)},${reals(fit.coefficients)},${realToDynamic(fit.variance)},${realToDynamic(fit.residualVariance)},${reals(fit.fit)}]`;
  },
  { nulls: true, defaults: [null, 1] },
);
const fitPoly: FunctionRow = {
  ...withoutRun(polynomial),
  tolerated: ['KS107'],
  sql: (args, call, scope) => {
    const degree = args[2]?.type ?? 'long';
    if (degree !== 'int' && degree !== 'long')
      throw new KqlError('semantic', 'series_fit_poly(): the degree must be an integer.');
    return polynomial.sql(args, call, scope);
  },
};

export const seriesFunctions: FunctionRows = {
  ...seriesFillFunctions,
  ...seriesAnalysisFunctions,
  series_add: arithmetic('series_add', true, (a, b) => a + b),
  series_subtract: arithmetic('series_subtract', true, (a, b) => a - b),
  series_multiply: arithmetic('series_multiply', true, (a, b) => a * b),
  series_divide: arithmetic('series_divide', false, (a, b) => a / b),
  series_pow: arithmetic('series_pow', false, (a, b) => a ** b),
  series_greater: compare('series_greater', (a, b) => a > b),
  series_greater_equals: compare('series_greater_equals', (a, b) => a >= b),
  series_less: compare('series_less', (a, b) => a < b),
  series_less_equals: compare('series_less_equals', (a, b) => a <= b),
  series_equals: compare('series_equals', (a, b) => a === b),
  series_not_equals: compare('series_not_equals', (a, b) => a !== b),
  series_abs: ofEach('series_abs', true, Math.abs),
  series_sign: ofEach('series_sign', true, Math.sign),
  series_exp: ofEach('series_exp', false, Math.exp),
  series_log: ofEach('series_log', false, Math.log),
  series_sin: ofEach('series_sin', false, Math.sin),
  series_cos: ofEach('series_cos', false, Math.cos),
  series_tan: ofEach('series_tan', false, Math.tan),
  series_asin: ofEach('series_asin', false, Math.asin),
  series_acos: ofEach('series_acos', false, Math.acos),
  series_atan: ofEach('series_atan', false, Math.atan),
  series_floor: ofEach('series_floor', false, Math.floor),
  series_ceiling: ofEach('series_ceiling', false, Math.ceil),
  series_sum: total('series_sum', (numbers) => numbers.reduce((sum, value) => sum + value, 0)),
  series_product: total('series_product', (numbers) => numbers.reduce((product, value) => product * value, 1)),
  series_magnitude: total('series_magnitude', magnitude),
  series_dot_product: native('series_dot_product', ['dynamic', 'dynamic'], 'real', ([a, b]) => dot(a, b)),
  series_cosine_similarity: native(
    'series_cosine_similarity',
    ['dynamic', 'dynamic', 'real', 'real'],
    'real',
    ([a, b, first, second]) => {
      const sum = dot(a, b);
      const [xs, ys] = [elementsOf(a), elementsOf(b)];
      if (sum === null || !xs || !ys) return null;
      // As far as both go; what is no number does not count.
      const length = (of: typeof xs, other: typeof ys): number =>
        magnitude(of.slice(0, other.length).map((element) => element?.value ?? 0));
      return (
        sum / ((first === null ? length(xs, ys) : Number(first)) * (second === null ? length(ys, xs) : Number(second)))
      );
    },
    { nulls: true, defaults: [null, null] },
  ),
  series_pearson_correlation: native('series_pearson_correlation', ['dynamic', 'dynamic'], 'real', ([a, b]) => {
    const [xs, ys] = [numbersOf(a), numbersOf(b)];
    return xs && ys && xs.length === ys.length && xs.length > 0 ? pearson(xs, ys) : null;
  }),
  series_stats: statisticsRow('series_stats', false),
  series_stats_dynamic: statisticsRow('series_stats_dynamic', true),
  series_fit_line: native('series_fit_line', ['dynamic'], 'dynamic', ([series]) => {
    const found = line(series);
    return found ? jsonArray(found.columns) : null;
  }),
  series_fit_line_dynamic: native(
    'series_fit_line_dynamic',
    ['dynamic'],
    'dynamic',
    ([series]) => line(series)?.bag ?? null,
  ),
  series_fit_poly: fitPoly,
  series_fft: fft('series_fft', false),
  series_ifft: fft('series_ifft', true),
  series_fir: native(
    'series_fir',
    ['dynamic', 'dynamic', 'bool', 'bool'],
    'dynamic',
    ([series, filter, normalize, center]) => {
      const [values, weights] = [numbersOf(series), numbersOf(filter)];
      if (!values || !weights || weights.length === 0) return null;
      const negative = weights.some((weight) => weight < 0);
      if (negative && normalize === true) return null;
      return reals(
        finiteImpulseResponse(values, weights, normalize === null ? !negative : normalize === true, center === true),
      );
    },
    { nulls: true, defaults: [null, false] },
  ),
  series_iir: native(
    'series_iir',
    ['dynamic', 'dynamic', 'dynamic'],
    'dynamic',
    ([series, numerators, denominators]) => {
      const [values, b, a] = [numbersOf(series), numbersOf(numerators), numbersOf(denominators)];
      if (!values || !b || !a || a[0] === undefined || a[0] === 0) return null;
      return reals(infiniteImpulseResponse(values, b, a));
    },
  ),
};
