import type { Element } from '../algorithms/series/series.ts';
import { jsonArray, jsonKind } from '../values/json-text.ts';
import { realToDynamic } from '../values/real-text.ts';
import type { NativeValue } from '../sql/native.ts';
import { parseDatetime } from '../values/ticks.ts';
import { itemsOf } from './array.ts';

type Value = NativeValue | undefined;

/** NaN and infinities travel as strings in JSON. */
const special: Readonly<Record<string, number>> = { '"NaN"': NaN, '"Infinity"': Infinity, '"-Infinity"': -Infinity };

export function elementOf(raw: string): Element {
  if (Object.hasOwn(special, raw)) return { whole: false, value: special[raw] ?? NaN };
  return jsonKind(raw) === 'number' ? { whole: /^-?\d+$/.test(raw), value: Number(raw) } : undefined;
}
/** For arithmetic a moment counts as its ticks.
 * @see series_rate_fl() of the functions library, which divides the differences of timestamps by the ticks of a second */
export const operandOf = (raw: string): Element => {
  const ticks = moment.test(raw) ? parseDatetime(raw.slice(1, -1)) : undefined;
  return ticks === undefined ? elementOf(raw) : { whole: true, value: Number(ticks) };
};
/** Datetimes in dynamic values are text in this form. */
const moment = /^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z"$/;

export const elementsOf = (value: Value): Element[] | undefined => itemsOf(value)?.map(elementOf);

/** All elements as numbers; undefined when one is none. */
export const numbersOf = (value: Value): number[] | undefined => {
  const elements = elementsOf(value);
  const numbers = elements?.flatMap((element) => (element ? [element.value] : []));
  return numbers && numbers.length === elements?.length ? numbers : undefined;
};

export const reals = (values: readonly number[]): string => jsonArray(values.map(realToDynamic));
