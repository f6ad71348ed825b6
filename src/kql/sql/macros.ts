import * as natives from './convert-natives.ts';
import type { Sql } from './fragment.ts';
import { copied, joined, macro, sql } from './fragment.ts';
import { nativeCall } from './native.ts';

// The SQL macros behind the generated SQL: expressions, expanded in place by DuckDB. All that this file exports are macros.
// Ticks: 100 ns since 0001-01-01; 621355968000000000 of them until 1970.

/** `2024-01-31`, `2024-01-31 10:20:30.1234567Z`, also with `T`; days that do not exist among them. */
const isoDatetime = String.raw`(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d\d\d)-\d\d-\d\d(?:[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,7})?Z?)?`;

/** Texts of whole numbers. */
const [wholeNumber, hexNumber] = [String.raw`\s*[+-]?[0-9]+\s*`, String.raw`\s*0[xX][0-9a-fA-F]+\s*`];
const hexDigits = (text: Sql): Sql => sql`regexp_extract(${text}, '0[xX][0-9a-fA-F]+')`;

const [isoDay, isoTime] = ['[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]', '[T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9]'];
/** By length, frequent ones first: parts of a second, of which the last character may be the Z. */
const isoForms: readonly (readonly [length: number, pattern: string])[] = [
  [28, `${isoDay}${isoTime}.${'[0-9]'.repeat(7)}Z`],
  ...[24, 27, 26, 23, 25, 22].map(
    (length) => [length, `${isoDay}${isoTime}.${'[0-9]'.repeat(length - 21)}[0-9Z]`] as const,
  ),
  [20, `${isoDay}${isoTime}Z`],
  [19, `${isoDay}${isoTime}`],
  [10, isoDay],
];
/** Where T, Z and the signs between the numbers stand in their places, the cast to TIMESTAMP_NS takes no text that JavaScript reads in another
 * way or not at all, but for a second that is one digit and a point: so far a pattern need not look, which is what costs. */
const quickForm = (length: number, text: Sql): Sql | undefined => {
  const like = (end: string): Sql => sql`${text} LIKE '____-__-__T__:__:__${end}'`;
  if (length > 20) return like(`.${'_'.repeat(length - 21)}Z`);
  return length < 19 ? undefined : sql`${like(length === 20 ? 'Z' : '')} AND NOT contains(${text}, '.')`;
};
const isIsoText = (text: Sql): Sql =>
  sql`CASE ${copied(isoForms.length, sql`strlen(${text})`)} ${joined(
    isoForms.map(([length, pattern]) => {
      const [quick, whole] = [quickForm(length, text), sql`${text} GLOB '${pattern}'`];
      return quick === undefined
        ? sql`WHEN ${length} THEN ${whole}`
        : sql`WHEN ${length} THEN CASE WHEN ${quick} THEN true ELSE ${whole} END`;
    }),
    ' ',
  )} ELSE false END`;

/** In a text that DuckDB takes for JSON: a blank beside a sign that may be no part of a string, a number that is none, a comma at an end. */
const unlikeJson = String.raw`[:,\[{]\s|\s[\]},:]|[:,\[]-?[nNiI][aAnN]|,[\]}]|\s$`;

export const wrap = macro(
  'wrap',
  (x) =>
    sql`CAST(((((${x})::HUGEINT + 9223372036854775808) % 18446744073709551616 + 18446744073709551616) % 18446744073709551616) - 9223372036854775808 AS BIGINT)`,
);
export const ts = macro('ts', (t) => sql`make_timestamp((${t}) // 10 - 62135596800000000)`);
export const ticks = macro('ticks', (t) => sql`(epoch_us(${t}) * 10 + 621355968000000000)`);
export const floorMod = macro('floor_mod', (a, b) => sql`((((${a}) % (${b})) + abs(${b})) % abs(${b}))`);
export const textOfBool = macro(
  'text_of_bool',
  (x) => sql`CASE WHEN ${x} IS NULL THEN '' WHEN ${x} THEN 'True' ELSE 'False' END`,
);
// Texts of more than 15 digits are for the native functions: the engine has digits of its own there.
export const textOfReal = macro(
  'text_of_real',
  (
    x,
  ) => sql`CASE WHEN ${x} IS NULL THEN '' WHEN NOT isfinite(${x}) OR abs(${x}) >= 1e15 OR (abs(${x}) < 1e-4 AND ${x} <> 0) OR length(CAST(${x} AS VARCHAR)) > 16 THEN ${nativeCall(natives.realText, x)}
      ELSE CAST(${x} AS VARCHAR) END`,
);
export const jsonOfReal = macro(
  'json_of_real',
  (x) =>
    sql`CASE WHEN isfinite(${x}) AND abs(${x}) < 1e15 AND (abs(${x}) >= 1e-4 OR ${x} = 0) AND length(CAST(${x} AS VARCHAR)) <= 16 THEN CAST(${x} AS VARCHAR) ELSE ${nativeCall(natives.realJson, x)} END`,
);
export const textOfDecimal = macro(
  'text_of_decimal',
  (x) => sql`coalesce(regexp_replace(regexp_replace(CAST(${x} AS VARCHAR), '(\\.[0-9]*?)0+$', '\\1'), '\\.$', ''), '')`,
);
export const jsonOfDecimal = macro(
  'json_of_decimal',
  (x) => sql`CASE WHEN ${x} IS NOT NULL THEN '"' || ${textOfDecimal(x)} || '"' END`,
);
export const jsonOfBool = macro('json_of_bool', (x) => sql`CASE WHEN ${x} THEN 'true' WHEN NOT ${x} THEN 'false' END`);
export const textOfDatetime = macro(
  'text_of_datetime',
  (t) =>
    sql`coalesce(strftime(${ts(t)}, '%Y-%m-%dT%H:%M:%S.') || lpad(CAST((${t}) % 10000000 AS VARCHAR), 7, '0') || 'Z', '')`,
);
export const jsonOfDatetime = macro(
  'json_of_datetime',
  (t) =>
    sql`'"' || strftime(${ts(t)}, '%Y-%m-%dT%H:%M:%S.') || lpad(CAST((${t}) % 10000000 AS VARCHAR), 7, '0') || 'Z"'`,
);
// The sign is taken off what divisions leave: the least timespan itself has no opposite.
export const timespanBody = macro(
  'timespan_body',
  (
    t,
  ) => sql`CASE WHEN (${t}) < 0 THEN '-' ELSE '' END || CASE WHEN (${t}) // 864000000000 <> 0 THEN CAST(abs((${t}) // 864000000000) AS VARCHAR) || '.' ELSE '' END
      || lpad(CAST(abs((${t}) // 36000000000 % 24) AS VARCHAR), 2, '0') || ':' || lpad(CAST(abs((${t}) // 600000000 % 60) AS VARCHAR), 2, '0')
      || ':' || lpad(CAST(abs((${t}) // 10000000 % 60) AS VARCHAR), 2, '0')
      || CASE WHEN (${t}) % 10000000 <> 0 THEN '.' || lpad(CAST(abs((${t}) % 10000000) AS VARCHAR), 7, '0') ELSE '' END`,
);
export const textOfTimespan = macro('text_of_timespan', (t) => sql`coalesce(${timespanBody(t)}, '')`);
export const jsonOfTimespan = macro('json_of_timespan', (t) => sql`'"' || ${timespanBody(t)} || '"'`);
export const jsonOfGuid = macro('json_of_guid', (x) => sql`'"' || CAST(${x} AS VARCHAR) || '"'`);
export const jsonOfText = macro('json_of_text', (s) => sql`CAST(to_json(CAST(${s} AS VARCHAR)) AS VARCHAR)`);
// Out of range goes to the nearest end; NaN and infinities are null.
export const intWrapped = macro(
  'int_wrapped',
  (x) => sql`CAST((((${x}) % 4294967296 + 4294967296 + 2147483648) % 4294967296) - 2147483648 AS INTEGER)`,
);
export const intOfReal = macro(
  'int_of_real',
  (x) => sql`CASE WHEN isfinite(${x}) THEN CAST(greatest(least(trunc(${x}), 2147483647), -2147483648) AS INTEGER) END`,
);
export const longOfReal = macro(
  'long_of_real',
  (x) =>
    sql`CASE WHEN NOT isfinite(${x}) THEN NULL WHEN ${x} >= 9223372036854775807 THEN 9223372036854775807 WHEN ${x} <= -9223372036854775808 THEN (-9223372036854775808)::BIGINT ELSE CAST(trunc(${x}) AS BIGINT) END`,
);
export const boolOfText = macro(
  'bool_of_text',
  (s) =>
    sql`CASE WHEN lower(trim(${s})) = 'true' THEN true WHEN lower(trim(${s})) = 'false' THEN false WHEN regexp_full_match(trim(${s}), '[+-]?[0-9]+') THEN TRY_CAST(trim(${s}) AS BIGINT) <> 0 END`,
);
// Natives stay out of what filters use: they would keep DuckDB from pushing the filter into the scan. Its casts pass over blanks by
// themselves, except around digits of base 16.
export const longOfText = macro(
  'long_of_text',
  (s) =>
    sql`CASE WHEN regexp_full_match(${s}, '${wholeNumber}') THEN TRY_CAST(${s} AS BIGINT) WHEN regexp_full_match(${s}, '\\s*0[xX][89a-fA-F][0-9a-fA-F]{15}\\s*') THEN TRY_CAST(TRY_CAST(('0x' || substr(${hexDigits(s)}, 4)) AS BIGINT) + (strpos('01234567', translate(substr(${hexDigits(s)}, 3, 1), '89abcdefABCDEF', '01234567234567')) - 9)::BIGINT * 1152921504606846976 AS BIGINT) WHEN regexp_full_match(${s}, '${hexNumber}') THEN TRY_CAST(${hexDigits(s)} AS BIGINT) END`,
);
export const intOfText = macro(
  'int_of_text',
  (s) =>
    sql`CASE WHEN regexp_full_match(${s}, '${wholeNumber}') THEN TRY_CAST(${s} AS INTEGER) WHEN regexp_full_match(${s}, '${hexNumber}') THEN TRY_CAST(${hexDigits(s)} AS INTEGER) END`,
);
export const realOfText = macro(
  'real_of_text',
  (
    s,
  ) => sql`CASE WHEN regexp_full_match(${s}, '\\s*[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?\\s*') THEN TRY_CAST(${s} AS DOUBLE)
      WHEN regexp_full_match(lower(trim(${s})), 'nan') THEN 'NaN'::DOUBLE WHEN regexp_full_match(lower(trim(${s})), '[+]?inf(inity)?') THEN 'Infinity'::DOUBLE
      WHEN regexp_full_match(lower(trim(${s})), '-inf(inity)?') THEN '-Infinity'::DOUBLE END`,
);
export const decimalOfText = macro(
  'decimal_of_text',
  (s) =>
    sql`CASE WHEN regexp_full_match(${s}, '\\s*[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?\\s*') THEN TRY_CAST(${s} AS DECIMAL(38,18)) END`,
);
// The frequent ISO forms need no native function, which costs twenty times as much: those of 1678 to 2261 are compared with a pattern of
// their length, others with an expression.
export const datetimeOfText = macro(
  'datetime_of_text',
  (
    s,
  ) => sql`CASE WHEN ${isIsoText(s)} THEN coalesce(epoch_ns(TRY_CAST(${s} AS TIMESTAMP_NS)) // 100 + 621355968000000000, ${nativeCall(natives.datetimeOfText, s)})
      WHEN regexp_full_match(${s}, '${isoDatetime}') THEN coalesce(${ticks(sql`TRY_CAST(left(${s}, 19) AS TIMESTAMP)`)}
      + CAST(rpad(rtrim(substr(${s}, 21), 'Z'), 7, '0') AS BIGINT), ${nativeCall(natives.datetimeOfText, s)}) ELSE ${nativeCall(natives.datetimeOfText, s)} END`,
);
// JSON without blanks between its parts stays as it is. What only DuckDB takes for JSON (NaN, a last comma) does not.
export const parseJson = macro(
  'parse_json',
  (s) =>
    sql`CASE WHEN ascii(${s}) IN (91, 123) AND json_valid(${s}) AND NOT regexp_matches(${s}, '${unlikeJson}') THEN ${s} ELSE ${nativeCall(natives.jsonOfText, s)} END`,
);
export const timespanOfText = macro('timespan_of_text', (s) => nativeCall(natives.timespanOfText, s));
// What follows the 32nd digit is not looked at.
export const guidOfText = macro(
  'guid_of_text',
  (s) =>
    sql`TRY_CAST(coalesce(nullif(${copied(2, sql`regexp_extract(trim(${s}, ' {}()'), '^[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}')`)}, ''), trim(${s}, ' {}()')) AS UUID)`,
);
// dynamic
export const json = macro('json', (x) => sql`nullif(${copied(2, sql`CAST(${x} AS VARCHAR)`)}, 'null')`);
/** What stands at a path, as DuckDB writes it. */
export const jsonAt = macro('json_at', (j, path) => json(sql`json_extract(${j}, ${path})`));
// Not by way of DuckDB's JSON, which would write the numbers anew.
export const textOfJson = macro(
  'text_of_json',
  (j) =>
    sql`coalesce(CASE WHEN starts_with(${j}, '"') THEN json_extract_string(${j}, '$') ELSE nullif(${copied(2, j)}, 'null') END, '')`,
);
export const longOfJson = macro(
  'long_of_json',
  (
    j,
  ) => sql`CASE ${copied(3, sql`json_type(${j})`)} WHEN 'VARCHAR' THEN ${longOfText(sql`json_extract_string(${j}, '$')`)} WHEN 'DOUBLE' THEN ${longOfReal(sql`TRY_CAST(${j} AS DOUBLE)`)}
      WHEN 'BOOLEAN' THEN CASE ${j} WHEN 'true' THEN 1 ELSE 0 END ELSE TRY_CAST(${j} AS BIGINT) END`,
);
export const intOfJson = macro(
  'int_of_json',
  (j) =>
    sql`CASE ${copied(2, sql`json_type(${j})`)} WHEN 'VARCHAR' THEN ${intOfText(sql`json_extract_string(${j}, '$')`)} WHEN 'DOUBLE' THEN ${intOfReal(sql`TRY_CAST(${j} AS DOUBLE)`)} ELSE ${intWrapped(longOfJson(j))} END`,
);
export const realOfJson = macro(
  'real_of_json',
  (j) =>
    sql`CASE ${copied(2, sql`json_type(${j})`)} WHEN 'VARCHAR' THEN ${realOfText(sql`json_extract_string(${j}, '$')`)} WHEN 'BOOLEAN' THEN CASE ${j} WHEN 'true' THEN 1e0 ELSE 0e0 END ELSE TRY_CAST(${j} AS DOUBLE) END`,
);
export const decimalOfJson = macro('decimal_of_json', (j) => decimalOfText(sql`json_extract_string(${j}, '$')`));
export const boolOfJson = macro(
  'bool_of_json',
  (j) =>
    sql`CASE ${copied(2, sql`json_type(${j})`)} WHEN 'BOOLEAN' THEN ${j} = 'true' WHEN 'VARCHAR' THEN coalesce(${boolOfText(sql`json_extract_string(${j}, '$')`)}, CASE WHEN ${longOfText(sql`json_extract_string(${j}, '$')`)} <> 0 THEN true END) ELSE TRY_CAST(${j} AS DOUBLE) <> 0 END`,
);
export const datetimeOfJson = macro(
  'datetime_of_json',
  (j) =>
    sql`CASE json_type(${j}) WHEN 'VARCHAR' THEN ${datetimeOfText(sql`json_extract_string(${j}, '$')`)} ELSE TRY_CAST(${j} AS BIGINT) END`,
);
export const timespanOfJson = macro(
  'timespan_of_json',
  (j) =>
    sql`CASE json_type(${j}) WHEN 'VARCHAR' THEN ${timespanOfText(sql`json_extract_string(${j}, '$')`)} ELSE TRY_CAST(${j} AS BIGINT) END`,
);
export const guidOfJson = macro('guid_of_json', (j) => guidOfText(sql`json_extract_string(${j}, '$')`));
// A constant path is read even where its branch is not taken, and a path without a name is an error.
export const pathKey = macro(
  'path_key',
  (k) => sql`'$."' || replace(replace(nullif(${copied(2, k)}, ''), '\\', '\\\\'), '"', '\\"') || '"'`,
);
// An array as a list of JSON texts; a bag as one-key bags; anything else as itself.
export const elements = macro(
  'elements',
  (j) => sql`CASE json_type(${j}) WHEN 'ARRAY' THEN json_extract(${j}, '$[*]') ELSE NULL END`,
);
// calendar
export const day = macro('day', (t) => sql`((${t}) - ${floorMod(t, '864000000000')})`);
export const inCalendar = macro(
  'in_calendar',
  (t) => sql`CASE WHEN ${copied(2, t)} BETWEEN 0 AND 3155378975999999999 THEN ${t} END`,
);
export const weekday = macro('weekday', (t) => sql`(((${t}) // 864000000000 + 1) % 7)`);
