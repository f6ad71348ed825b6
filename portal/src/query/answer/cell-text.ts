import type { Cell, KqlType } from './answer.ts';
import { exactText, unmarked } from './exact-json.ts';

/** What a cell shows, as plain text. Null is the empty text: whoever shows it says so beside. */
export function cellText(cell: Cell | undefined, type: KqlType): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'object') return exactText(cell);
  if (type === 'bool') return cell === 1 || cell === true ? 'true' : 'false';
  if (typeof cell === 'string') return type === 'string' ? cell : unmarked(cell);
  return String(cell);
}

export const isNumeric = (type: KqlType): boolean => ['int', 'long', 'real', 'decimal'].includes(type);

/** @returns a double, in milliseconds since 1970 for datetime and seconds for timespan; undefined for what has no number */
export function cellNumber(cell: unknown, type: KqlType): number | undefined {
  if (typeof cell === 'number') return Number.isFinite(cell) ? cell : undefined;
  if (typeof cell === 'boolean') return Number(cell);
  if (typeof cell !== 'string' || cell === '') return undefined;
  const text = unmarked(cell);
  const value = type === 'datetime' ? Date.parse(text) : type === 'timespan' ? timespanSeconds(text) : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** `[-][d.]hh:mm:ss[.fffffff]` in seconds; NaN for anything else. */
export function timespanSeconds(text: string): number {
  const match = /^(-?)(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)$/.exec(text);
  if (match === null) return NaN;
  const [, sign, days = '0', hours, minutes, seconds] = match;
  const value = Number(days) * 86_400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return sign === '-' ? -value : value;
}
