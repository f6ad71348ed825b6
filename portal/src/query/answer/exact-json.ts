import { exactMark } from './answer.ts';

/** As JSON.parse, but whole numbers of 16 digits and more stay exact: they become texts that begin with `exactMark`.
 * @throws SyntaxError when it is no JSON */
export function parseExact(json: string): unknown {
  const marked = /\d{16}/.test(json) ? json.replace(stringsAndLongNumbers, quoted) : json;
  return JSON.parse(marked);
}

/** Strings are matched so that digits in them are left alone; a fraction or an exponent makes it a double anyway. */
const stringsAndLongNumbers = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const quoted = (token: string): string => (/^-?\d{16,}$/.test(token) ? `"\\u0001${token}"` : token);

/** JSON again, exact numbers as they came. */
export function exactText(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(/"\\u0001(-?\d{16,})"/g, '$1');
}

/** @returns the digits of an exact number, or the text as it is */
export const unmarked = (text: string): string => (text.startsWith(exactMark) ? text.slice(1) : text);

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
