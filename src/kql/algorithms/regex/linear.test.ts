import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAsInJavaScript } from './facts.ts';
import { toJavaScript } from './javascript.ts';
import { re2Pattern } from './re2.ts';
import { parseRegex } from './syntax.ts';
import { regex, withV8 } from './regex.ts';
import { fuzz } from '../../../../tests/support/fuzz.ts';

const leaf = fc.constantFrom(
  ...['a', 'b', 'c', '1', ' ', '_', 'é', 'ß', 'K', '😀', '.', '[ab]', '[^a]', '[[:alpha:]&&[^b]]', '[a-c--b]', '[😀é]'],
  ...[
    String.raw`\w`,
    String.raw`\W`,
    String.raw`\d`,
    String.raw`\s`,
    String.raw`\pL`,
    String.raw`(?-u:\w)`,
    String.raw`\n`,
  ],
  ...['^', '$', String.raw`\A`, String.raw`\z`, String.raw`\b`, String.raw`\B`, String.raw`\<`, String.raw`\>`],
  ...[
    String.raw`\b{start-half}`,
    String.raw`\b{end-half}`,
    String.raw`(?-u:\b)`,
    '(?m:^)',
    '(?m:$)',
    '(?mR:^)',
    '(?mR:$)',
    '(?s:.)',
  ],
);
const quantifier = fc.constantFrom('*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{0,2}', '{2,}', '{0}', '{1,3}?');
const patterns: fc.Arbitrary<string> = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 4, depthSize: 'medium' },
    leaf,
    fc.array(tie('pattern'), { minLength: 0, maxLength: 3 }).map((items) => items.join('')),
    fc.array(tie('pattern'), { minLength: 2, maxLength: 3 }).map((items) => `(?:${items.join('|')})`),
    tie('pattern').map((body) => `(${body})`),
    tie('pattern').map((body) => `(?i:${body})`),
    fc.tuple(tie('pattern'), quantifier).map(([body, count]) => `(?:${body})${count}`),
    fc.tuple(tie('pattern'), quantifier).map(([body, count]) => `(${body})${count}`),
  ),
})).pattern;
const letters = ['a', 'a', 'b', 'B', 'c', '1', ' ', '_', '\n', '\r', 'é', 'É', 'ß', 'ſ', 'k', '\u212a', '😀', '\u0301'];
const texts = fc.array(fc.constantFrom(...letters), { maxLength: 12 }).map((items) => items.join(''));
const asciiTexts = fc
  .array(fc.constantFrom('a', 'b', 'B', '1', ' ', '\n'), { maxLength: 10 })
  .map((items) => items.join(''));

/** Where V8 and the automaton find something, from every place. */
function bothFind(pattern: string, text: string): readonly [unknown, unknown] {
  const expression = regex(pattern);
  const found: [unknown[], unknown[]] = [[], []];
  withV8(() => {
    for (let at = 0; at <= text.length; at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) {
      const [quick, sure] = [expression.findByV8(text, at, true), expression.findByAutomaton(text, at, true)];
      found[0].push(quick && [quick.index, ...quick]);
      found[1].push(sure && [sure.index, ...sure]);
      expect(expression.findByAutomaton(text, at, false) !== undefined).toBe(sure !== undefined);
    }
    return true;
  });
  return found;
}

describe('the automaton', () => {
  it('finds what V8 finds, wherever the two are taken for the same', () => {
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        const { root } = parseRegex(pattern);
        fc.pre(isAsInJavaScript(root) && toJavaScript(root).source !== undefined);
        const [quick, sure] = bothFind(pattern, text);
        expect(sure).toEqual(quick);
      }),
      fuzz(1000),
    );
  });

  it('finds what RE2 finds, even where JavaScript does not', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const cases = fc.sample(fc.tuple(patterns, fc.oneof(asciiTexts, texts)), fuzz(1000));
    for (const [pattern, text] of cases) {
      const fast = re2Pattern(pattern, () => true);
      if (!fast || (fast.asciiOnly && /[^\0-\x7f]/.test(text))) continue;
      const expression = regex(pattern);
      const groups = expression.names.slice(0, 10).map((_name, group) => `regexp_extract($1, $2, ${group})`);
      const statement = await connection.prepare(
        `SELECT regexp_matches($1, $2), regexp_replace($1, $2, '<\\0>', 'g'), ${groups.join()}`,
      );
      statement.bind([text, fast.pattern]);
      const [row] = (await statement.runAndReadAll()).getRows();
      const all = expression.replace(text, (match) => `<${match[0] ?? ''}>`);
      const first = expression.findByAutomaton(text, 0, true);
      const texts = groups.map((_sql, group) => first?.[group] ?? '');
      expect([pattern, text, first !== undefined, all, ...texts]).toEqual([pattern, text, ...(row ?? [])]);
    }
  });
});
