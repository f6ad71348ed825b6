/** JSON handled as text, so that numbers keep their spelling and all their digits. */

/** @returns the raw texts of the elements of an array; undefined when the text is no array */
export function jsonItems(text: string): string[] | undefined {
  return text.startsWith('[') ? splitTop(text.slice(1, -1)) : undefined;
}

/** @returns names (decoded) and raw values of a bag; undefined when the text is no bag */
export function jsonPairs(text: string): [string, string][] | undefined {
  if (!text.startsWith('{')) return undefined;
  return splitTop(text.slice(1, -1)).map((pair) => {
    const end = stringEnd(pair, 0);
    return [JSON.parse(pair.slice(0, end)) as string, pair.slice(pair.indexOf(':', end) + 1).trim()];
  });
}

export const jsonArray = (items: readonly string[]): string => `[${items.join(',')}]`;
export const jsonBag = (pairs: Iterable<readonly [string, string]>): string =>
  `{${[...pairs].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;

/** @param start at the opening quote @returns the index after the closing one */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === '\\' ? 2 : 1;
  return at + 1;
}

function splitTop(inside: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < inside.length; at += 1) {
    const character = inside.charAt(at);
    if (character === '"') at = stringEnd(inside, at) - 1;
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    else if (character === ',' && depth === 0) {
      parts.push(inside.slice(from, at).trim());
      from = at + 1;
    }
  }
  const last = inside.slice(from).trim();
  if (last !== '' || parts.length > 0) parts.push(last);
  return parts;
}

export type JsonKind = 'null' | 'bool' | 'number' | 'string' | 'array' | 'bag';
export function jsonKind(raw: string): JsonKind {
  const first = raw.charAt(0);
  if (first === '"') return 'string';
  if (first === '[') return 'array';
  if (first === '{') return 'bag';
  if (raw === 'null' || raw === '') return 'null';
  return raw === 'true' || raw === 'false' ? 'bool' : 'number';
}

/** The value as `tostring()` gives it. */
export const jsonToText = (raw: string): string =>
  raw.startsWith('"') ? (JSON.parse(raw) as string) : raw === 'null' ? '' : raw;

/** Orders numbers by value, strings ordinally; undefined when the two cannot be compared. */
export function compareJson(a: string, b: string): number | undefined {
  const [x, y] = [jsonKind(a), jsonKind(b)];
  if (x !== y) return undefined;
  if (x === 'number') {
    if (/^-?\d+$/.test(a) && /^-?\d+$/.test(b)) {
      const [m, n] = [BigInt(a), BigInt(b)];
      return m < n ? -1 : m > n ? 1 : 0;
    }
    return Number(a) - Number(b);
  }
  const [m, n] = [jsonToText(a), jsonToText(b)];
  return m < n ? -1 : m > n ? 1 : 0;
}

/** Removes blanks outside strings. */
export const compactJson = (json: string): string =>
  json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_whole, text: string | undefined) => text ?? '');
