import type { FunctionRows } from './function-row.ts';
import { integerAt, textAt, wrongArgument } from './function-row.ts';
import { onlyInDefaults } from './strings.ts';

export const dateFunctions: FunctionRows = {
  dateTimeAdd: {
    family: 'date',
    args: [2, 3],
    says: 'A time, so much (`PT1H`, `-P3D`) after another, in a format or in that of the other.',
    cases: {
      "dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')": '2023-04-07 14:53:14Z',
      "dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')": '2020-03-29 14:53:14Z',
      "dateTimeAdd('20200407T145314Z', 'PT1H', 'yyyy-MM-dd HH:mm')": '2020-04-07 15:53',
    },
    evaluate: (args) => {
      const base = textAt('dateTimeAdd', args, 0);
      const format = args[2] === undefined ? formatOf(base) : textAt('dateTimeAdd', args, 2);
      const moved = addDuration(readTime('dateTimeAdd', base), textAt('dateTimeAdd', args, 1));
      return writeTime('dateTimeAdd', moved, format);
    },
  },
  dateTimeFromEpoch: {
    family: 'date',
    args: [1, 1],
    says: 'The time so many seconds after 1970.',
    cases: { 'dateTimeFromEpoch(1683040573)': '2023-05-02T15:16:13Z' },
    evaluate: (args) =>
      writeTime('dateTimeFromEpoch', integerAt('dateTimeFromEpoch', args, 0) * 1000, 'yyyy-MM-ddTHH:mm:ssZ'),
  },
  dateTimeToEpoch: {
    family: 'date',
    args: [1, 1],
    says: 'How many seconds after 1970 a time is.',
    cases: { "dateTimeToEpoch('2023-05-02T15:16:13Z')": 1683040573 },
    evaluate: (args) => Math.floor(readTime('dateTimeToEpoch', textAt('dateTimeToEpoch', args, 0)) / 1000),
  },
  utcNow: {
    family: 'date',
    args: [0, 1],
    says: 'The time of the deployment, in a format; only in default values of parameters.',
    cases: {},
    evaluate: (args, { facts, isParameterDefault }) => {
      if (!isParameterDefault) throw onlyInDefaults('utcNow');
      return writeTime('utcNow', facts.now, args.length === 0 ? 'yyyyMMddTHHmmssZ' : textAt('utcNow', args, 0));
    },
  },
};

const compact = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

function readTime(name: string, text: string): number {
  const digits = compact.exec(text);
  const iso =
    digits === null
      ? /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/.test(text)
        ? text.replace(' ', 'T').replace(/(T[\d:.]+)$/, '$1Z')
        : ''
      : `${digits[1]}-${digits[2]}-${digits[3]}T${digits[4]}:${digits[5]}:${digits[6]}Z`;
  const time = Date.parse(iso);
  if (Number.isNaN(time)) throw wrongArgument(name, 'the value is not a date and time in ISO 8601');
  return time;
}

/** How a result is written that says nothing of a format. */
function formatOf(text: string): string {
  if (compact.test(text)) return 'yyyyMMddTHHmmssZ';
  return text.includes(' ') ? 'u' : /^\d{4}-\d\d-\d\d$/.test(text) ? 'yyyy-MM-dd' : 'yyyy-MM-ddTHH:mm:ssZ';
}

function addDuration(time: number, duration: string): number {
  const found =
    /^(-)?P(?=.)(?:(\d{1,5})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,7})D)?(?:T(?=.)(?:(\d{1,8})H)?(?:(\d{1,9})M)?(?:(\d{1,10})S)?)?$/.exec(
      duration,
    );
  if (found === null) throw wrongArgument('dateTimeAdd', 'the duration is not in ISO 8601');
  const sign = found[1] === undefined ? 1 : -1;
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = found
    .slice(2)
    .map((digits: string | undefined) => sign * Number(digits ?? 0));
  const moved = new Date(time);
  const day = moved.getUTCDate();
  moved.setUTCDate(1);
  moved.setUTCMonth(moved.getUTCMonth() + 12 * years + months);
  const lastDay = new Date(Date.UTC(moved.getUTCFullYear(), moved.getUTCMonth() + 1, 0)).getUTCDate();
  moved.setUTCDate(Math.min(day, lastDay));
  const total = moved.getTime() + ((7 * weeks + days) * 86_400 + hours * 3600 + minutes * 60 + seconds) * 1000;
  if (!(total > -62_135_596_800_000 && total < 253_402_300_800_000)) {
    throw wrongArgument('dateTimeAdd', 'the result lies outside the years 1 to 9999');
  }
  return total;
}

const months = 'January February March April May June July August September October November December'.split(' ');
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const standard: Readonly<Record<string, string>> = {
  ...{ d: 'M/d/yyyy', D: 'dddd, MMMM d, yyyy', t: 'h:mm tt', T: 'h:mm:ss tt', s: 'yyyy-MM-ddTHH:mm:ss' },
  ...{ f: 'dddd, MMMM d, yyyy h:mm tt', F: 'dddd, MMMM d, yyyy h:mm:ss tt', g: 'M/d/yyyy h:mm tt' },
  ...{
    G: 'M/d/yyyy h:mm:ss tt',
    M: 'MMMM d',
    m: 'MMMM d',
    Y: 'MMMM yyyy',
    y: 'MMMM yyyy',
    u: "yyyy-MM-dd HH:mm:ss'Z'",
  },
  ...{ o: "yyyy-MM-ddTHH:mm:ss.fffffff'Z'", O: "yyyy-MM-ddTHH:mm:ss.fffffff'Z'" },
  ...{ r: "ddd, dd MMM yyyy HH:mm:ss 'GMT'", R: "ddd, dd MMM yyyy HH:mm:ss 'GMT'" },
};

function writeTime(name: string, time: number, format: string): string {
  if (format.length > 200) throw wrongArgument(name, 'the format is too long');
  const pattern = format.length === 1 ? standard[format] : format;
  if (pattern === undefined) throw wrongArgument(name, `Kustody does not know the format '${format}' of a time`);
  const at = new Date(time);
  const padded = (value: number, length: number): string => String(value).padStart(length, '0');
  const hour12 = at.getUTCHours() % 12 === 0 ? 12 : at.getUTCHours() % 12;
  return pattern.replaceAll(
    /'([^']*)'|\\(.)|y+|M+|d+|H+|h+|m+|s+|f+|t+/g,
    (part, quoted?: string, escaped?: string) => {
      if (quoted !== undefined || escaped !== undefined) return quoted ?? escaped ?? '';
      const length = part.length;
      switch (part[0]) {
        case 'y':
          return length <= 2 ? padded(at.getUTCFullYear() % 100, length) : padded(at.getUTCFullYear(), length);
        case 'M':
          if (length > 2) return (months[at.getUTCMonth()] ?? '').slice(0, length === 3 ? 3 : undefined);
          return padded(at.getUTCMonth() + 1, length);
        case 'd':
          if (length > 2) return (days[at.getUTCDay()] ?? '').slice(0, length === 3 ? 3 : undefined);
          return padded(at.getUTCDate(), length);
        case 'H':
          return padded(at.getUTCHours(), Math.min(length, 2));
        case 'h':
          return padded(hour12, Math.min(length, 2));
        case 'm':
          return padded(at.getUTCMinutes(), Math.min(length, 2));
        case 's':
          return padded(at.getUTCSeconds(), Math.min(length, 2));
        case 'f':
          return padded(at.getUTCMilliseconds(), 3).padEnd(length, '0').slice(0, length);
        default:
          return (at.getUTCHours() < 12 ? 'AM' : 'PM').slice(0, length);
      }
    },
  );
}
