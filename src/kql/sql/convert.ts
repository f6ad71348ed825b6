import type { KqlType } from '../plan/types.ts';
import { physicalType } from '../plan/types.ts';
import { KqlError } from '../plan/kql-error.ts';
import { datetimeOfText } from './convert-natives.ts';
import { isPlain } from './copies.ts';
import { nativeCall } from './native.ts';
import type { SqlArgument } from './scope.ts';

/** Conversions between KQL types as SQL. The functions named `kql_…` are macros of `sql/macros.ts` or native. */
export function convert(sql: string, from: KqlType, to: KqlType): string {
  if (from === to) return sql;
  const row = conversions[from][to];
  if (!row) throw new KqlError('semantic', `A value of type ${from} cannot be used as ${to}.`);
  return row(sql);
}

export const cast = (argument: SqlArgument, to: KqlType): string => convert(argument.sql, argument.type, to);

type Conversion = (sql: string) => string;
const direct =
  (to: KqlType): Conversion =>
  (x) =>
    `CAST(${x} AS ${physicalType[to]})`;
const macro =
  (name: string): Conversion =>
  (x) =>
    `${name}(${x})`;
const same: Conversion = (x) => x;
/** Null has an empty text, never none: functions would take that for the word null, and lists of texts would leave it out. */
const text: Conversion = (x) => `coalesce(CAST(${x} AS VARCHAR), '')`;

const conversions: Readonly<Record<KqlType, Readonly<Partial<Record<KqlType, Conversion>>>>> = {
  bool: {
    int: direct('int'),
    long: direct('long'),
    real: direct('real'),
    decimal: direct('decimal'),
    string: macro('kql_text_of_bool'),
    dynamic: macro('kql_json_of_bool'),
  },
  int: {
    bool: (x) => `(${x} <> 0)`,
    long: direct('long'),
    real: direct('real'),
    decimal: direct('decimal'),
    datetime: direct('datetime'),
    timespan: direct('timespan'),
    string: text,
    dynamic: direct('string'),
  },
  long: {
    bool: (x) => `(${x} <> 0)`,
    int: (x) => `TRY_CAST(${x} AS INTEGER)`,
    real: direct('real'),
    decimal: direct('decimal'),
    datetime: same,
    timespan: same,
    string: text,
    dynamic: direct('string'),
  },
  real: {
    bool: (x) => `(${x} <> 0)`,
    int: macro('kql_int_of_real'),
    long: macro('kql_long_of_real'),
    // By way of the text: 1.1 is 1.1, not what the bits of the double add up to.
    decimal: (x) => `TRY_CAST(CAST(${x} AS VARCHAR) AS DECIMAL(38,18))`,
    datetime: macro('kql_long_of_real'),
    timespan: macro('kql_long_of_real'),
    string: macro('kql_text_of_real'),
    dynamic: macro('kql_json_of_real'),
  },
  decimal: {
    bool: (x) => `(${x} <> 0)`,
    int: (x) => `TRY_CAST(trunc(${x}) AS INTEGER)`,
    long: (x) => `TRY_CAST(trunc(${x}) AS BIGINT)`,
    real: direct('real'),
    string: macro('kql_text_of_decimal'),
    dynamic: macro('kql_json_of_decimal'),
  },
  datetime: {
    long: same,
    real: direct('real'),
    string: macro('kql_text_of_datetime'),
    dynamic: macro('kql_json_of_datetime'),
  },
  timespan: {
    int: (x) => `TRY_CAST(${x} AS INTEGER)`,
    long: same,
    real: direct('real'),
    string: macro('kql_text_of_timespan'),
    dynamic: macro('kql_json_of_timespan'),
  },
  guid: { string: text, dynamic: macro('kql_json_of_guid') },
  string: {
    bool: macro('kql_bool_of_text'),
    int: macro('kql_int_of_text'),
    long: macro('kql_long_of_text'),
    real: macro('kql_real_of_text'),
    decimal: macro('kql_decimal_of_text'),
    datetime: (x) => (isPlain(x) ? `kql_datetime_of_text(${x})` : nativeCall(datetimeOfText, x)),
    timespan: macro('kql_timespan_of_text'),
    guid: macro('kql_guid_of_text'),
    dynamic: macro('kql_json_of_text'),
  },
  dynamic: {
    bool: macro('kql_bool_of_json'),
    int: macro('kql_int_of_json'),
    long: macro('kql_long_of_json'),
    real: macro('kql_real_of_json'),
    decimal: macro('kql_decimal_of_json'),
    datetime: macro('kql_datetime_of_json'),
    timespan: macro('kql_timespan_of_json'),
    guid: macro('kql_guid_of_json'),
    string: macro('kql_text_of_json'),
  },
};

/** JSON text of a value inside an array or bag, where null is `null`. */
export const jsonElement = (argument: SqlArgument): string => `coalesce(${cast(argument, 'dynamic')}, 'null')`;

/** JSON text of an array of all arguments. */
export const jsonArrayOf = (args: readonly SqlArgument[]): string =>
  args.length === 0 ? `'[]'` : `('[' || ${args.map(jsonElement).join(" || ',' || ")} || ']')`;
