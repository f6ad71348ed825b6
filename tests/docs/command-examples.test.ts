import { beforeAll, describe, expect, it } from 'vitest';
import { withWholeCommands } from '../../src/kql/parser/process/language/partial-commands.ts';
import { children, kindOf, languagePackage, toArray } from '../../src/kql/parser/process/language/language.ts';
import type { ParsedCode, SyntaxNode } from '../../src/kql/parser/process/language/language.ts';
import { recognizeCommand } from '../../src/database/commands/recognize.ts';
import { commandExamples } from '../support/command-examples.ts';
import { drawn } from '../support/drawn.ts';
import { loadLanguageOnce, readAs } from './commands-page.ts';

it.each([...commandExamples])('the example of %s is read as this command: %s', (kind, example) => {
  expect(readAs(example)).toEqual({ kind, problems: [] });
});

describe('a command is read alike whether partial commands are looked for or not', () => {
  let parses = 0;
  beforeAll(loadLanguageOnce);

  const parse = (text: string): ParsedCode => {
    parses += 1;
    return languagePackage().KustoCode.ParseAndAnalyze(text, languagePackage().GlobalState.Default);
  };
  /** What a reader of the tree sees of it. */
  const shown = (node: SyntaxNode): unknown => [
    ...[kindOf(node), node.NameInParent, node.IsToken ? node.toString() : '', node.TextStart, node.End],
    children(node).map(shown),
  ];
  const read = (code: ParsedCode): unknown => ({
    kind: code.Kind,
    tree: shown(code.Syntax),
    problems: toArray<{ readonly Message: string }>(code.GetDiagnostics()).map(({ Message }) => Message),
  });
  /** The whole text, half of it, one with a word too many, and another word: most are no commands. */
  const variants = (text: string): readonly string[] => [
    text,
    text.slice(0, text.length / 2),
    `${text} surplus`,
    text.replace(/^\.(\S+)/, '.$1x'),
  ];
  // The whole grammar takes its time: one example of so many, each as itself or as one of its variants.
  const step = process.env['KUSTODY_COMMAND_EXAMPLES_STEP'];
  const all = [...commandExamples];
  const sampled =
    step === undefined
      ? drawn(all, Math.ceil(all.length / 24), process.env['KUSTODY_SEED'] ?? '0')
      : all.filter((_example, index) => index % Number(step) === 0);

  it('is tried', () => {
    expect(sampled.length).toBeGreaterThan(0);
  });

  it.each(sampled.map(([kind, text], index) => [kind, variants(text)[index % 4] ?? text]))('%s: %s', (_kind, text) => {
    expect(read(withWholeCommands(() => parse(text)))).toEqual(read(parse(text)));
  });

  it('and once is enough for what is right', () => {
    const examples = sampled.map(([, text]) => text).filter((text) => recognizeCommand(text) === undefined);
    parses = 0;
    for (const example of examples) withWholeCommands(() => parse(example));
    expect(parses).toBe(examples.length);
  });
});
