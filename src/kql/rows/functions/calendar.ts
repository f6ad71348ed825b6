import { KqlError } from '../../plan/kql-error.ts';
import type { NativeValue } from '../../sql/native.ts';
import {
  inCalendar,
  maxDatetimeTicks,
  ticksPerDay,
  ticksPerMillisecond,
  ticksPerSecond,
  unixEpochTicks,
} from '../../values/ticks.ts';
import { checkedLong, longOfReal } from '../numbers.ts';
import type { Evaluated, RowFunction, RowFunctionTable } from '../row-function.ts';
import { as, callNative, viaNative } from '../row-function.ts';
import { floorMod } from './arithmetic.ts';

const dayOf = (ticks: bigint): bigint => ticks - (floorMod(ticks, ticksPerDay) ?? 0n);
/** 0001-01-01 was a Monday; 0 is Sunday. */
const weekdayOf = (ticks: bigint): bigint => (ticks / ticksPerDay + 1n) % 7n;

/** The first moment of a month, some months on; months and years may lie beyond the calendar. */
function monthStart(ticks: bigint, months: bigint, isYear: boolean): bigint {
  const date = new Date(Number((dayOf(ticks) - unixEpochTicks) / ticksPerMillisecond));
  const at = new Date(0);
  at.setUTCFullYear(
    date.getUTCFullYear() + (isYear ? Number(months) : 0),
    isYear ? 0 : date.getUTCMonth() + Number(months),
    1,
  );
  if (Number.isNaN(at.getTime())) throw new KqlError('runtime', 'A value could not be converted.');
  return unixEpochTicks + BigInt(at.getTime()) * ticksPerMillisecond;
}

/** `startof…(t[, offset])` and `endof…`; weeks begin on Sunday. */
const edge = (unit: 'day' | 'week' | 'month' | 'year', isEnd: boolean): RowFunction => ({
  result: 'datetime',
  run: ([a, offset]) => {
    const [t, by] = [as(a, 'datetime'), offset ? as(offset, 'long') : 0n];
    if (typeof t !== 'bigint' || typeof by !== 'bigint') return null;
    const count = by + (isEnd ? 1n : 0n);
    const last = isEnd ? 1n : 0n;
    // What the calendar cuts has no such edge.
    if (unit === 'day') return inCalendar(checkedLong(dayOf(t) + count * ticksPerDay - last));
    if (unit === 'week')
      return inCalendar(dayOf(t) - weekdayOf(t) * ticksPerDay + checkedLong(count * 7n * ticksPerDay) - last);
    return inCalendar(monthStart(t, count, unit === 'year') - last);
  },
});

const part = (name: string): RowFunction => ({
  result: 'long',
  run: ([a]) => callNative('datetime_part', [name, as(a, 'datetime')]),
});

/** 9999-12-26, a Sunday: the end of its week lies beyond what a datetime holds. */
const lastWeek = 3_652_053n * ticksPerDay;

const unixTime = (perUnit: bigint): RowFunction => ({
  result: 'datetime',
  run: ([a]) => {
    const [first, last] = [-unixEpochTicks / perUnit, (maxDatetimeTicks - unixEpochTicks) / perUnit];
    const value = a?.type === 'real' ? a.value : as(a, 'long');
    if (value === null) return null;
    if (typeof value === 'bigint') return value >= first && value <= last ? value * perUnit + unixEpochTicks : null;
    const real = Number(value);
    if (!(real >= Number(first) && real <= Number(last))) return null;
    const ticks = longOfReal(real * Number(perUnit));
    return ticks === null ? null : ticks + unixEpochTicks;
  },
});

/** The letters are checked where they are constant, as before a query runs. */
const formatted = (name: string, type: 'datetime' | 'timespan'): RowFunction => ({
  result: 'string',
  run: ([value, format], call) => {
    const given = [as(value, type), as(format, 'string')];
    const text = callNative(name, given);
    if (text === null && !given.includes(null) && (type === 'datetime' || format?.expression.k === 'literal'))
      throw new KqlError('semantic', `${name}(): the format is not valid.`, call.at < 0 ? undefined : call.at);
    return text;
  },
});

const long = (argument: Evaluated | undefined, missing: bigint): NativeValue =>
  argument ? as(argument, 'long') : missing;

const makeTimespan: RowFunction = {
  result: 'timespan',
  run: (args) => {
    if (args.length === 1) return as(args[0], 'timespan');
    const [days, hours, minutes, seconds] = args.length === 4 ? args : [undefined, ...args];
    return callNative('make_timespan', [
      long(days, 0n),
      long(hours, 0n),
      long(minutes, 0n),
      seconds ? as(seconds, 'real') : 0,
    ]);
  },
};
const month = part('month');
const week = part('week_of_year');
const datePart = viaNative('datetime_part', 'long', ['string', 'datetime']);

export const calendarRows: RowFunctionTable = {
  startofday: edge('day', false),
  startofweek: edge('week', false),
  startofmonth: edge('month', false),
  startofyear: edge('year', false),
  endofday: edge('day', true),
  endofweek: edge('week', true),
  endofmonth: edge('month', true),
  endofyear: edge('year', true),
  dayofweek: {
    result: 'timespan',
    run: ([a]) => {
      const t = as(a, 'datetime');
      return typeof t === 'bigint' && t < lastWeek ? weekdayOf(t) * ticksPerDay : null;
    },
  },
  dayofmonth: part('day'),
  dayofyear: part('dayofyear'),
  monthofyear: month,
  getmonth: month,
  getyear: part('year'),
  hourofday: part('hour'),
  week_of_year: week,
  weekofyear: week,
  datepart: datePart,
  unixtime_seconds_todatetime: unixTime(ticksPerSecond),
  unixtime_milliseconds_todatetime: unixTime(ticksPerMillisecond),
  unixtime_microseconds_todatetime: unixTime(10n),
  unixtime_nanoseconds_todatetime: {
    result: 'datetime',
    run: ([a]) => {
      const value = as(a, 'long');
      return typeof value === 'bigint' ? value / 100n + unixEpochTicks : null;
    },
  },
  format_datetime: formatted('format_datetime', 'datetime'),
  format_timespan: formatted('format_timespan', 'timespan'),
  make_datetime: {
    result: 'datetime',
    run: (args) => {
      if (args.length === 1) return as(args[0], 'datetime');
      const [year, ofYear, day, hour, minute, second] = args;
      return callNative('make_datetime', [
        long(year, 1n),
        long(ofYear, 1n),
        long(day, 1n),
        long(hour, 0n),
        long(minute, 0n),
        second ? as(second, 'real') : 0,
      ]);
    },
  },
  make_timespan: makeTimespan,
};
