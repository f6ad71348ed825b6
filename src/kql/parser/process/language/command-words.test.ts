import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { expect, it } from 'vitest';
import { askCommandsByTheirWords } from './command-words.ts';
import { languageFiles } from './language-files.ts';
import type { LanguagePackage } from './language.ts';

/** @returns how much is read */
type Scan = (this: Command, source: object, start: number) => number;
interface Command {
  Scan: Scan;
  /** Of a choice. */
  readonly _parsers?: readonly Command[];
}
interface Context {
  readonly Kusto: { readonly Language: LanguagePackage };
  texts: readonly string[];
}

/** A context of its own, so that the grammar is there as it comes. */
const context = createContext({}) as unknown as Context;
for (const file of languageFiles(import.meta.dirname)) runInContext(readFileSync(file, 'utf8'), context);
const { Parsing, Syntax } = context.Kusto.Language;
const choices = Parsing.BestParser$2(Parsing.LexicalToken, Syntax.Command).prototype as Command;
// Takes most of the time, and has no part in it.
Parsing.PartialParser.ScanPartialBest = () => -1;

/** Whole ones, ones that several commands begin as, ones with faults in every place, other cases, and what is no command. */
const commands = [
  '.create function with (docstring = "d") F(a: long) { T | where x > a }',
  '.create-or-alter function F() { print 1 }',
  '.show table T details',
  '.show tables | where TableName has "T"; print 1',
  '.show database D policy caching',
  '.set-or-append T <| .show tables',
  '.create table T (a: nothing)',
  '.create tables T (a: long), U (b: long)',
  '.SHOW tables',
  '.show-tables',
  '.create function F( { }',
  '.create',
  '.show',
  '.',
  '.no such command',
];

/** Kinds and texts of all nodes and tokens, and all faults.
 * @throws Error of this context: what the package throws leads to the whole grammar, which whoever reports a failure would go through */
const treesOf = (texts: readonly string[]): unknown => {
  context.texts = texts;
  try {
    return runInContext(
      `texts.map((text) => {
      const code = Kusto.Language.KustoCode.Parse(text, Kusto.Language.GlobalState.Default);
      const tree = (node) => node.IsToken
        ? [node.Kind, node.Text]
        : [node.Kind, node.CommandKind, Array.from({ length: node.ChildCount }, (_, at) => node.GetChild(at)).map((child) => child && tree(child))];
      return JSON.stringify([tree(code.Syntax), Bridge.toArray(code.GetSyntaxDiagnostics()).map(({ Code, Message, Start, Length }) => [Code, Message, Start, Length])]);
    })`,
      context,
    );
  } catch (error) {
    // eslint-disable-next-line preserve-caught-error -- see above
    throw new Error(`The package fails: ${(error as { readonly message?: string }).message ?? 'unknown'}`);
  }
};

/** Answers of each command of the grammar that is asked of a text: how much it reads, from where. */
function answersOf(text: string): Map<Command, Map<number, number>> {
  const answers = new Map<Command, Map<number, number>>();
  for (const command of all) {
    const scan = command.Scan;
    command.Scan = function (source, start) {
      const read = scan.call(this, source, start);
      answers.set(command, (answers.get(command) ?? new Map<number, number>()).set(start, read));
      asked += 1;
      return read;
    };
  }
  treesOf([text]);
  for (const command of all) Reflect.deleteProperty(command, 'Scan');
  return answers;
}

let asked = 0;
const all: Command[] = [];
const officialScan = choices.Scan;
choices.Scan = function (source, start) {
  if (this._parsers && this._parsers.length > 100) all.push(...this._parsers);
  return officialScan.call(this, source, start);
};
treesOf(['.show tables']);
choices.Scan = officialScan;
const official = treesOf(commands);
const answers = commands.map(answersOf);
asked = 0;
const one = '.create function F() { print 1 }';
answersOf(one);
const officialAsked = asked;
askCommandsByTheirWords(context.Kusto.Language);
// The grammar repeats for ever what reads nothing: here it has an end. All of the tests together ask some forty times.
const ourScan = choices.Scan;
let scans = 0;
choices.Scan = function (source, start) {
  scans += 1;
  if (scans > 500) throw new Error('The grammar does not come to an end.');
  return ourScan.call(this, source, start);
};

it('gives the trees that the official package gives', () => {
  expect(new Set(official as string[]).size).toBe(commands.length);
  expect(treesOf(commands)).toEqual(official);
});

it('passes over no command that reads anything', () => {
  expect(all).toHaveLength(626);
  for (const [index, text] of commands.entries()) {
    const now = answersOf(text);
    for (const [command, reads] of answers[index] ?? []) {
      for (const [start, read] of reads) if (read >= 0) expect(now.get(command)?.get(start), text).toBe(read);
    }
  }
});

it('asks few of them, and each once', () => {
  expect(officialAsked).toBe(2 * 626);
  asked = 0;
  const now = answersOf(one);
  expect(now.size).toBeLessThan(30);
  expect(asked).toBe(now.size);
});

it('always asks one of another shape', () => {
  const noText = { IsEnd: () => true, Peek: () => ({ Kind: -1, Text: '', Trivia: '' }) };
  const odd = { ChildParserCount: 0, Scan: () => 2 };
  const choice = Object.assign(Object.create(choices) as Command, { _parsers: [...all, odd] });
  expect(choice.Scan(noText, 0)).toBe(2);
  const none = Object.assign(Object.create(choices) as Command, { _parsers: all });
  expect(none.Scan(noText, 0)).toBeLessThan(0);
});
