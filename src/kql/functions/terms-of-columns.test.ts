import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalEngine } from '../testing/local-engine.ts';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

let engine: LocalEngine;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

/** What may stand beside a term: nothing, signs and letters of ASCII, those beyond, and marks that are neither. */
const beside = [
  '',
  ' ',
  '-',
  '_',
  '~',
  '\n',
  'a',
  'Z',
  '7',
  'é',
  'ß',
  '中',
  '。',
  '—',
  '🙂',
  '\u0301',
  '\u0345',
  'K',
  'ſ',
  '٣',
];
const needles = ['term', 'TERM', 'ks', '-term', 'term.', '中文', 'a b', '7'];
const operators = ['has', '!has', 'has_cs', 'hasprefix', 'hassuffix', '!hasprefix_cs', 'hassuffix_cs'];

const rowsOf = (needle: string): string => {
  const texts = beside.flatMap((left) => beside.map((right) => `${left}${needle}${right}`));
  const values = [...texts, ...texts.map((text) => `${text} x${text}`), '', needle.toLowerCase()];
  return `print t = dynamic(${JSON.stringify(values)}) | mv-expand with_itemindex = i t to typeof(string) | extend u = iff(i % 3 == 0, t, "other"), t = iff(i % 3 == 0, "", t)`;
};

describe('a term in any column', () => {
  it.each(needles)('is in one of them: %j', async (needle) => {
    const own = JSON.stringify(needle);
    const differs = operators.map((operator) => {
      const join = operator.startsWith('!') ? 'and' : 'or';
      return `countif((* ${operator} ${own}) != (t ${operator} ${own} ${join} u ${operator} ${own}))`;
    });
    const asked = [...differs, `countif(* has ${own})`, `countif(* !has ${own})`];
    const [result] = await engine.run(`${rowsOf(needle)} | project t, u | summarize ${asked.join(', ')}`);
    const counts = (result?.rows[0] ?? []).map(Number);
    expect(counts.slice(0, operators.length)).toEqual(operators.map(() => 0));
    expect(Math.min(...counts.slice(operators.length))).toBeGreaterThan(0);
  });
});
