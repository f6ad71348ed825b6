import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';

/** Years, months and days of an ISO 8601 duration. */
export interface CalendarDuration {
  readonly months: number;
  readonly days: number;
}

const pattern = /^P(?=\d)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?$/;

/** @returns undefined for what is none, or has hours and smaller parts */
export function parseCalendarDuration(text: string): CalendarDuration | undefined {
  const parts = pattern
    .exec(text)
    ?.slice(1)
    .map((part: string | undefined) => Number(part ?? 0));
  if (parts === undefined) return undefined;
  const [years = 0, months = 0, weeks = 0, days = 0] = parts;
  return { months: years * 12 + months, days: weeks * 7 + days };
}

/** Months first, and no day beyond the last of its month. @param sign -1 goes back */
export function shifted(from: Instant, { months, days }: CalendarDuration, sign: 1 | -1 = 1): Instant {
  const date = new Date(from);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + sign * months);
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, last) + sign * days);
  return instant(date.getTime());
}

/** For comparing durations with each other: a month as 30 days, a year as 365. */
export const approximateDays = ({ months, days }: CalendarDuration): number =>
  Math.floor(months / 12) * 365 + (months % 12) * 30 + days;
