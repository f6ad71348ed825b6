import { KqlError } from '../../plan/kql-error.ts';
import type { RegexFlags, TextReader } from './text-reader.ts';
import { badRegex, escapedCode } from './text-reader.ts';

/** A set of characters. */
export type ClassSet =
  | { readonly k: 'range'; readonly from: number; readonly to: number }
  /** `name` as JavaScript writes it between the braces of `\p{…}` */
  | { readonly k: 'property'; readonly name: string }
  | { readonly k: 'perl'; readonly letter: 'd' | 's' | 'w'; readonly ascii: boolean }
  | { readonly k: 'union'; readonly items: readonly ClassSet[] }
  | { readonly k: 'not'; readonly of: ClassSet }
  | { readonly k: 'and' | 'minus' | 'xor'; readonly left: ClassSet; readonly right: ClassSet };

const range = (from: number, to: number): ClassSet => ({ k: 'range', from, to });
const ranges = (text: string): ClassSet => ({
  k: 'union',
  items: (text.match(/../gs) ?? []).map((pair) => range(pair.charCodeAt(0), pair.charCodeAt(1))),
});

/** POSIX classes, as pairs of first and last character. */
const posix: Readonly<Record<string, ClassSet | undefined>> = {
  alnum: ranges('09AZaz'),
  alpha: ranges('AZaz'),
  ascii: ranges('\0\x7f'),
  blank: ranges('\t\t  '),
  cntrl: ranges('\0\x1f\x7f\x7f'),
  digit: ranges('09'),
  graph: ranges('!~'),
  lower: ranges('az'),
  print: ranges(' ~'),
  punct: ranges('!/:@[`{~'),
  space: ranges('\t\r  '),
  upper: ranges('AZ'),
  word: ranges('09AZaz__'),
  xdigit: ranges('09AFaf'),
};

/** `\d`, `\s`, `\w` and their opposites, behind the backslash. */
export function namedSet(reader: TextReader, flags: RegexFlags): ClassSet | undefined {
  const letter = reader.take(/[dswDSW]/)?.[0];
  if (letter === undefined) return undefined;
  const lower = letter.toLowerCase();
  const set: ClassSet = { k: 'perl', letter: lower === 'd' ? 'd' : lower === 's' ? 's' : 'w', ascii: !flags.u };
  return letter === lower ? set : { k: 'not', of: set };
}

/** `\pL`, `\p{Greek}`, `\P{…}`, `\p{^…}`, behind the backslash. */
export function propertyAt(reader: TextReader): ClassSet | undefined {
  const match = reader.take(/([pP])(?:\{(\^?)([^}]*)\}|([A-Za-z]))/);
  if (!match) return undefined;
  const name = propertyName(match[3] ?? match[4] ?? '');
  if (name === undefined) throw badRegex('a Unicode class is not known');
  const set: ClassSet = { k: 'property', name };
  return (match[1] === 'P') === (match[2] === '^') ? set : { k: 'not', of: set };
}

const aliases: Readonly<Record<string, string | undefined>> = {
  gc: 'gc',
  generalcategory: 'gc',
  sc: 'sc',
  script: 'sc',
  scx: 'scx',
  scriptextensions: 'scx',
};
const known = new Map<string, string | undefined>();

/** The spelling that JavaScript knows a Unicode class by; names may be written loosely. */
function propertyName(written: string): string | undefined {
  if (known.has(written)) return known.get(written);
  const pair = /^(.*?)(?:!?[=:])(.*)$/.exec(written);
  const key = pair ? aliases[(pair[1] ?? '').toLowerCase().replace(/[\s_-]/g, '')] : undefined;
  const value = (pair ? (pair[2] ?? '') : written).trim();
  const title = value
    .split(/[\s_-]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
    .join('_');
  const spellings = [value, title, value.toUpperCase()];
  const names = pair
    ? key === undefined
      ? []
      : spellings.map((spelling) => `${key}=${spelling}`)
    : [...spellings, ...spellings.map((spelling) => `sc=${spelling}`)];
  const name = names.find((candidate) => /^[\w=]+$/.test(candidate) && isProperty(candidate));
  if (known.size > 200) known.clear();
  known.set(written, name);
  return name;
}
function isProperty(name: string): boolean {
  try {
    return new RegExp(`\\p{${name}}`, 'u').source !== '';
  } catch {
    return false;
  }
}

const operators = { '&&': 'and', '--': 'minus', '~~': 'xor' } as const;

/** A class in brackets. One that does not close where brackets inside of it begin classes has them as characters. */
export function readBrackets(reader: TextReader, flags: RegexFlags): ClassSet {
  const start = reader.at;
  try {
    return readClass(reader, flags, true);
  } catch (error) {
    if (!(error instanceof UnclosedClass)) throw error;
    reader.at = start;
    return readClass(reader, flags, false);
  }
}

class UnclosedClass extends KqlError {
  constructor() {
    super('runtime', badRegex('a class is not closed').message);
  }
}

function readClass(reader: TextReader, flags: RegexFlags, nests: boolean): ClassSet {
  if (!reader.eat('[')) throw badRegex('a class is expected');
  const negated = reader.eat('^');
  const blanks = (): void => {
    if (flags.x) reader.take(/(?:\s|#[^\n]*)*/);
  };
  let left: ClassSet | undefined;
  let operator: 'and' | 'minus' | 'xor' | undefined;
  let items: ClassSet[] = [];
  const close = (): ClassSet => {
    const right: ClassSet = { k: 'union', items };
    return left && operator ? { k: operator, left, right } : right;
  };
  blanks();
  while (reader.eat('-')) items.push(range(0x2d, 0x2d));
  if (items.length === 0 && reader.eat(']')) items.push(range(0x5d, 0x5d));
  for (;;) {
    blanks();
    if (reader.eat(']')) break;
    const sign = reader.take(/&&|--|~~/)?.[0];
    if (sign !== undefined) {
      left = close();
      operator = operators[sign as keyof typeof operators];
      items = [];
    } else items.push(classItem(reader, flags, blanks, nests));
  }
  const set = close();
  return negated ? { k: 'not', of: set } : set;
}

function classItem(reader: TextReader, flags: RegexFlags, blanks: () => void, nests: boolean): ClassSet {
  if (reader.atEnd) throw new UnclosedClass();
  const named = reader.take(/\[:(\^?)(\w+):\]/);
  if (named) {
    const set = posix[named[2] ?? ''];
    if (!set) throw badRegex('a POSIX class is not known');
    return named[1] === '^' ? { k: 'not', of: set } : set;
  }
  if (nests && reader.looksAt('[')) return readClass(reader, flags, true);
  const first = classCharacter(reader, flags);
  if (typeof first !== 'number') return first;
  blanks();
  if (!reader.take(/-(?![\]-])/)) return range(first, first);
  blanks();
  const last = classCharacter(reader, flags);
  if (typeof last !== 'number' || last < first) throw badRegex('a range of characters is not valid');
  return range(first, last);
}

function classCharacter(reader: TextReader, flags: RegexFlags): number | ClassSet {
  if (!reader.eat('\\')) return reader.code();
  // Only outside of classes may they be taken for the edges of a word; in them RE2 and shipped parsers mean the characters.
  if (reader.looksAt('<') || reader.looksAt('>')) return reader.code();
  return namedSet(reader, flags) ?? propertyAt(reader) ?? escapedCode(reader);
}
