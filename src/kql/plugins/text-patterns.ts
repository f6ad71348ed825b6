import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { difference, differing, percent } from './difference.ts';
import type { Encoded } from './itemsets.ts';
import { encode } from './itemsets.ts';
import { miningArguments } from './mining-arguments.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperator } from './row-operator.ts';
import { colsOf } from './timeline.ts';

/** Tokens of a text after so many are not looked at. */
const tokensMax = 200;

interface Text {
  readonly cells: readonly string[];
  readonly weights: readonly [number, number];
}

const tokensOf = (text: string): string[] => text.split(/\s+/).filter((token) => token !== '');

/** The tokens of a pattern in their places; `*` for every other one before the last, and once for all that may follow. */
function textOfPattern(data: Encoded, texts: readonly Text[], items: readonly number[]): string {
  const tokens: string[] = [];
  for (const number of items) {
    const item = data.items[number];
    if (item) tokens[item.column] = String(item.value);
  }
  const goesOn = texts.some(
    ({ cells }) =>
      cells.length > tokens.length &&
      items.every((number) => cells[data.items[number]?.column ?? 0] === data.items[number]?.value),
  );
  return [...Array.from(tokens, (token: string | undefined) => token ?? '*'), ...(goesOn ? ['*'] : [])].join(' ');
}

/** `diffpatterns_text(text, condition[, min tokens, threshold, max tokens])`: patterns of tokens, separated by white space, that are
 * more frequent where the condition holds, then those that are where it does not.
 * @see Kusto documentation, diffpatterns_text plugin */
const diffpatternsText: RowOperator = (call) => {
  const plugin = 'diffpatterns_text';
  const args = argumentsOf(call, plugin);
  const given = miningArguments(args, plugin);
  const [textAt, conditionAt] = [args.column(0), args.column(1)];
  const least = given.number(2, 1, 0, 200);
  const threshold = given.number(3, 0.05, 0.015, 1);
  const most = given.number(4, Infinity, 0, 20);
  const texts = args.rows.rows.map((row): Text => ({
    cells: tokensOf(String(row[textAt] ?? '')).slice(0, tokensMax),
    weights: row[conditionAt] === true ? [1, 0] : [0, 1],
  }));
  const width = texts.reduce((longest, { cells }) => Math.max(longest, cells.length), 0);
  const data = encode(texts, width, 2, threshold);
  const [a = 0, b = 0] = data.totals;
  if (!(a > 0 && b > 0))
    throw new KqlError('semantic', `evaluate ${plugin}(): the condition must hold for some rows, and not for others.`);
  const patterns = differing(
    data,
    { threshold, dimensions: Infinity, what: `evaluate ${plugin}()` },
    ({ items }) => items.length >= least && items.length <= most,
  ).sort((x, y) => difference(data, y.weights) - difference(data, x.weights));
  const rows = patterns.map(({ items, weights: [inA = 0, inB = 0] }): NativeValue[] => [
    BigInt(inA),
    BigInt(inB),
    percent(inA, a),
    percent(inB, b),
    textOfPattern(data, texts, items),
  ]);
  return { cols: colsOf(call), rows };
};

export const textPatterns: Readonly<Record<string, RowOperator>> = { diffpatterns_text: diffpatternsText };
