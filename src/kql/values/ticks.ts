/** Datetimes and timespans are counts of 100 ns. A datetime counts from 0001-01-01T00:00:00Z. */
export const ticksPerMillisecond = 10_000n;
export const ticksPerSecond = 10_000_000n;
export const ticksPerMinute = 600_000_000n;
export const ticksPerHour = 36_000_000_000n;
export const ticksPerDay = 864_000_000_000n;
/** 1970-01-01T00:00:00Z */
export const unixEpochTicks = 621_355_968_000_000_000n;
/** 9999-12-31T23:59:59.9999999Z */
export const maxDatetimeTicks = 3_155_378_975_999_999_999n;
/** A moment before year 1 or after year 9999 is null. */
export const inCalendar = (ticks: bigint): bigint | null => (ticks >= 0n && ticks <= maxDatetimeTicks ? ticks : null);

/** @param milliseconds since 1970, whole */
export const ticksOfUnixMilliseconds = (milliseconds: number): bigint =>
  unixEpochTicks + BigInt(milliseconds) * ticksPerMillisecond;

const pad = (value: bigint | number, width: number): string => value.toString().padStart(width, '0');

/** @returns `2015-01-01T01:01:01.0000001Z`, always seven digits */
export function formatDatetime(ticks: bigint): string {
  const date = new Date(
    Number(
      (ticks - unixEpochTicks - (((ticks % ticksPerSecond) + ticksPerSecond) % ticksPerSecond)) / ticksPerMillisecond,
    ),
  );
  const day = `${pad(date.getUTCFullYear(), 4)}-${pad(date.getUTCMonth() + 1, 2)}-${pad(date.getUTCDate(), 2)}`;
  const time = `${pad(date.getUTCHours(), 2)}:${pad(date.getUTCMinutes(), 2)}:${pad(date.getUTCSeconds(), 2)}`;
  return `${day}T${time}.${pad(((ticks % ticksPerSecond) + ticksPerSecond) % ticksPerSecond, 7)}Z`;
}

/** @returns `[-][d.]hh:mm:ss[.fffffff]` */
export function formatTimespan(ticks: bigint): string {
  const rest = ticks < 0n ? -ticks : ticks;
  const days = rest / ticksPerDay;
  const fraction = rest % ticksPerSecond;
  return [
    ticks < 0n ? '-' : '',
    days > 0n ? `${days.toString()}.` : '',
    `${pad((rest / ticksPerHour) % 24n, 2)}:${pad((rest / ticksPerMinute) % 60n, 2)}:${pad((rest / ticksPerSecond) % 60n, 2)}`,
    fraction > 0n ? `.${pad(fraction, 7)}` : '',
  ].join('');
}

/** @returns ticks, or undefined for a day that does not exist */
export function ticksOfDate(year: number, month: number, day: number): bigint | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (year < 1 || year > 9999 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return ticksOfUnixMilliseconds(date.getTime());
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const clockPattern = String.raw`(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?(?:\s*([AaPp][Mm]))?`;
const zonePattern = String.raw`\s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?)?`;
const isoPattern = new RegExp(
  String.raw`^(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?:[T\s]+${clockPattern})?${zonePattern}$`,
  'i',
);
const compactPattern = /^(\d{4})(\d{2})(\d{2})(?:T?(\d{2}):?(\d{2})(?::?(\d{2}))?Z?)?$/;
const americanPattern = new RegExp(
  String.raw`^(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?:[,\s]+${clockPattern})?${zonePattern}$`,
  'i',
);
const namedPattern = new RegExp(
  String.raw`^(?:[A-Za-z]{3,9},?\s+)?(\d{1,2})[\s-]([A-Za-z]{3,9})[\s-](\d{2,4})(?:\s+${clockPattern})?${zonePattern}$`,
  'i',
);
const monthFirstPattern = new RegExp(
  String.raw`^(?:[A-Za-z]{3,9},?\s+)?([A-Za-z]{3,9})\s+(\d{1,2}),?\s+(\d{4})(?:\s+${clockPattern})?${zonePattern}$`,
  'i',
);

/** Reads the formats that `datetime(…)` and `todatetime(…)` take: ISO 8601, RFC 822, RFC 850, American.
 * @returns ticks, undefined when it is none of them or out of range */
export function parseDatetime(text: string): bigint | undefined {
  const trimmed = text.trim().replace(/^(\d{4})\s*[-,]\s*(\d{1,2})\s*[-,]\s*(\d{1,2})/, '$1-$2-$3');
  if (/^\d{4}$/.test(trimmed)) return ticksOfDate(Number(trimmed), 1, 1);
  let match = isoPattern.exec(trimmed);
  if (match) return assemble(Number(match[1]), Number(match[2]), Number(match[3] ?? 1), match.slice(4));
  match = americanPattern.exec(trimmed);
  if (match) {
    // A first part over 12 can only be the day.
    const [first, second] = [Number(match[1]), Number(match[2])];
    const dayFirst = first > 12 && trimmed.includes('-');
    return assemble(Number(match[3]), dayFirst ? second : first, dayFirst ? first : second, match.slice(4));
  }
  match = compactPattern.exec(trimmed);
  if (match) return assemble(Number(match[1]), Number(match[2]), Number(match[3]), match.slice(4, 7));
  match = namedPattern.exec(trimmed);
  if (match) {
    const year = Number(match[3]);
    return assemble(
      year < 100 ? year + (year < 50 ? 2000 : 1900) : year,
      monthOf(match[2]),
      Number(match[1]),
      match.slice(4),
    );
  }
  match = monthFirstPattern.exec(trimmed);
  if (match) return assemble(Number(match[3]), monthOf(match[1]), Number(match[2]), match.slice(4));
  return undefined;
}

const monthOf = (name: string | undefined): number => months.indexOf((name ?? '').slice(0, 3).toLowerCase()) + 1;

function assemble(year: number, month: number, day: number, rest: readonly (string | undefined)[]): bigint | undefined {
  const date = ticksOfDate(year, month, day);
  const [hourText, minuteText, secondText, fractionText, half, zone] = rest;
  if (date === undefined) return undefined;
  let hour = Number(hourText ?? 0);
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return undefined;
    hour = (hour % 12) + (/p/i.test(half) ? 12 : 0);
  }
  const minute = Number(minuteText ?? 0);
  const second = Number(secondText ?? 0);
  if (hour > 24 || minute > 59 || second > 59 || (hour === 24 && minute + second > 0)) return undefined;
  const fraction = BigInt(((fractionText ?? '') + '0000000').slice(0, 7));
  const ticks = date + BigInt(hour * 3600 + minute * 60 + second) * ticksPerSecond + fraction - zoneTicks(zone);
  return ticks < 0n || ticks > maxDatetimeTicks ? undefined : ticks;
}

function zoneTicks(zone: string | undefined): bigint {
  const match = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(zone ?? '');
  if (!match) return 0n;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return BigInt(match[1] === '-' ? -minutes : minutes) * ticksPerMinute;
}

const units: Readonly<Record<string, bigint>> = {
  d: ticksPerDay,
  day: ticksPerDay,
  days: ticksPerDay,
  h: ticksPerHour,
  hr: ticksPerHour,
  hrs: ticksPerHour,
  hour: ticksPerHour,
  hours: ticksPerHour,
  m: ticksPerMinute,
  min: ticksPerMinute,
  minute: ticksPerMinute,
  minutes: ticksPerMinute,
  s: ticksPerSecond,
  sec: ticksPerSecond,
  second: ticksPerSecond,
  seconds: ticksPerSecond,
  ms: ticksPerMillisecond,
  milli: ticksPerMillisecond,
  millis: ticksPerMillisecond,
  millisec: ticksPerMillisecond,
  millisecond: ticksPerMillisecond,
  milliseconds: ticksPerMillisecond,
  us: 10n,
  micro: 10n,
  micros: 10n,
  microsec: 10n,
  microsecond: 10n,
  microseconds: 10n,
  tick: 1n,
  ticks: 1n,
};

/** Reads `1.02:03:04.5`, `02:03`, `1.5h`, `90 seconds`; a number alone is days.
 * @returns ticks, undefined when it is none of them or too many */
export function parseTimespan(text: string): bigint | undefined {
  const ticks = timespanTicks(text);
  return ticks !== undefined && BigInt.asIntN(64, ticks) === ticks ? ticks : undefined;
}

function timespanTicks(text: string): bigint | undefined {
  const trimmed = text.trim();
  let match = /^(-)?(?:(\d+)[.:])?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?$/.exec(trimmed);
  if (match) {
    // `1:2:3` is hours, minutes, seconds; days need a dot or all four parts, or are what no hour can be, as in .NET.
    const [, sign, day, first, second, third, fractionText] = match;
    if (day !== undefined && third === undefined) {
      if (trimmed.includes('.')) return clock(sign, BigInt(day), Number(first), Number(second), 0, '');
      if (Number(day) > 23) return clock(sign, BigInt(day), Number(first), Number(second), 0, '');
      return clock(sign, 0n, Number(day), Number(first), Number(second), '');
    }
    return clock(sign, BigInt(day ?? 0), Number(first), Number(second), Number(third ?? 0), fractionText ?? '');
  }
  match = /^(-?\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(trimmed);
  // Days may be left out of whole numbers only.
  if (!match || (match[2] === '' && match[1]?.includes('.'))) return undefined;
  const unit = units[(match[2] ?? '').toLowerCase() || 'd'];
  return unit === undefined ? undefined : scale(match[1] ?? '0', unit);
}

function clock(
  sign: string | undefined,
  days: bigint,
  hours: number,
  minutes: number,
  seconds: number,
  fraction: string,
): bigint | undefined {
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const ticks =
    days * ticksPerDay +
    BigInt(hours * 3600 + minutes * 60 + seconds) * ticksPerSecond +
    BigInt((fraction + '0000000').slice(0, 7));
  return sign === '-' ? -ticks : ticks;
}

/** Multiplies decimal text by a unit without going through a double. */
function scale(numberText: string, unit: bigint): bigint {
  const negative = numberText.startsWith('-');
  const [whole = '0', fraction = ''] = numberText.replace('-', '').split('.');
  const power = 10n ** BigInt(fraction.length);
  const ticks = (BigInt(whole + fraction) * unit + power / 2n) / power;
  return negative ? -ticks : ticks;
}
