import { compareJson, jsonArray } from '../values/json-text.ts';
import { realToDynamic } from '../values/real-text.ts';
import type { NativeValue } from '../sql/native.ts';
import { native } from '../sql/native-row.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';
import { itemsOf } from './array.ts';

type Value = NativeValue | undefined;

/** Null is always missing, besides the placeholder. */
const isMissing = (item: string, placeholder: Value): boolean =>
  item === 'null' || (typeof placeholder === 'string' && compareJson(item, placeholder) === 0);

const isWhole = (item: string): boolean => /^-?\d+$/.test(item);
/** Carries the last value that was there onwards. */
function carried(items: readonly string[], placeholder: Value): string[] {
  let last: string | undefined;
  return items.map((item) => {
    if (!isMissing(item, placeholder)) last = item;
    return isMissing(item, placeholder) ? (last ?? item) : item;
  });
}

const carry = (name: string, backward: boolean): FunctionRow =>
  native(
    name,
    ['dynamic', 'dynamic'],
    'dynamic',
    ([series, placeholder]) => {
      const items = itemsOf(series);
      if (!items) return null;
      return jsonArray(backward ? carried(items.reverse(), placeholder).reverse() : carried(items, placeholder));
    },
    { nulls: true, defaults: [null] },
  );

/** Straight lines between the values that are there; of a series of whole numbers the whole part. */
function interpolated(items: readonly string[], placeholder: Value, edges: boolean): string[] {
  const known = items.flatMap((item, index) => (isMissing(item, placeholder) ? [] : [index]));
  const whole = known.every((index) => isWhole(items[index] ?? ''));
  return items.map((item, index) => {
    if (!isMissing(item, placeholder)) return item;
    const before = known.filter((other) => other < index).at(-1);
    const after = known.find((other) => other > index);
    if (before === undefined || after === undefined) {
      const nearest = before ?? after;
      return edges && nearest !== undefined ? (items[nearest] ?? item) : item;
    }
    const [from, to] = [Number(items[before]), Number(items[after])];
    const value = from + ((to - from) * (index - before)) / (after - before);
    return whole ? String(Math.trunc(value)) : realToDynamic(value);
  });
}

export const seriesFillFunctions: FunctionRows = {
  series_fill_forward: carry('series_fill_forward', false),
  series_fill_backward: carry('series_fill_backward', true),
  series_fill_const: native(
    'series_fill_const',
    ['dynamic', 'dynamic', 'dynamic'],
    'dynamic',
    ([series, constant, placeholder]) => {
      const items = itemsOf(series);
      if (!items || constant === null) return items ? String(series) : null;
      return jsonArray(items.map((item) => (isMissing(item, placeholder) ? String(constant) : item)));
    },
    { nulls: true, defaults: ['0', null] },
  ),
  series_fill_linear: native(
    'series_fill_linear',
    ['dynamic', 'dynamic', 'bool', 'real'],
    'dynamic',
    ([series, placeholder, edges, constant]) => {
      const items = itemsOf(series);
      if (!items) return null;
      if (items.every((item) => isMissing(item, placeholder)))
        return constant === null ? String(series) : jsonArray(items.map(() => realToDynamic(Number(constant))));
      return jsonArray(interpolated(items, placeholder, edges !== false));
    },
    { nulls: true, defaults: [null, true, 0] },
  ),
};
