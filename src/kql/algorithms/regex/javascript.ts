import { invariant } from '../../../base/invariant.ts';
import type { ClassSet } from './class.ts';
import type { Assertion, RegexNode } from './syntax.ts';

/** How an expression is written for V8. */
export interface JavaScriptForm {
  /** undefined where it cannot be written */
  readonly source: string | undefined;
  readonly flags: 'u' | 'iu';
  /** Letters that ignore case are written out, as they stand beside others that do not. */
  readonly isMixed: boolean;
}

export function toJavaScript(root: RegexNode): JavaScriptForm {
  const folds = new Set<boolean>();
  collectFolds(root, folds);
  const isMixed = folds.size > 1;
  return { source: written(root, isMixed), flags: folds.size === 1 && folds.has(true) ? 'iu' : 'u', isMixed };
}
function written(node: RegexNode, isMixed: boolean): string | undefined {
  try {
    return write(node, isMixed);
  } catch (error) {
    if (error instanceof CannotFoldError) return undefined;
    throw error;
  }
}

/** What tests one character as the whole form does: a literal, any or class of the same expression. */
export function characterTest(node: RegexNode, { flags, isMixed }: JavaScriptForm): RegExp {
  const source = written(node, isMixed);
  return source === undefined ? new RegExp(`^${write(node, false)}$`, 'iu') : new RegExp(`^${source}$`, flags);
}
/** Whether a character belongs to a word, as the edges of words see it. */
export const wordTest = (ascii: boolean, { flags }: JavaScriptForm): RegExp =>
  new RegExp(`^${ascii ? asciiWord : word}$`, flags);

const variants = (code: number): number[] => {
  const letter = String.fromCodePoint(code);
  const extra = { s: 'ſ', k: '\u212a', å: '\u212b' }[letter.toLowerCase()] ?? '';
  const forms = [letter, letter.toLowerCase(), letter.toUpperCase(), letter.toLowerCase().toUpperCase(), extra];
  return [...new Set(forms.filter((form) => Array.from(form).length === 1).map((form) => form.codePointAt(0) ?? code))];
};

/** `\d`, `\s`, `\w` and their opposites, which are the same whether case counts or not. */
export const isPerl = (set: ClassSet, ascii: boolean): boolean =>
  set.k === 'not' ? isPerl(set.of, ascii) : set.k === 'perl' && set.ascii === ascii;

/** Which settings of the flag `i` there are among what has case. */
function collectFolds(node: RegexNode, into: Set<boolean>): void {
  if (node.k === 'literal' && variants(node.code).length > 1) into.add(node.fold);
  if (node.k === 'class') into.add(node.fold);
  // The flag would count letters among the ASCII ones that only fold to them.
  if (node.k === 'assert' && node.ascii) into.add(false);
  if (node.k === 'class' && isPerl(node.set, true)) into.add(false);
  if (node.k === 'group' || node.k === 'repeat') collectFolds(node.body, into);
  if (node.k === 'sequence' || node.k === 'choice') for (const item of node.items) collectFolds(item, into);
}

const character = (code: number): string =>
  /[0-9A-Za-z]/.test(String.fromCodePoint(code)) ? String.fromCodePoint(code) : `\\u{${code.toString(16)}}`;

const perl = {
  d: '\\p{Nd}',
  s: '\\p{White_Space}',
  w: '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}',
} as const;
const asciiPerl = { d: '0-9', s: '\\t-\\r\\u{20}', w: '0-9A-Za-z_' } as const;

/** The inside of a class in brackets; undefined for a set that one class cannot hold. */
function inside(set: ClassSet): string | undefined {
  switch (set.k) {
    case 'range':
      return `${character(set.from)}${set.to === set.from ? '' : `-${character(set.to)}`}`;
    case 'property':
      return `\\p{${set.name}}`;
    case 'perl':
      return (set.ascii ? asciiPerl : perl)[set.letter];
    case 'union': {
      const parts = set.items.map(inside);
      return parts.includes(undefined) ? undefined : parts.join('');
    }
    default:
      return undefined;
  }
}

/** What takes one character of a set. Not by the flag `v`, whose negated classes V8 (11.3) takes for the opposite in some loops. */
export function writeSet(set: ClassSet): string {
  const plain = inside(set);
  if (plain !== undefined) return `[${plain}]`;
  switch (set.k) {
    case 'union':
      return `(?:${set.items.map(writeSet).join('|')})`;
    case 'not': {
      const body = inside(set.of);
      return body === undefined ? `(?:(?!${writeSet(set.of)})[^])` : `[^${body}]`;
    }
    case 'and':
      return `(?:(?=${writeSet(set.left)})${writeSet(set.right)})`;
    case 'minus':
      return `(?:(?!${writeSet(set.right)})${writeSet(set.left)})`;
    default: {
      invariant(set.k === 'xor', 'a set is plain or made of sets');
      const [left, right] = [writeSet(set.left), writeSet(set.right)];
      return `(?:(?!${right})${left}|(?!${left})${right})`;
    }
  }
}

/** A large class that ignores case beside parts that do not: JavaScript has only one flag for the whole expression. */
class CannotFoldError extends Error {}

/** A set with both cases of its letters, written out: for a class beside text whose case matters. */
function folded(set: ClassSet): ClassSet {
  if (set.k === 'range' && set.to - set.from < 2000)
    return {
      k: 'union',
      items: Array.from({ length: set.to - set.from + 1 }, (_, index) => variants(set.from + index))
        .flat()
        .map((code) => ({ k: 'range', from: code, to: code })),
    };
  if (set.k === 'perl') return set;
  if (set.k === 'union') return { k: 'union', items: set.items.map(folded) };
  if (set.k === 'not') return { k: 'not', of: folded(set.of) };
  throw new CannotFoldError();
}

const word = `[${perl.w}]`;
const asciiWord = `[${asciiPerl.w}]`;
const edges: Readonly<Record<Assertion, (w: string) => string>> = {
  start: () => '^',
  end: () => '$',
  lineStart: () => '(?:^|(?<=\\n))',
  lineEnd: () => '(?=\\n|$)',
  lineStartCrlf: () => '(?:^|(?<=\\n)|(?<=\\r)(?!\\n))',
  lineEndCrlf: () => '(?:(?=\\r|$)|(?<!\\r)(?=\\n))',
  word: (w) => `(?:(?<=${w})(?!${w})|(?<!${w})(?=${w}))`,
  notWord: (w) => `(?:(?<=${w})(?=${w})|(?<!${w})(?!${w}))`,
  wordStart: (w) => `(?<!${w})(?=${w})`,
  wordEnd: (w) => `(?<=${w})(?!${w})`,
  wordStartHalf: (w) => `(?<!${w})`,
  wordEndHalf: (w) => `(?!${w})`,
};

/** @param mixed write out what ignores case, as the flag is not the same everywhere */
function write(node: RegexNode, mixed: boolean): string {
  switch (node.k) {
    case 'literal':
      return mixed && node.fold && variants(node.code).length > 1
        ? `[${variants(node.code).map(character).join('')}]`
        : character(node.code);
    case 'any':
      return node.except === '' ? '[\\s\\S]' : node.except === '\n' ? '[^\\n]' : '[^\\r\\n]';
    case 'class':
      return writeSet(mixed && node.fold ? folded(node.set) : node.set);
    case 'assert':
      return edges[node.at](node.ascii ? asciiWord : word);
    case 'group':
      return `${node.index === undefined ? '(?:' : '('}${write(node.body, mixed)})`;
    case 'repeat':
      return `(?:${write(node.body, mixed)})${count(node.min, node.max)}${node.lazy ? '?' : ''}`;
    case 'sequence':
      return node.items.map((item) => write(item, mixed)).join('');
    case 'choice':
      return `(?:${node.items.map((item) => write(item, mixed)).join('|')})`;
  }
}

export function count(min: number, max: number | undefined): string {
  if (max === undefined) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  return min === 0 && max === 1 ? '?' : min === max ? `{${min}}` : `{${min},${max}}`;
}
