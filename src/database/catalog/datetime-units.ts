import {
  maxDatetimeTicks,
  ticksOfDate,
  ticksPerDay,
  ticksPerHour,
  ticksPerMillisecond,
  ticksPerMinute,
  ticksPerSecond,
  unixEpochTicks,
} from '../../kql/values/ticks.ts';

export type TimeUnit = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second';

const fixed: Readonly<Record<string, bigint>> = {
  day: ticksPerDay,
  hour: ticksPerHour,
  minute: ticksPerMinute,
  second: ticksPerSecond,
};

export function calendarOf(ticks: bigint): Record<TimeUnit, number> {
  const whole = ticks - (ticks % ticksPerSecond);
  const date = new Date(Number((whole - unixEpochTicks) / ticksPerMillisecond));
  return {
    ...{ year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() },
    ...{ hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds() },
  };
}

/** When the unit that a moment begins is over: of the moment 2026-02-01 as a month, 2026-03-01. */
export function afterUnit(unit: TimeUnit, ticks: bigint): bigint {
  const size = fixed[unit];
  if (size !== undefined) return ticks + size;
  const { year, month } = calendarOf(ticks);
  const next =
    unit === 'year' ? ticksOfDate(year + 1, 1, 1) : ticksOfDate(year + (month === 12 ? 1 : 0), (month % 12) + 1, 1);
  return next ?? maxDatetimeTicks + 1n;
}

/** What `startofday()` and its like give of a moment. */
export const startOf = {
  startofday: (ticks: bigint): bigint => ticks - (ticks % ticksPerDay),
  // The first day of the calendar was a Monday, and weeks begin on Sundays.
  startofweek: (ticks: bigint): bigint => {
    const day = ticks / ticksPerDay;
    const sunday = day - ((day + 1n) % 7n);
    return (sunday < 0n ? 0n : sunday) * ticksPerDay;
  },
  startofmonth: (ticks: bigint): bigint => {
    const { year, month } = calendarOf(ticks);
    return ticksOfDate(year, month, 1) ?? ticks;
  },
  startofyear: (ticks: bigint): bigint => ticksOfDate(calendarOf(ticks).year, 1, 1) ?? ticks,
} as const;
