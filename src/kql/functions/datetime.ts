import type { Sql } from '../sql/fragment.ts';
import { copied, sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import { cast } from '../sql/convert.ts';
import { timeZoneNames } from '../algorithms/text/time-zone-names.ts';
import { native } from '../sql/native-row.ts';
import { big } from '../sql/native.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';
import {
  inCalendar,
  ticksPerDay,
  ticksPerHour,
  ticksPerMillisecond,
  ticksPerMinute,
  ticksPerSecond,
  maxDatetimeTicks,
  unixEpochTicks,
} from '../values/ticks.ts';

const timeZones = JSON.stringify(timeZoneNames);

/** From one datetime: `t` is its ticks, `ts` the DuckDB timestamp of it. */
const of = (result: FunctionRow['result'], sql: (t: Sql, ts: Sql) => Sql): FunctionRow => ({
  ...(result && { result }),
  sql: ([a]) => {
    if (!a) return 'NULL';
    const t = cast(a, 'datetime');
    return sql(t, kql.ts(t));
  },
});

/** `startof…(t[, offset])` and `endof…`: `unit` as DuckDB names it; weeks begin on Sunday. */
const edge = (unit: 'day' | 'week' | 'month' | 'year', isEnd: boolean): FunctionRow => ({
  result: 'datetime',
  sql: ([a, offset]) => {
    if (!a) return 'NULL';
    const t = cast(a, 'datetime');
    const count = sql`(${offset ? cast(offset, 'long') : '0'} + ${isEnd ? 1 : 0})`;
    const last = isEnd ? ' - 1' : '';
    // What the calendar cuts has no such edge.
    if (unit === 'day') return kql.inCalendar(sql`${kql.day(t)} + ${count} * ${ticksPerDay.toString()}${last}`);
    if (unit === 'week')
      return kql.inCalendar(
        sql`${kql.day(t)} - ${kql.weekday(t)} * ${ticksPerDay.toString()} + ${count} * ${(7n * ticksPerDay).toString()}${last}`,
      );
    return kql.inCalendar(
      sql`${kql.ticks(sql`date_trunc('${unit}', ${kql.ts(t)}) + to_${unit}s(CAST(${count} AS INTEGER))`)}${last}`,
    );
  },
});

const unixTime = (perUnit: bigint | 'nano'): FunctionRow => ({
  result: 'datetime',
  sql: ([a]) => {
    if (!a) return 'NULL';
    const epoch = unixEpochTicks.toString();
    if (perUnit === 'nano') return sql`(${cast(a, 'long')} // 100 + ${epoch})`;
    const [first, last] = [-unixEpochTicks / perUnit, (maxDatetimeTicks - unixEpochTicks) / perUnit];
    const value = a.type === 'real' ? a.sql : cast(a, 'long');
    const ticks = sql`${value} * ${perUnit.toString()}`;
    return sql`(CASE WHEN ${copied(2, value)} BETWEEN ${first.toString()} AND ${last.toString()} THEN ${a.type === 'real' ? kql.longOfReal(ticks) : ticks} + ${epoch} END)`;
  },
});

const spanParts: Readonly<Record<string, bigint>> = {
  day: ticksPerDay,
  hour: ticksPerHour,
  minute: ticksPerMinute,
  second: ticksPerSecond,
  millisecond: ticksPerMillisecond,
  microsecond: 10n,
  nanosecond: 1n,
  week: 7n * ticksPerDay,
};

const datetimeAdd = native('datetime_add', ['string', 'long', 'datetime'], 'datetime', ([part, amount, at]) => {
  const unit = String(part).toLowerCase();
  const [count, ticks] = [big(amount), big(at)];
  if (unit === 'nanosecond') return inCalendar(ticks + count / 100n);
  const size = spanParts[unit];
  if (size !== undefined) return inCalendar(ticks + count * size);
  const months = unit === 'year' ? count * 12n : unit === 'quarter' ? count * 3n : unit === 'month' ? count : undefined;
  return months === undefined ? null : addMonths(ticks, Number(months));
});

/** The day is cut to the length of the month, as in .NET. */
function addMonths(ticks: bigint, months: number): bigint | null {
  const rest = ((ticks % ticksPerDay) + ticksPerDay) % ticksPerDay;
  const date = new Date(Number((ticks - rest - unixEpochTicks) / ticksPerMillisecond));
  const target = date.getUTCFullYear() * 12 + date.getUTCMonth() + months;
  const [year, month] = [Math.floor(target / 12), ((target % 12) + 12) % 12];
  if (year < 1 || year > 9999) return null;
  const lastDay = new Date(Date.UTC(2000, month + 1, 0)).setUTCFullYear(year, month + 1, 0);
  const day = Math.min(date.getUTCDate(), new Date(lastDay).getUTCDate());
  const result = new Date(0);
  result.setUTCFullYear(year, month, day);
  return unixEpochTicks + BigInt(result.getTime()) * ticksPerMillisecond + rest;
}

/** Counts the boundaries crossed. */
const datetimeDiff = native('datetime_diff', ['string', 'datetime', 'datetime'], 'long', ([part, left, right]) => {
  const unit = String(part).toLowerCase();
  const [a, b] = [big(left), big(right)];
  const size = spanParts[unit];
  if (unit === 'nanosecond') return BigInt.asIntN(64, (a - b) * 100n);
  if (unit === 'week') return floorWeek(a) - floorWeek(b);
  if (size !== undefined) return a / size - b / size;
  const [x, y] = [dateOf(a), dateOf(b)];
  const months = (x.getUTCFullYear() - y.getUTCFullYear()) * 12 + x.getUTCMonth() - y.getUTCMonth();
  if (unit === 'year') return BigInt(x.getUTCFullYear() - y.getUTCFullYear());
  if (unit === 'month') return BigInt(months);
  if (unit === 'quarter')
    return BigInt(
      (x.getUTCFullYear() - y.getUTCFullYear()) * 4 + Math.floor(x.getUTCMonth() / 3) - Math.floor(y.getUTCMonth() / 3),
    );
  return null;
});
const floorWeek = (ticks: bigint): bigint => (ticks / ticksPerDay + 1n) / 7n;
const dateOf = (ticks: bigint): Date => new Date(Number((ticks - unixEpochTicks) / ticksPerMillisecond));

export const datetimeFunctions: FunctionRows = {
  now: {
    result: 'datetime',
    sql: ([offset], _call, { ctx }) =>
      offset ? kql.inCalendar(sql`${nowSql(ctx.facts.now)} + ${cast(offset, 'timespan')}`) : nowSql(ctx.facts.now),
  },
  ago: {
    result: 'datetime',
    sql: ([span], _call, { ctx }) =>
      span ? kql.inCalendar(sql`${nowSql(ctx.facts.now)} - ${cast(span, 'timespan')}`) : 'NULL',
  },
  startofday: edge('day', false),
  startofweek: edge('week', false),
  startofmonth: edge('month', false),
  startofyear: edge('year', false),
  endofday: edge('day', true),
  endofweek: edge('week', true),
  endofmonth: edge('month', true),
  endofyear: edge('year', true),
  // In the week that the calendar ends in the engine has none, as recorded of 9999-12-31.
  dayofweek: of(
    'timespan',
    (t) => sql`CASE WHEN ${t} < ${lastWeek.toString()} THEN ${kql.weekday(t)} * ${ticksPerDay.toString()} END`,
  ),
  dayofmonth: of('int', (_t, ts) => sql`CAST(day(${ts}) AS INTEGER)`),
  dayofyear: of('int', (_t, ts) => sql`CAST(dayofyear(${ts}) AS INTEGER)`),
  monthofyear: { ...of('int', (_t, ts) => sql`CAST(month(${ts}) AS INTEGER)`), type: 'long' },
  getmonth: of('int', (_t, ts) => sql`CAST(month(${ts}) AS INTEGER)`),
  getyear: of('int', (_t, ts) => sql`CAST(year(${ts}) AS INTEGER)`),
  hourofday: { ...of('int', (t) => sql`CAST(${t} // 36000000000 % 24 AS INTEGER)`), type: 'long' },
  week_of_year: { ...of('int', (_t, ts) => sql`CAST(weekofyear(${ts}) AS INTEGER)`), aliases: ['weekofyear'] },
  unixtime_seconds_todatetime: unixTime(ticksPerSecond),
  unixtime_milliseconds_todatetime: unixTime(ticksPerMillisecond),
  unixtime_microseconds_todatetime: unixTime(10n),
  unixtime_nanoseconds_todatetime: unixTime('nano'),
  datetime_list_timezones: { result: 'dynamic', sql: (_args, _call, { ctx }) => ctx.bind(timeZones, 'VARCHAR') },
  datetime_add: { ...datetimeAdd, literals: [0] },
  // A difference in weeks is real.
  datetime_diff: { ...datetimeDiff, literals: [0], type: { argument: 0, types: { week: 'real' }, otherwise: 'long' } },
};

/** 9999-12-26, a Sunday: the end of its week lies beyond what a datetime holds. */
const lastWeek = 3_652_053n * ticksPerDay;

const nowSql = (now: bigint): string => `(${now.toString()})::BIGINT`;
