import type { KqlType } from '../../kql/plan/types.ts';
import { physicalType } from '../../kql/plan/types.ts';
import { unixEpochTicks } from '../../kql/values/ticks.ts';
import { valueBytesMax } from './convert-value.ts';
import { quoted } from './parquet-convert.ts';

/** A field of text as a column, in SQL: what `valueOfText` makes of it, for the forms that are frequent. For others the statement fails; what
 * `valueOfText` makes of those that there are is then told, as long as they are few. */

/** Fails the statement. */
const unlike = "error('unlike')";

const matches = (x: string, pattern: string): string => `regexp_full_match(${x}, '${pattern}')`;

/** Begins with a letter and ends with no white space: no number, and nothing to trim. */
const word = (first: string, inner = '!-~'): string => `[${first}]([${inner} ]*[${inner}])?`;
/** Such words without a digit in them are no times. */
const withoutDigits = word('A-Za-z', '!-/:-~');

const day = '[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}';
const clock = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]';
const moment = `${day}[ T]${clock}`;

const ticks = (timestamp: string): string => `epoch_us(TRY_CAST(${timestamp} AS TIMESTAMP)) * 10 + ${unixEpochTicks}`;

const isShort = (x: string): string => `strlen(${x}) <= ${valueBytesMax}`;

/** What is the same in JSON that the engine has read and written again; it takes more for JSON than there is (NaN). */
const isSameJson = (x: string): string =>
  `NOT contains(${x}, '\\') AND NOT contains(${x}, 'NaN') AND NOT contains(${x}, 'Inf') AND TRY(CAST(json(${x}) AS VARCHAR)) = ${x}`;

/** Names in a bag, or in no bag, when there is no other inside: a column of its own, so that each text is read once for it.
 * @param x SQL of a text */
export const namesColumn = (x: string): string =>
  `CASE WHEN ascii(${x}) IN (91, 123) AND strpos(substr(${x}, 2), '{') = 0 THEN TRY(json_keys(${x})) END`;

/** Of a name given twice in one bag the last value counts. Names of bags in each other are looked at together.
 * @param names SQL of `namesColumn` */
const differ = (x: string, names: string): string => {
  const strings = `list_filter(regexp_extract_all(${x}, '"[^"]*":?'), lambda text: suffix(text, '":'))`;
  return `CASE WHEN len(${names}) = 2 THEN ${names}[1] <> ${names}[2] WHEN ${names} IS NOT NULL THEN len(${names}) = list_unique(${names})
    ELSE len(${strings}) = list_unique(${strings}) END`;
};

/** Text that is nested deeper than JSON may be is not short, and has many brackets. */
const isShallow = (x: string): string =>
  `(strlen(${x}) <= 400 OR strlen(${x}) * 2 - strlen(replace(${x}, '[', '')) - strlen(replace(${x}, '{', '')) <= 200)`;

/** Pairs of a condition and its value; the text is neither null nor empty. */
const cases: Readonly<
  Record<Exclude<KqlType, 'string'>, (x: string, names: string) => readonly (readonly [string, string])[]>
> = {
  bool: (x) => [
    [`lower(${x}) IN ('true', '1')`, 'true'],
    [`lower(${x}) IN ('false', '0')`, 'false'],
    [matches(x, word('A-Za-z')), 'NULL'],
  ],
  int: (x) => [
    [matches(x, '-?[0-9]{1,18}'), `TRY_CAST(${x} AS INTEGER)`],
    [matches(x, `${word('A-Za-z')}|-?[0-9]+[.][0-9]+`), 'NULL'],
  ],
  long: (x) => [
    [matches(x, '-?[0-9]{1,18}'), `TRY_CAST(${x} AS BIGINT)`],
    [matches(x, `${word('A-Za-z')}|-?[0-9]+[.][0-9]+`), 'NULL'],
  ],
  real: (x) => [
    [matches(x, '-?[0-9]{1,99}([.][0-9]{1,99})?([eE][+-]?[0-9]{1,2})?'), `TRY_CAST(${x} AS DOUBLE)`],
    [matches(x, word('A-HJ-MO-Za-hj-mo-z')), 'NULL'],
  ],
  decimal: (x) => [
    [matches(x, '-?[0-9]{1,20}([.][0-9]{1,18})?'), `TRY_CAST(${x} AS ${physicalType.decimal})`],
    [matches(x, word('A-Za-z')), 'NULL'],
  ],
  datetime: (x) => [
    [matches(x, `${moment}([.][0-9]{1,6})?Z?`), ticks(x)],
    [matches(x, `${moment}[.][0-9]{7}Z?`), `${ticks(`left(${x}, 19)`)} + CAST(substr(${x}, 21, 7) AS BIGINT)`],
    [matches(x, day), ticks(x)],
    [matches(x, withoutDigits), 'NULL'],
  ],
  timespan: (x) => [
    [
      matches(x, clock),
      `(CAST(left(${x}, 2) AS BIGINT) * 3600 + CAST(substr(${x}, 4, 2) AS BIGINT) * 60 + CAST(right(${x}, 2) AS BIGINT)) * 10000000`,
    ],
    [matches(x, withoutDigits), 'NULL'],
  ],
  guid: (x) => [
    [
      matches(x, '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}'),
      `TRY_CAST(${x} AS ${physicalType.guid})`,
    ],
    [matches(x, word('g-zG-Z')), 'NULL'],
  ],
  dynamic: (x, names) => [
    [`${x} = 'null'`, 'NULL'],
    [`ascii(${x}) IN (91, 123) AND ${isShort(x)} AND ${isShallow(x)} AND ${isSameJson(x)} AND ${differ(x, names)}`, x],
    [matches(x, '-?(0|[1-9][0-9]{0,30})([.][0-9]{1,30})?|true|false'), x],
    [`${isShort(`'""' || ${x}`)} AND ${matches(x, word('A-Za-z', '!#-\\[\\]-~'))}`, `'"' || ${x} || '"'`],
  ],
};

/** @param x SQL of a text
 * @param names SQL of `namesColumn`, for a dynamic column
 * @param told values in SQL by their texts, which have no frequent form
 * @returns SQL in the physical type of the column's */
export function textColumn(type: KqlType, x: string, names: string, told: ReadonlyMap<string, string>): string {
  if (type === 'string') return `CASE WHEN ${isShort(x)} THEN ${x} ELSE ${unlike} END`;
  const others = [
    ...cases[type](x, names).map(([condition, value]) => `WHEN ${condition} THEN ${value}`),
    ...[...told].map(([text, value]) => `WHEN ${x} = ${quoted(text)} THEN ${value}`),
  ];
  const value = `CASE WHEN ${x} = '' THEN NULL ${others.join(' ')} ELSE CAST(${unlike} AS ${physicalType[type]}) END`;
  return `CAST(${value} AS ${physicalType[type]})`;
}

/** @returns SQL of whether the text has none of the frequent forms */
export function isUnlikeText(type: KqlType, x: string, names: string): string {
  if (type === 'string') return `NOT ${isShort(x)}`;
  const forms = cases[type](x, names).map(([condition]) => `WHEN ${condition} THEN false`);
  return `CASE WHEN ${x} = '' THEN false ${forms.join(' ')} ELSE true END`;
}
