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
