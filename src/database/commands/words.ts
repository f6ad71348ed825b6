import { KqlError } from '../../kql/plan/kql-error.ts';
import { quotedText } from '../../kql/plan/quoted.ts';
import { comment, stringLiteral, unquote } from '../../kql/values/string-literals.ts';

/** A piece of a command's text. `raw`: all that follows `<|`; `pipe`: all that follows `|`; `then`:
 * all that follows `;`. */
export interface Word {
  readonly kind: 'word' | 'string' | 'mark' | 'raw' | 'pipe' | 'then';
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Of a string literal or a bracketed name: what it says. */
  readonly value?: string;
}

const patterns: readonly (readonly [Word['kind'] | 'space', RegExp])[] = [
  // A semicolon that nothing follows but space.
  ['space', new RegExp(`\\s+|${comment.source}|;(?=(?:\\s|${comment.source}(?:\\n|$))*$)`, 'y')],
  ['raw', /<\|/y],
  ['pipe', /\|/y],
  ['then', /;/y],
  ['string', new RegExp(stringLiteral.source, 'iy')],
  ['word', /[\p{L}\p{N}_*](?:[\p{L}\p{N}_*-])*/uy],
  ['mark', /\.\.|[()[\]{},=:.-]/y],
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
  return joinNames(words, text);
}

function nextWord(
  text: string,
  at: number,
): (Omit<Word, 'kind'> & { readonly kind: Word['kind'] | 'space' }) | undefined {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const match = pattern.exec(text)?.[0];
    if (match === undefined) continue;
    if (kind === 'raw' || kind === 'pipe' || kind === 'then') {
      const start = at + match.length;
      return { kind, text: text.slice(start), start, end: text.length };
    }
    const end = at + match.length;
    return { kind, text: match, start: at, end, ...(kind === 'string' ? { value: unquote(match) } : {}) };
  }
  return undefined;
}

/** `['my table']`, `[T]` and `[My table]` are names. */
function joinNames(words: readonly Word[], text: string): Word[] {
  const joined: Word[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const first = words[index];
    if (first === undefined) break;
    const end = first.text === '[' ? endOfName(words, index + 1) : -1;
    const [second, close] = [words[index + 1], words[end]];
    if (second === undefined || close === undefined) {
      joined.push(first);
      continue;
    }
    const inside = text.slice(second.start, words[end - 1]?.end);
    joined.push({
      kind: 'word',
      text: `[${inside}]`,
      start: first.start,
      end: close.end,
      value: second.value ?? inside,
    });
    index = end;
  }
  return joined;
}

/** @returns where the bracket closes; -1 when what it holds is no name */
function endOfName(words: readonly Word[], from: number): number {
  const end = words.findIndex(({ text }, index) => index > from && text === ']');
  const inside = words.slice(from, end);
  return end > from && (inside.length === 1 || inside.every(({ kind }) => kind === 'word')) ? end : -1;
}

/** Literals that follow one another are one text, as in `mapping 'M' '[' '{"column": "a"}' ']'`; the official parser reads one only. The name
 * of a mapping stands by itself. Queries, bodies of functions and rows have literals of their own, so it ends where they begin.
 * @returns the command with each such text as one literal; what follows it stays in its place, unless escapes make the literal longer */
export function withJoinedLiterals(text: string): string {
  const runs: Word[][] = [];
  let before: Word | undefined;
  for (const word of headWords(text)) {
    if (word.kind === 'string' && before?.kind === 'string') runs.at(-1)?.push(word);
    else if (word.kind === 'string') runs.push(before?.text.toLowerCase() === 'mapping' ? [] : [word]);
    before = word;
  }
  let joined = text;
  for (const run of runs.filter(({ length }) => length > 1).reverse()) {
    const [start, end] = [run[0]?.start ?? 0, run.at(-1)?.end ?? 0];
    const hidden = run.some((word) => /^h/i.test(word.text)) ? 'h' : '';
    const literal = hidden + quotedText(run.map(({ value }) => value).join(''));
    joined = joined.slice(0, start) + literal.padEnd(end - start) + joined.slice(end);
  }
  return joined;
}

function* headWords(text: string): Generator<Word> {
  let at = Math.max(0, text.indexOf('.')) + 1;
  for (let word = nextWord(text, at); word !== undefined; word = nextWord(text, at)) {
    const { kind } = word;
    if (kind === 'raw' || kind === 'pipe' || kind === 'then' || word.text === '{') return;
    at = word.end;
    if (kind !== 'space') yield { ...word, kind };
  }
}
