import { KqlError } from '../../kql/plan/kql-error.ts';
import { ticksOfDate, ticksPerDay, ticksPerHour, ticksPerMinute, ticksPerSecond } from '../../kql/values/ticks.ts';
import { calendarOf } from './datetime-units.ts';
import type { TimeUnit } from './datetime-units.ts';

/** How a moment stands in a path: texts, and parts of the moment with at least so many digits. */
export type DatetimePattern = readonly (string | DatetimeField)[];

interface DatetimeField {
  readonly unit: TimeUnit;
  readonly digits: number;
  /** A year by its last two digits. */
  readonly short?: true;
}

const fields: Readonly<Record<string, DatetimeField>> = {
  yyyy: { unit: 'year', digits: 4 },
  yy: { unit: 'year', digits: 2, short: true },
  MM: { unit: 'month', digits: 2 },
  M: { unit: 'month', digits: 1 },
  dd: { unit: 'day', digits: 2 },
  d: { unit: 'day', digits: 1 },
  HH: { unit: 'hour', digits: 2 },
  H: { unit: 'hour', digits: 1 },
  hh: { unit: 'hour', digits: 2 },
  h: { unit: 'hour', digits: 1 },
  mm: { unit: 'minute', digits: 2 },
  m: { unit: 'minute', digits: 1 },
  ss: { unit: 'second', digits: 2 },
  s: { unit: 'second', digits: 1 },
};

const patternMax = 200;

/** Reads `'year='yyyy'/month='MM`, or the same as `year={yyyy}/month={MM}`.
 * @throws KqlError for letters that are no part of a moment
 * @see .NET "Custom date and time format strings"; Kusto "Create and alter Azure Storage external tables", path format */
export function parseDatetimePattern(text: string): DatetimePattern {
  const inBraces = /\{[a-zA-Z]+\}/.test(text);
  const token = inBraces ? /\{([a-zA-Z]+)\}|([^{}]+)/gy : /(y+|M+|d+|H+|h+|m+|s+)|'([^']*)'|\\?([^A-Za-z'\\])/gy;
  const parts: (string | DatetimeField)[] = [];
  let end = 0;
  for (const [whole, letters, ...texts] of text.slice(0, patternMax).matchAll(token)) {
    end += whole.length;
    const field = letters === undefined ? undefined : fields[letters];
    if (letters !== undefined && field === undefined) break;
    parts.push(field ?? texts.find(Boolean) ?? '');
  }
  const named = parts.flatMap((part) => (typeof part === 'string' ? [] : [part.unit]));
  if (end !== text.length || named.length === 0 || new Set(named).size !== named.length)
    throw new KqlError('notSupported', `The datetime pattern '${text.slice(0, patternMax)}' is not supported.`);
  return parts;
}

export function renderDatetime(pattern: DatetimePattern, ticks: bigint): string {
  const values = calendarOf(ticks);
  return pattern
    .map((part) => {
      if (typeof part === 'string') return part;
      const value = part.short ? values[part.unit] % 100 : values[part.unit];
      return String(value).padStart(part.digits, '0');
    })
    .join('');
}

/** The smallest part of a moment that a pattern has: what is smaller is lost. */
export function resolutionOf(pattern: DatetimePattern): TimeUnit {
  const order: readonly TimeUnit[] = ['second', 'minute', 'hour', 'day', 'month', 'year'];
  const has = (unit: TimeUnit): boolean => pattern.some((part) => typeof part !== 'string' && part.unit === unit);
  return order.find(has) ?? 'year';
}

/** Whether a pattern says of a moment all from the year down to its resolution. */
export function isWhole(pattern: DatetimePattern): boolean {
  const order: readonly TimeUnit[] = ['year', 'month', 'day', 'hour', 'minute', 'second'];
  const needed = order.slice(0, order.indexOf(resolutionOf(pattern)) + 1);
  return needed.every((unit) => pattern.some((part) => typeof part !== 'string' && part.unit === unit));
}

/** Reads a moment that stands at a place of a path. @returns undefined where none does */
export function matchDatetime(
  pattern: DatetimePattern,
  path: string,
  at: number,
): { readonly ticks: bigint; readonly end: number } | undefined {
  const values = { year: 1, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
  let end = at;
  for (const part of pattern) {
    if (typeof part === 'string') {
      if (!path.startsWith(part, end)) return undefined;
      end += part.length;
      continue;
    }
    const digits = /^\d+/.exec(path.slice(end, end + Math.max(part.digits, 2)))?.[0] ?? '';
    if (digits.length < part.digits) return undefined;
    values[part.unit] = Number(digits) + (part.short ? 2000 : 0);
    end += digits.length;
  }
  const day = ticksOfDate(values.year, values.month, values.day);
  if (day === undefined || values.hour > 23 || values.minute > 59 || values.second > 59) return undefined;
  const time =
    BigInt(values.hour) * ticksPerHour +
    BigInt(values.minute) * ticksPerMinute +
    BigInt(values.second) * ticksPerSecond;
  return time < ticksPerDay ? { ticks: day + time, end } : undefined;
}
