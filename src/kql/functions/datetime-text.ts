import type { Sql } from '../sql/fragment.ts';
import { copied, joined, sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { native, withoutRun } from '../sql/native-row.ts';
import { big, nativeCall, nativeFunction } from '../sql/native.ts';
import { cast } from '../sql/convert.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';
import {
  inCalendar,
  ticksOfDate,
  ticksPerDay,
  ticksPerHour,
  ticksPerMillisecond,
  ticksPerMinute,
  ticksPerSecond,
  unixEpochTicks,
} from '../values/ticks.ts';

const pad = (value: bigint | number, width: number): string => value.toString().padStart(width, '0');
const dateOf = (ticks: bigint): Date =>
  new Date(Number((ticks - unixEpochTicks - (ticks % ticksPerMillisecond)) / ticksPerMillisecond));

const fraction = (ticks: bigint, letters: string): string => {
  const digits = pad(((ticks % ticksPerSecond) + ticksPerSecond) % ticksPerSecond, 7).slice(0, letters.length);
  return letters.startsWith('f') ? digits : digits.replace(/0+$/, '');
};

/** Letters of format_datetime. What is no letter of the list stands for itself. */
const datetimeParts: Readonly<Record<string, (date: Date) => string>> = {
  yyyy: (date) => pad(date.getUTCFullYear(), 4),
  yy: (date) => pad(date.getUTCFullYear() % 100, 2),
  y: (date) => String(date.getUTCFullYear() % 100),
  MM: (date) => pad(date.getUTCMonth() + 1, 2),
  M: (date) => String(date.getUTCMonth() + 1),
  dd: (date) => pad(date.getUTCDate(), 2),
  d: (date) => String(date.getUTCDate()),
  HH: (date) => pad(date.getUTCHours(), 2),
  H: (date) => String(date.getUTCHours()),
  hh: (date) => pad(date.getUTCHours() % 12 || 12, 2),
  h: (date) => String(date.getUTCHours() % 12 || 12),
  mm: (date) => pad(date.getUTCMinutes(), 2),
  m: (date) => String(date.getUTCMinutes()),
  ss: (date) => pad(date.getUTCSeconds(), 2),
  s: (date) => String(date.getUTCSeconds()),
  tt: (date) => (date.getUTCHours() < 12 ? 'AM' : 'PM'),
};
const datetimeLetters = /yyyy|yy|y|MM|M|dd|d|HH|H|hh|h|mm|m|ss|s|tt|f{1,7}|F{1,7}/g;

/** For operators that walk rows. */
const formatDatetimeRow = native('format_datetime', ['datetime', 'string'], 'string', ([at, format]) => {
  if (!datetimeFormat.test(String(format))) return null;
  const ticks = big(at);
  const date = dateOf(ticks);
  return String(format).replace(datetimeLetters, (letters) =>
    /^[fF]/.test(letters) ? fraction(ticks, letters) : (datetimeParts[letters]?.(date) ?? letters),
  );
});

/** The same letters in DuckDB's `strftime`. */
const strftimeParts: Readonly<Record<string, string>> = {
  ...{ yyyy: '%Y', yy: '%y', y: '%-y', MM: '%m', M: '%-m', dd: '%d', d: '%-d', HH: '%H', H: '%-H' },
  ...{ hh: '%I', h: '%-I', mm: '%M', m: '%-M', ss: '%S', s: '%-S', tt: '%p' },
};

/** @param at ticks @returns undefined for a format that is not valid */
function formatDatetimeSql(at: Sql, format: string): Sql | undefined {
  if (!datetimeFormat.test(format)) return undefined;
  const pieces = format.match(/f{1,7}|F{1,7}|(?:(?![fF]).)+/g) ?? [];
  const value = pieces.map((piece) => {
    if (/^[fF]/.test(piece)) {
      const digits = sql`left(lpad(CAST(${at} % ${String(ticksPerSecond)} AS VARCHAR), 7, '0'), ${piece.length})`;
      return piece.startsWith('f') ? digits : sql`rtrim(${digits}, '0')`;
    }
    const written = piece.replace(datetimeLetters, (letters) => strftimeParts[letters] ?? letters);
    return sql`strftime(${kql.ts(at)}, '${written}')`;
  });
  return value.length === 0 ? "''" : sql`(${joined(value, ' || ')})`;
}

function formatTimespanBy(ticks: bigint, pattern: string): string {
  const size = ticks < 0n ? -ticks : ticks;
  const text = pattern.replace(/d{1,8}|H{1,2}|h{1,2}|m{1,2}|s{1,2}|f{1,7}|F{1,7}/g, (letters) => {
    const { length } = letters;
    switch (letters.charAt(0)) {
      case 'd':
        return pad(size / ticksPerDay, length);
      case 'H':
      case 'h':
        return pad((size / ticksPerHour) % 24n, length);
      case 'm':
        return pad((size / ticksPerMinute) % 60n, length);
      case 's':
        return pad((size / ticksPerSecond) % 60n, length);
      default:
        return fraction(size, letters);
    }
  });
  return ticks < 0n ? `-${text}` : text;
}

/** The letters and delimiters that a format may have. Anything else is refused, as by the engine. */
const datetimeFormat = /^(?:yyyy|yy|y|MM|M|dd|d|HH|H|hh|h|mm|m|ss|s|tt|f{1,7}|F{1,7}|[ /\-:,._[\]])*$/;
const timespanFormat = /^(?:d{1,8}|HH|H|hh|h|mm|m|ss|s|f{1,7}|F{1,7}|[ /\-:,._[\]])*$/;

const checkedFormat = (name: string, allowed: RegExp, row: FunctionRow): FunctionRow => ({
  ...withoutRun(row),
  sql: (args, call, scope) => {
    const pattern = args[1]?.expression;
    if (pattern?.k === 'literal' && !allowed.test(String(pattern.value)))
      throw new KqlError('semantic', `${name}(): the format is not valid.`, call.at);
    return row.sql(args, call, scope);
  },
});

const datetimeOfParts = nativeFunction(
  'make_datetime',
  ['long', 'long', 'long', 'long', 'long', 'real'],
  'datetime',
  ([year, month, day, hour, minute, second]) => {
    const date = ticksOfDate(Number(year), Number(month), Number(day));
    if (
      date === undefined ||
      Number(hour) > 23 ||
      Number(hour) < 0 ||
      Number(minute) > 59 ||
      Number(minute) < 0 ||
      !(Number(second) >= 0 && Number(second) < 60)
    )
      return null;
    return date + big(hour) * ticksPerHour + big(minute) * ticksPerMinute + BigInt(Math.round(Number(second) * 1e7));
  },
);

const makeDatetime: FunctionRow = {
  result: 'datetime',
  natives: [datetimeOfParts],
  sql: (args) => {
    const [only] = args;
    if (args.length === 1 && only) return cast(only, 'datetime');
    const [year, month, day, hour, minute, second] = args;
    const long = (argument: typeof year, missing: string): Sql => (argument ? cast(argument, 'long') : missing);
    const date = [long(year, '1'), long(month, '1'), long(day, '1')];
    return nativeCall(
      datetimeOfParts,
      ...date,
      long(hour, '0'),
      long(minute, '0'),
      second ? cast(second, 'real') : '0e0',
    );
  },
};
const timespanOfParts = nativeFunction(
  'make_timespan',
  ['long', 'long', 'long', 'real'],
  'timespan',
  ([days, hours, minutes, seconds]) => {
    if (
      Number(hours) > 23 ||
      Number(minutes) > 59 ||
      Number(hours) < 0 ||
      Number(minutes) < 0 ||
      !(Number(seconds) >= 0 && Number(seconds) < 60)
    )
      return null;
    return (
      big(days) * ticksPerDay +
      big(hours) * ticksPerHour +
      big(minutes) * ticksPerMinute +
      BigInt(Math.round(Number(seconds) * 1e7))
    );
  },
);

const makeTimespan: FunctionRow = {
  result: 'timespan',
  // Parts of a second.
  tolerated: ['KS134'],
  natives: [timespanOfParts],
  sql: (args) => {
    const [only] = args;
    if (args.length === 1 && only) return cast(only, 'timespan');
    const [days, hours, minutes, seconds] = args.length === 4 ? args : [undefined, ...args];
    const long = (argument: typeof days): Sql => (argument ? cast(argument, 'long') : '0');
    return nativeCall(timespanOfParts, long(days), long(hours), long(minutes), seconds ? cast(seconds, 'real') : '0e0');
  },
};

const formats = new Map<string, Intl.DateTimeFormat>();
/** @returns what a clock in the zone is ahead of UTC, in ticks; undefined for a zone that does not exist */
function zoneOffset(ticks: bigint, zone: string): bigint | undefined {
  let format = formats.get(zone);
  if (!format) {
    try {
      format = new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      });
    } catch {
      return undefined;
    }
    formats.set(zone, format);
  }
  const date = dateOf(ticks - (ticks % ticksPerSecond));
  const parts = new Map(format.formatToParts(date).map((part) => [part.type, Number(part.value)]));
  const number = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  const local = Date.UTC(
    number('year'),
    number('month') - 1,
    number('day'),
    number('hour'),
    number('minute'),
    number('second'),
  );
  return BigInt(local - date.getTime()) * ticksPerMillisecond;
}

/** A local time that the clocks skipped is taken as the moment of the change. */
function localToUtc(ticks: bigint, zone: string): NativeValue {
  const guess = zoneOffset(ticks, zone);
  if (guess === undefined) return null;
  const [before, after] = [
    zoneOffset(ticks - ticksPerDay, zone) ?? guess,
    zoneOffset(ticks + ticksPerDay, zone) ?? guess,
  ];
  for (const offset of [before, after])
    if (zoneOffset(ticks - offset, zone) === offset) return inCalendar(ticks - offset);
  return inCalendar(ticks - after);
}

const partOf: Readonly<Record<string, (date: Date, ticks: bigint) => bigint>> = {
  year: (date) => BigInt(date.getUTCFullYear()),
  quarter: (date) => BigInt(Math.floor(date.getUTCMonth() / 3) + 1),
  month: (date) => BigInt(date.getUTCMonth() + 1),
  week_of_year: (_date, ticks) => isoWeek(ticks),
  weekofyear: (_date, ticks) => isoWeek(ticks),
  day: (date) => BigInt(date.getUTCDate()),
  dayofyear: (date, ticks) => (ticks - (ticksOfDate(date.getUTCFullYear(), 1, 1) ?? 0n)) / ticksPerDay + 1n,
  hour: (_date, ticks) => (ticks / ticksPerHour) % 24n,
  minute: (_date, ticks) => (ticks / ticksPerMinute) % 60n,
  second: (_date, ticks) => (ticks / ticksPerSecond) % 60n,
  millisecond: (_date, ticks) => (ticks / ticksPerMillisecond) % 1000n,
  microsecond: (_date, ticks) => (ticks / 10n) % 1_000_000n,
  nanosecond: (_date, ticks) => (ticks % ticksPerSecond) * 100n,
};

function isoWeek(ticks: bigint): bigint {
  const day = ticks / ticksPerDay;
  // Day 0, 0001-01-01, was a Monday; a week belongs to the year of its Thursday.
  const thursday = day - (day % 7n) + 3n;
  const first = (ticksOfDate(dateOf(thursday * ticksPerDay).getUTCFullYear(), 1, 1) ?? 0n) / ticksPerDay;
  return (thursday - first) / 7n + 1n;
}

export const datetimeTextFunctions: FunctionRows = {
  format_datetime: {
    literals: [1],
    ...withoutRun(formatDatetimeRow),
    sql: ([at, format], call) => {
      const text = format?.expression.k === 'literal' ? String(format.expression.value) : undefined;
      const sql = at && text !== undefined ? formatDatetimeSql(cast(at, 'datetime'), text) : undefined;
      if (sql !== undefined) return sql;
      throw new KqlError('semantic', 'format_datetime(): the format is not valid.', call.at);
    },
  },
  format_timespan: {
    literals: [1],
    ...checkedFormat(
      'format_timespan',
      timespanFormat,
      native('format_timespan', ['timespan', 'string'], 'string', ([span, pattern]) =>
        timespanFormat.test(String(pattern)) ? formatTimespanBy(big(span), String(pattern)) : null,
      ),
    ),
  },
  make_datetime: makeDatetime,
  make_timespan: makeTimespan,
  datetime_utc_to_local: native('datetime_utc_to_local', ['datetime', 'string'], 'datetime', ([at, zone]) => {
    const offset = zoneOffset(big(at), String(zone));
    return offset === undefined ? null : inCalendar(big(at) + offset);
  }),
  datetime_local_to_utc: native('datetime_local_to_utc', ['datetime', 'string'], 'datetime', ([at, zone]) =>
    localToUtc(big(at), String(zone)),
  ),
  datetime_part: {
    aliases: ['datepart'],
    literals: [0],
    ...native(
      'datetime_part',
      ['string', 'datetime'],
      'long',
      ([part, at]) => partOf[String(part).toLowerCase()]?.(dateOf(big(at)), big(at)) ?? null,
    ),
  },
  around: {
    result: 'bool',
    sql: ([value, center, delta]) => {
      if (!value || !center || !delta) return 'NULL';
      const known = value.type === 'dynamic' ? center.type : value.type;
      const type = known === 'int' ? 'long' : known === 'dynamic' || known === 'bool' ? 'real' : known;
      if (type === 'string' || type === 'guid')
        throw new KqlError(
          'semantic',
          `around() compares numbers, datetimes and timespans, not values of type ${type}.`,
        );
      const d = delta.type === 'timespan' ? delta.sql : cast(delta, type);
      return sql`(${copied(2, cast(value, type))} BETWEEN ${cast(center, type)} - ${d} AND ${cast(center, type)} + ${d})`;
    },
  },
};
