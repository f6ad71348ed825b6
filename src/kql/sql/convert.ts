import type { Sql } from './fragment.ts';
import { argumentOf, joined, sql } from './fragment.ts';
import * as kql from './macros.ts';
import type { KqlType } from '../plan/types.ts';
import { physicalType } from '../plan/types.ts';
import { KqlError } from '../plan/kql-error.ts';
import { datetimeOfText } from './convert-natives.ts';
import { nativeCall } from './native.ts';
import type { SqlArgument } from './scope.ts';

/** Conversions between KQL types as SQL. The functions named `kql_…` are macros of `sql/macros.ts` or native. */
export function convert(sql: Sql, from: KqlType, to: KqlType): Sql {
  if (from === to) return sql;
  const row = conversions[from][to];
  if (!row) throw new KqlError('semantic', `A value of type ${from} cannot be used as ${to}.`);
  return row(sql);
}

export const cast = (argument: SqlArgument, to: KqlType): Sql => convert(argument.sql, argument.type, to);

type Conversion = (sql: Sql) => Sql;
const direct =
  (to: KqlType): Conversion =>
  (x) =>
    sql`CAST(${x} AS ${physicalType[to]})`;
const same: Conversion = (x) => x;
/** Null has an empty text, never none: functions would take that for the word null, and lists of texts would leave it out. */
const text: Conversion = (x) => sql`coalesce(CAST(${x} AS VARCHAR), '')`;

/** Text that was made JSON is there already, and what stands at a path is read once. */
const textOfJson: Conversion = (x) => {
  const made = argumentOf(x, kql.jsonOfText);
  if (made !== undefined) return sql`coalesce(${made}, '')`;
  const at = typeof x === 'string' ? undefined : x.at;
  return at ? sql`coalesce(json_extract_string(${at.json}, ${at.path}), '')` : kql.textOfJson(x);
};

const conversions: Readonly<Record<KqlType, Readonly<Partial<Record<KqlType, Conversion>>>>> = {
  bool: {
    int: direct('int'),
    long: direct('long'),
    real: direct('real'),
    decimal: direct('decimal'),
    string: kql.textOfBool,
    dynamic: kql.jsonOfBool,
  },
  int: {
    bool: (x) => sql`(${x} <> 0)`,
    long: direct('long'),
    real: direct('real'),
    decimal: direct('decimal'),
    datetime: direct('datetime'),
    timespan: direct('timespan'),
    string: text,
    dynamic: direct('string'),
  },
  long: {
    bool: (x) => sql`(${x} <> 0)`,
    int: (x) => sql`TRY_CAST(${x} AS INTEGER)`,
    real: direct('real'),
    decimal: direct('decimal'),
    datetime: same,
    timespan: same,
    string: text,
    dynamic: direct('string'),
  },
  real: {
    bool: (x) => sql`(${x} <> 0)`,
    int: kql.intOfReal,
    long: kql.longOfReal,
    // By way of the text: 1.1 is 1.1, not what the bits of the double add up to.
    decimal: (x) => sql`TRY_CAST(CAST(${x} AS VARCHAR) AS DECIMAL(38,18))`,
    datetime: kql.longOfReal,
    timespan: kql.longOfReal,
    string: kql.textOfReal,
    dynamic: kql.jsonOfReal,
  },
  decimal: {
    bool: (x) => sql`(${x} <> 0)`,
    int: (x) => sql`TRY_CAST(trunc(${x}) AS INTEGER)`,
    long: (x) => sql`TRY_CAST(trunc(${x}) AS BIGINT)`,
    real: direct('real'),
    string: kql.textOfDecimal,
    dynamic: kql.jsonOfDecimal,
  },
  datetime: {
    long: same,
    real: direct('real'),
    string: kql.textOfDatetime,
    dynamic: kql.jsonOfDatetime,
  },
  timespan: {
    int: (x) => sql`TRY_CAST(${x} AS INTEGER)`,
    long: same,
    real: direct('real'),
    string: kql.textOfTimespan,
    dynamic: kql.jsonOfTimespan,
  },
  guid: { string: text, dynamic: kql.jsonOfGuid },
  string: {
    bool: kql.boolOfText,
    int: kql.intOfText,
    long: kql.longOfText,
    real: kql.realOfText,
    decimal: kql.decimalOfText,
    datetime: (x) => (typeof x === 'string' ? kql.datetimeOfText(x) : nativeCall(datetimeOfText, x)),
    timespan: kql.timespanOfText,
    guid: kql.guidOfText,
    dynamic: kql.jsonOfText,
  },
  dynamic: {
    bool: kql.boolOfJson,
    int: kql.intOfJson,
    long: kql.longOfJson,
    real: kql.realOfJson,
    decimal: kql.decimalOfJson,
    datetime: kql.datetimeOfJson,
    timespan: kql.timespanOfJson,
    guid: kql.guidOfJson,
    string: textOfJson,
  },
};

/** JSON text of a value inside an array or bag, where null is `null`. */
export const jsonElement = (argument: SqlArgument): Sql => sql`coalesce(${cast(argument, 'dynamic')}, 'null')`;

/** JSON text of an array of all arguments. */
export const jsonArrayOf = (args: readonly SqlArgument[]): Sql =>
  args.length === 0 ? `'[]'` : sql`('[' || ${joined(args.map(jsonElement), " || ',' || ")} || ']')`;
