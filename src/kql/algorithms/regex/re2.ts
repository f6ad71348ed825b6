import type { ClassSet } from './class.ts';
import type { Assertion, RegexNode } from './syntax.ts';
import { parseRegex } from './syntax.ts';
import { count, isPerl, writeSet } from './javascript.ts';

/** A regular expression of KQL for DuckDB, whose RE2 is much faster than JavaScript over many rows. */
export interface Re2Pattern {
  readonly pattern: string;
  /** It means the same for texts in ASCII only: RE2 knows words by their ASCII letters. */
  readonly asciiOnly: boolean;
}

/** @param captures which groups capture, by their index: they count from 1 in the order that they are written in
 * @returns undefined where RE2 has no such expression
 * @throws KqlError runtime */
export function re2Pattern(
  pattern: string,
  captures: (group: number) => boolean = () => false,
): Re2Pattern | undefined {
  const state = { asciiOnly: false, isPossible: true, size: 0, captures };
  const written = write(parseRegex(pattern).root, state, 1);
  return state.isPossible && state.size < sizeMax ? { pattern: written, asciiOnly: state.asciiOnly } : undefined;
}

interface State {
  asciiOnly: boolean;
  isPossible: boolean;
  size: number;
  readonly captures: (group: number) => boolean;
}

/** Instructions that RE2 has room for, by its memory of 8 MB; fewer than it has, as they are estimated. */
const sizeMax = 60_000;
const bytes = 4;

/** For a class: how many ranges of UTF-8 it may have. */
function weight(set: ClassSet): number {
  if (set.k === 'range') return set.to < 128 ? 1 : 4 * bytes;
  if (set.k === 'perl') return set.ascii || set.letter !== 'w' ? 100 : 450;
  if (set.k === 'union') return set.items.reduce((sum, item) => sum + weight(item), 2 * bytes);
  return set.k === 'not' ? weight(set.of) + 4 * bytes : 128;
}

const character = (code: number): string =>
  /[0-9A-Za-z]/.test(String.fromCodePoint(code)) ? String.fromCodePoint(code) : `\\x{${code.toString(16)}}`;
const hasCase = (code: number): boolean => {
  const letter = String.fromCodePoint(code);
  return letter.toLowerCase() !== letter || letter.toUpperCase() !== letter;
};

// What Unicode calls Alphabetic, and RE2 has no name for: letters, marks, letter numbers, letters in circles and squares.
const perl = {
  d: '\\p{Nd}',
  s: '\\t-\\r\\x{85}\\p{Z}',
  w: '\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{200c}\\x{200d}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{1f169}\\x{1f170}-\\x{1f189}',
} as const;
const asciiPerl = { d: '0-9', s: '\\t-\\r ', w: '0-9A-Za-z_' } as const;

/** The inside of a class of RE2; undefined for sets of sets. */
function inside(set: ClassSet): string | undefined {
  if (set.k === 'range') return `${character(set.from)}${set.to === set.from ? '' : `-${character(set.to)}`}`;
  if (set.k === 'perl') return (set.ascii ? asciiPerl : perl)[set.letter];
  if (set.k !== 'union') return undefined;
  const parts = set.items.map(inside);
  return parts.includes(undefined) ? undefined : parts.join('');
}

function writeClass(set: ClassSet, fold: boolean, state: State): string {
  const body = inside(set.k === 'not' ? set.of : set);
  if (body !== undefined && body !== '') {
    const plain = `[${set.k === 'not' ? '^' : ''}${body}]`;
    return fold && !isPerl(set, true) ? `(?i:${plain})` : plain;
  }
  state.asciiOnly = true;
  // Each of the sets ignores case before they are put together.
  const test = new RegExp(writeSet(set), fold ? 'iu' : 'u');
  const codes = Array.from({ length: 128 }, (_, code) => code).filter((code) => test.test(String.fromCodePoint(code)));
  return codes.length === 0 ? '[^\\x{0}-\\x{10ffff}]' : `[${codes.map(character).join('')}]`;
}

const edges: Readonly<Partial<Record<Assertion, string>>> = {
  start: '\\A',
  end: '\\z',
  lineStart: '(?m:^)',
  lineEnd: '(?m:$)',
  word: '\\b',
  notWord: '\\B',
};

/** @param times how often what stands around the node repeats it: RE2 has a limit of 1000 */
function write(node: RegexNode, state: State, times: number): string {
  state.size += times * (node.k === 'class' ? weight(node.set) : node.k === 'any' ? 4 * bytes : 2 * bytes);
  switch (node.k) {
    case 'literal':
      return node.fold && hasCase(node.code) ? `(?i:${character(node.code)})` : character(node.code);
    case 'any':
      return node.except === '' ? '(?s:.)' : node.except === '\n' ? '[^\\n]' : '[^\\r\\n]';
    case 'class':
      return writeClass(node.set, node.fold, state);
    case 'assert': {
      const edge = edges[node.at];
      if (edge === undefined) state.isPossible = false;
      if (edge?.startsWith('\\b') === true || edge?.startsWith('\\B') === true) state.asciiOnly ||= !node.ascii;
      return edge ?? '';
    }
    case 'group':
      return `${node.index !== undefined && state.captures(node.index) ? '(' : '(?:'}${write(node.body, state, times)})`;
    case 'repeat': {
      const most = times * Math.max(node.min, node.max ?? 0, 1);
      if (most > 1000) state.isPossible = false;
      return `(?:${write(node.body, state, most)})${count(node.min, node.max)}${node.lazy ? '?' : ''}`;
    }
    case 'sequence':
      return node.items.map((item) => write(item, state, times)).join('');
    case 'choice':
      return `(?:${node.items.map((item) => write(item, state, times)).join('|')})`;
  }
}
