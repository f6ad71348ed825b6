import { jsonArray, jsonItems, jsonKind, jsonPairs, jsonToText } from './json-text.ts';
import { realToJson } from './real-text.ts';

/** JSON as DuckDB writes it. */

/** A text inside JSON, with upper-case digits in escapes. */
export const jsonOfText = (text: string): string =>
  JSON.stringify(text).replace(/\\(?:u([0-9a-f]{4})|.)/g, (whole, code: string | undefined) =>
    code === undefined ? whole : `\\u${code.toUpperCase()}`,
  );

/** JSON as it comes out of a path: numbers and escapes in their plain spelling, no blanks. */
export function plainJson(raw: string): string {
  const kind = jsonKind(raw);
  if (kind === 'array') return jsonArray((jsonItems(raw) ?? []).map(plainJson));
  if (kind === 'bag') {
    const pairs = (jsonPairs(raw) ?? []).map(([name, value]) => `${jsonOfText(name)}:${plainJson(value)}`);
    return `{${pairs.join(',')}}`;
  }
  if (kind === 'string') return jsonOfText(jsonToText(raw));
  if (kind !== 'number') return raw;
  if (/^-?\d+$/.test(raw)) return raw === '-0' ? '0' : raw;
  const value = Number(raw);
  if (!Number.isFinite(value)) return raw;
  return realToJson(value).replace('e+', 'e');
}
