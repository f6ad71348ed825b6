import { KqlError } from '../kql/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { difference, differing, percent } from './difference.ts';
import type { Encoded, Item } from './itemsets.ts';
import { rowsWith } from './itemsets.ts';
import { miningArguments } from './mining-arguments.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperator } from './row-operator.ts';
import { colsOf } from './timeline.ts';

/** Tokens of a text after so many are not looked at. */
const tokensMax = 200;

interface Texts {
  readonly data: Encoded;
  /** By distinct text: how many tokens it has. */
  readonly lengths: readonly number[];
}

/** Tokens by their place as items; texts of the same tokens are one row. */
function encodeTexts(texts: readonly { readonly text: string; readonly isTrue: boolean }[]): Texts {
  const distinct = new Map<string, { tokens: string[]; length: number; weights: [number, number] }>();
  for (const { text, isTrue } of texts) {
    const tokens = text.split(/\s+/).filter((token) => token !== '');
    const key = tokens.join(' ');
    const own = distinct.get(key) ?? { tokens: tokens.slice(0, tokensMax), length: tokens.length, weights: [0, 0] };
    own.weights[isTrue ? 0 : 1] += 1;
    distinct.set(key, own);
  }
  const rows = [...distinct.values()];
  const width = rows.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
  const codes = new Int32Array(rows.length * width).fill(-1);
  const items: Item[] = [];
  const numbers = Array.from({ length: width }, () => new Map<string, number>());
  rows.forEach(({ tokens }, row) => {
    tokens.forEach((token, column) => {
      let number = numbers[column]?.get(token);
      if (number === undefined) {
        number = items.push({ column, value: token }) - 1;
        numbers[column]?.set(token, number);
      }
      codes[row * width + column] = number;
    });
  });
  const weights = [0, 1].map((side) => Float64Array.from(rows, (row) => row.weights[side] ?? 0));
  const totals = weights.map((own) => own.reduce((sum, part) => sum + part, 0));
  return { data: { width, count: rows.length, codes, weights, totals, items }, lengths: rows.map((row) => row.length) };
}

/** The tokens of a pattern in their places; `*` for every other one before the last, and once for all that may follow. */
function textOfPattern({ data, lengths }: Texts, items: readonly number[]): string {
  const tokens: string[] = [];
  for (const number of items) {
    const item = data.items[number];
    if (item) tokens[item.column] = String(item.value);
  }
  const goesOn = rowsWith(data, { items }).some((row) => (lengths[row] ?? 0) > tokens.length);
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
  const texts = encodeTexts(
    args.rows.rows.map((row) => ({ text: String(row[textAt] ?? ''), isTrue: row[conditionAt] === true })),
  );
  const { data } = texts;
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
    textOfPattern(texts, items),
  ]);
  return { cols: colsOf(call), rows };
};

export const textPatterns: Readonly<Record<string, RowOperator>> = { diffpatterns_text: diffpatternsText };
