import type { ClassSet } from './class.ts';
import { namedSet, propertyAt, readBrackets } from './class.ts';
import type { RegexFlags } from './text-reader.ts';
import { badRegex, escapedCode, TextReader } from './text-reader.ts';

/** What KQL takes for a regular expression, as a tree. No look-around, no back references.
 * @see data-explorer/kusto/query/regex.md of the KQL documentation: the syntax is that of Rust's `regex` */
export type RegexNode =
  | { readonly k: 'literal'; readonly code: number; readonly fold: boolean }
  /** `.` and the line ends that it stops at */
  | { readonly k: 'any'; readonly except: '' | '\n' | '\r\n' }
  | { readonly k: 'class'; readonly set: ClassSet; readonly fold: boolean }
  | { readonly k: 'assert'; readonly at: Assertion; readonly ascii: boolean }
  /** `index` is missing for a group that does not capture */
  | { readonly k: 'group'; readonly index?: number; readonly body: RegexNode }
  | {
      readonly k: 'repeat';
      readonly min: number;
      readonly max?: number;
      readonly lazy: boolean;
      readonly body: RegexNode;
    }
  | { readonly k: 'sequence' | 'choice'; readonly items: readonly RegexNode[] };

export type Assertion =
  | 'start'
  | 'end'
  | 'lineStart'
  | 'lineEnd'
  | 'lineStartCrlf'
  | 'lineEndCrlf'
  | 'word'
  | 'notWord'
  | 'wordStart'
  | 'wordEnd'
  | 'wordStartHalf'
  | 'wordEndHalf';

export interface ParsedRegex {
  readonly root: RegexNode;
  /** Names by the index of their group; group 0, the whole match, has none. */
  readonly names: readonly (string | undefined)[];
}

const noFlags: RegexFlags = { i: false, m: false, s: false, R: false, U: false, u: true, x: false };

/** @throws KqlError runtime, with the reason */
export function parseRegex(pattern: string): ParsedRegex {
  const reader = new RegexReader(pattern);
  const root = reader.choice();
  if (!reader.atEnd) throw badRegex('a group is closed that was not opened');
  return { root, names: reader.names };
}

const assertionEscapes: Readonly<Record<string, Assertion | undefined>> = {
  A: 'start',
  z: 'end',
  b: 'word',
  B: 'notWord',
  '<': 'wordStart',
  '>': 'wordEnd',
};
const wordEdges: Readonly<Record<string, Assertion | undefined>> = {
  start: 'wordStart',
  end: 'wordEnd',
  'start-half': 'wordStartHalf',
  'end-half': 'wordEndHalf',
};
const nestingMax = 250;
/** A brace that begins no count is itself. */
const count = /\{\s*(\d+)\s*(?:(,)\s*(\d*)\s*)?\}/;

class RegexReader extends TextReader {
  flags = noFlags;
  readonly names: (string | undefined)[] = [undefined];
  private depth = 0;

  choice(): RegexNode {
    const items = [this.sequence()];
    while (this.eat('|')) items.push(this.sequence());
    return items.length === 1 && items[0] ? items[0] : { k: 'choice', items };
  }

  private sequence(): RegexNode {
    const items: RegexNode[] = [];
    for (;;) {
      this.skipBlanks();
      if (this.atEnd || this.looksAt('|') || this.looksAt(')')) return { k: 'sequence', items };
      const item = this.item();
      if (item) items.push(this.repeated(item));
    }
  }

  private skipBlanks(): void {
    if (this.flags.x) this.take(/(?:\s|#[^\n]*)*/);
  }

  /** @returns undefined for flags, which match nothing themselves */
  private item(): RegexNode | undefined {
    if (this.looksAt('(')) return this.group();
    if (this.looksAt('[')) return { k: 'class', set: readBrackets(this, this.flags), fold: this.flags.i };
    if (this.looksAt('\\')) return this.escape();
    if (this.take(/[*+?]/) ?? this.take(count)) throw badRegex('there is nothing to repeat');
    const { m, s, R } = this.flags;
    if (this.eat('.')) return { k: 'any', except: s ? '' : R ? '\r\n' : '\n' };
    if (this.eat('^')) return this.assertion(m ? (R ? 'lineStartCrlf' : 'lineStart') : 'start');
    if (this.eat('$')) return this.assertion(m ? (R ? 'lineEndCrlf' : 'lineEnd') : 'end');
    return { k: 'literal', code: this.code(), fold: this.flags.i };
  }

  private assertion(at: Assertion): RegexNode {
    return { k: 'assert', at, ascii: !this.flags.u };
  }

  private escape(): RegexNode {
    this.eat('\\');
    const edge = this.take(/b\{(start|end|start-half|end-half)\}/)?.[1];
    if (edge !== undefined) return this.assertion(wordEdges[edge] ?? 'word');
    const next = this.text.charAt(this.at);
    const assertion = assertionEscapes[next];
    if (assertion) {
      this.at += 1;
      return this.assertion(assertion);
    }
    const set = namedSet(this, this.flags) ?? propertyAt(this);
    if (set) return { k: 'class', set, fold: this.flags.i };
    return { k: 'literal', code: escapedCode(this), fold: this.flags.i };
  }

  private group(): RegexNode {
    this.eat('(');
    const outer = this.flags;
    const named = this.take(/\?P?<(?![=!])([^>]*)>/);
    const flags = named ? null : this.take(/\?([imsRUux]*)(?:-([imsRUux]+))?([:)])/);
    if (flags) {
      const set = (letters: string | undefined, value: boolean): Partial<RegexFlags> =>
        Object.fromEntries(Array.from(letters ?? '', (letter) => [letter, value]));
      this.flags = { ...outer, ...set(flags[1], true), ...set(flags[2], false) };
      if (flags[3] === ')') return { k: 'sequence', items: [] };
    } else if (this.looksAt('?')) throw badRegex('look-around and other groups that begin with (? are not supported');
    const index = flags ? undefined : this.names.length;
    if (index !== undefined) this.names.push(named ? this.name(named[1] ?? '') : undefined);
    this.depth += 1;
    if (this.depth > nestingMax) throw badRegex('it is nested too deeply');
    const body = this.choice();
    this.depth -= 1;
    if (!this.eat(')')) throw badRegex('a group is not closed');
    this.flags = outer;
    return index === undefined ? { k: 'group', body } : { k: 'group', index, body };
  }

  private name(name: string): string {
    if (!/^[_\p{Alphabetic}][.[\]_\p{Alphabetic}\p{N}]*$/u.test(name))
      throw badRegex('the name of a group is not valid');
    if (this.names.includes(name)) throw badRegex('two groups have one name');
    return name;
  }

  private repeated(item: RegexNode): RegexNode {
    this.skipBlanks();
    const simple = this.take(/[*+?]/)?.[0];
    const counted = simple === undefined && this.looksAt('{') ? this.take(count) : null;
    if (simple === undefined && !counted) return item;
    const min = counted ? Number(counted[1]) : simple === '+' ? 1 : 0;
    const upper = counted ? (counted[2] === undefined ? counted[1] : counted[3]) : simple === '?' ? '1' : '';
    const max = upper === '' || upper === undefined ? undefined : Number(upper);
    if (min > 100_000 || (max !== undefined && (max < min || max > 100_000)))
      throw badRegex('a repetition count is out of range');
    this.skipBlanks();
    const lazy = this.eat('?') !== this.flags.U;
    return this.repeated({ k: 'repeat', min, ...(max === undefined ? {} : { max }), lazy, body: item });
  }
}
