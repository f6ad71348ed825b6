import { KqlError } from '../kql/kql-error.ts';
import { unquote } from '../kql/process/strings.ts';

/** A piece of a command's text. `raw`: all that follows `<|`; `pipe`: all that follows `|`. */
export interface Word {
  readonly kind: 'word' | 'string' | 'mark' | 'raw' | 'pipe';
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Of a string literal or a bracketed name: what it says. */
  readonly value?: string;
}

const patterns: readonly (readonly [Word['kind'] | 'space', RegExp])[] = [
  ['space', /(?:\s+|\/\/[^\n]*)/y],
  ['raw', /<\|/y],
  ['pipe', /\|/y],
  ['string', /```[\s\S]*?```|~~~[\s\S]*?~~~/y],
  ['string', /h?@"(?:[^"]|"")*"|h?@'(?:[^']|'')*'/iy],
  ['string', /h?"(?:[^"\\\n]|\\.)*"|h?'(?:[^'\\\n]|\\.)*'/iy],
  ['word', /[\p{L}\p{N}_*](?:[\p{L}\p{N}_*-])*/uy],
  ['mark', /\.\.|[()[\]{},=:.;-]/y],
];

/** Splits a command after its dot as far as it can: at most `wordsMax` words.
 * @returns undefined when there is something in it that only the parser can read */
export function splitCommand(text: string, wordsMax = 200): Word[] | undefined {
  const dot = /^\s*(?:\/\/[^\n]*\n\s*)*\./.exec(text);
  if (dot === null) throw new KqlError('syntax', 'A management command starts with a dot.', 0);
  const words: Word[] = [];
  let at = dot[0].length;
  while (at < text.length) {
    const found = nextWord(text, at);
    if (found === undefined || words.length > wordsMax) return undefined;
    at = found.end;
    if (found.kind !== 'space') words.push({ ...found, kind: found.kind });
  }
  return joinNames(words);
}

function nextWord(
  text: string,
  at: number,
): (Omit<Word, 'kind'> & { readonly kind: Word['kind'] | 'space' }) | undefined {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const match = pattern.exec(text)?.[0];
    if (match === undefined) continue;
    if (kind === 'raw' || kind === 'pipe') {
      const start = at + match.length;
      return { kind, text: text.slice(start), start, end: text.length };
    }
    const end = at + match.length;
    return { kind, text: match, start: at, end, ...(kind === 'string' ? { value: unquote(match) } : {}) };
  }
  return undefined;
}

/** `['my table']` and `[T]` are names. */
function joinNames(words: readonly Word[]): Word[] {
  const joined: Word[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const [first, second, third] = words.slice(index, index + 3);
    if (first?.text === '[' && second !== undefined && third?.text === ']') {
      const text = `[${second.text}]`;
      joined.push({ kind: 'word', text, start: first.start, end: third.end, value: second.value ?? second.text });
      index += 2;
    } else if (first !== undefined) joined.push(first);
  }
  return joined;
}
