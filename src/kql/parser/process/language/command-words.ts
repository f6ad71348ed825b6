import { invariant } from '../../../../base/invariant.ts';
import type { LanguagePackage } from './language.ts';
import { languagePackage } from './language.ts';

/** A parser of the official grammar. */
interface Parser {
  readonly Tag?: string | null;
  readonly ChildParserCount: number;
  GetChildParser(index: number): Parser | null;
  /** @returns how many tokens it reads from `start` on; negative where it reads none of it */
  Scan(source: object, start: number): number;
  Parse(source: object, start: number, ...output: readonly unknown[]): number;
}
/** A choice of which the one is taken that reads most. */
interface Choice extends Parser {
  readonly _parsers: readonly Parser[];
}

/** Commands by the words that they begin with. */
interface Words {
  /** Places, among all commands, of those that go on with something else than a word. */
  readonly ends: number[];
  readonly next: Map<string, { readonly word: Parser; readonly after: Words }>;
}

/** What a choice has found of one text. */
interface Found {
  readonly choice: Choice;
  readonly start: number;
  readonly length: number;
  /** Those that read so much, in their order. */
  readonly best: readonly Parser[];
}

/** The grammar of commands asks each of six hundred how much of a text it reads, and asks all again to find which it was. Only those can read
 * anything that begin with the words that the text begins with: these are asked alone, and once. What they give is what all would give; where
 * none of them reads anything the official grammar goes on.
 * @param parts of the package */
export function askCommandsByTheirWords(
  { Parsing, Syntax }: Pick<LanguagePackage, 'Parsing' | 'Syntax'> = languagePackage(),
): void {
  const choices = Parsing.BestParser$2(Parsing.LexicalToken, Syntax.Command).prototype as Partial<Choice>;
  const { Scan: scan, Parse: parse } = choices;
  invariant(scan && parse, 'the grammar of commands takes the best of its choices');
  const wordsByChoice = new WeakMap<Choice, Words>();
  /** By tokens: they are read at one place at a time. */
  const found = new WeakMap<object, Found>();
  const find = (choice: Choice, source: object, start: number): Found => {
    const before = found.get(source);
    if (before?.choice === choice && before.start === start) return before;
    let words = wordsByChoice.get(choice);
    if (!words) wordsByChoice.set(choice, (words = wordsOf(choice)));
    let length = 0;
    let best: Parser[] = [];
    // Of those that read as much the first counts.
    for (const place of words.next.size > 0 ? placesOf(words, source, start).sort((one, other) => one - other) : []) {
      const parser = choice._parsers[place];
      const read = parser?.Scan(source, start) ?? -1;
      if (parser === undefined || read < length || read === 0) continue;
      best = read === length ? [...best, parser] : [parser];
      length = read;
    }
    const made = { choice, start, length, best };
    found.set(source, made);
    return made;
  };
  choices.Scan = function (this: Choice, source, start): number {
    const { length } = find(this, source, start);
    return length > 0 ? length : scan.call(this, source, start);
  };
  choices.Parse = function (this: Choice, source, start, ...output): number {
    const { best } = find(this, source, start);
    const [only, ...others] = best;
    if (only === undefined) return parse.call(this, source, start, ...output);
    if (others.length === 0) return only.Parse(source, start, ...output);
    return parse.call(Object.create(this, { _parsers: { value: best } }) as Choice, source, start, ...output);
  };
}

/** A command of another shape than expected begins with no word, and is always asked. */
function wordsOf({ _parsers: commands }: Choice): Words {
  const root: Words = { ends: [], next: new Map() };
  for (const [place, command] of commands.entries()) {
    let words = root;
    for (const word of firstWords(command)) {
      const tag = word.Tag ?? '';
      const step = words.next.get(tag) ?? { word, after: { ends: [], next: new Map() } };
      words.next.set(tag, step);
      words = step.after;
    }
    words.ends.push(place);
  }
  return root;
}

/** The dot, and the words that stand at the start of what follows it: `show`, `database` of `.show database [with (…)]`. */
function firstWords(command: Parser): readonly Parser[] {
  const [dot, content] = childrenOf(command);
  const sequence = content && content.ChildParserCount === 1 ? content.GetChildParser(0) : null;
  if (!dot || !isMatch(dot) || !sequence) return [];
  const parts = childrenOf(sequence);
  const end = parts.findIndex((part) => !isWord(part));
  return [dot, ...parts.slice(0, end < 0 ? parts.length : end)];
}

const childrenOf = (parser: Parser): readonly Parser[] =>
  Array.from({ length: parser.ChildParserCount }, (_child, index) => parser.GetChildParser(index)).flatMap(
    (child) => child ?? [],
  );

/** Reads tokens of one text, which its tag tells. */
const isMatch = (parser: Parser): boolean =>
  typeof (parser as { readonly Consumer?: unknown }).Consumer === 'function' && Boolean(parser.Tag);

function isWord(parser: Parser): boolean {
  const [match, ...others] = childrenOf(parser);
  return match !== undefined && others.length === 0 && isMatch(match) && match.Tag === parser.Tag;
}

function placesOf({ ends, next }: Words, source: object, start: number): number[] {
  const places = [...ends];
  for (const { word, after } of next.values()) {
    const length = word.Scan(source, start);
    if (length >= 0) places.push(...placesOf(after, source, start + length));
  }
  return places;
}
