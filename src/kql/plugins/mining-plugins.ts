import { invariant } from '../../base/invariant.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { textOf } from '../sql/convert-value.ts';
import { differing, percent } from './difference.ts';
import { bestSegments, shareMin } from './segments.ts';
import { closedPatterns, encode, weighed } from './itemsets.ts';
import { miningArguments, patternCells, weightOf } from './mining-arguments.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperator, RowTable } from './row-operator.ts';

const dimensionsMax = 1_000;
const columnsBut = (table: RowTable, ...left: (number | undefined)[]): number[] =>
  [...table.cols.keys()].filter((column) => !left.includes(column));
const whole = (weight: number): bigint => BigInt(Math.round(weight));

/** `basket([threshold, weight, dimensions, wildcards…])`: every closed pattern of at least that share of the rows, the
 * most frequent first. Nothing is sampled, so nothing is missed.
 * @see Kusto documentation, basket plugin */
const basket: RowOperator = (call) => {
  const args = argumentsOf(call, 'basket');
  const given = miningArguments(args, 'basket');
  const threshold = given.number(0, 0.05, 0.015, 1);
  const weight = given.weight(1);
  const dimensions = given.number(2, 5, 1, dimensionsMax);
  const wildcard = given.wildcard(3);
  const table = args.rows;
  const columns = columnsBut(table, weight);
  const weighedRows = weighed(table, columns, (row) => [weightOf(row, weight)]);
  const data = encode(weighedRows, columns.length, 1, threshold);
  const total = data.totals[0] ?? 0;
  const patterns = closedPatterns(data, threshold, dimensions, 'evaluate basket()').sort(
    (a, b) => (b.weights[0] ?? 0) - (a.weights[0] ?? 0) || b.items.length - a.items.length,
  );
  invariant(call.cols, 'the binder gives the columns of basket');
  const rows = patterns.map(({ items, weights: [count = 0] }, segment): NativeValue[] => [
    BigInt(segment),
    whole(count),
    (100 * count) / total,
    ...patternCells(data, items, table.cols, columns, wildcard),
  ]);
  return { cols: call.cols, rows };
};

/** `autocluster([size weight, weight, seeds, wildcards…])`: the few patterns that are large and tell much, best first.
 * @see Kusto documentation, autocluster plugin */
const autocluster: RowOperator = (call) => {
  const args = argumentsOf(call, 'autocluster');
  const given = miningArguments(args, 'autocluster');
  const sizeWeight = given.number(0, 0.5, 0, 1);
  const weight = given.weight(1);
  const seeds = given.number(2, 25, 1, 1_000);
  const wildcard = given.wildcard(3);
  const table = args.rows;
  const columns = columnsBut(table, weight);
  const weighedRows = weighed(table, columns, (row) => [weightOf(row, weight)]);
  const data = encode(weighedRows, columns.length, 1, shareMin);
  const total = data.totals[0] ?? 0;
  invariant(call.cols, 'the binder gives the columns of autocluster');
  const rows = bestSegments(data, sizeWeight, seeds).map(({ items, size }, segment): NativeValue[] => [
    BigInt(segment),
    whole(size),
    (100 * size) / total,
    ...patternCells(data, items, table.cols, columns, wildcard),
  ]);
  return { cols: call.cols, rows };
};

/** `diffpatterns(split, a, b[, weight, threshold, dimensions, wildcards…])`.
 * @see Kusto documentation, diffpatterns plugin */
const diffpatterns: RowOperator = (call) => {
  const args = argumentsOf(call, 'diffpatterns');
  const given = miningArguments(args, 'diffpatterns');
  const split = args.column(0);
  const type = args.rows.cols[split]?.type ?? 'string';
  const values = [1, 2].map((index) => textOf(args.constant(index) ?? null, args.typeOf(index)));
  const weight = given.weight(3);
  const threshold = given.number(4, 0.05, 0.015, 1);
  const dimensions = given.number(5, dimensionsMax, 1, dimensionsMax);
  const wildcard = given.wildcard(6);
  const table = args.rows;
  const columns = columnsBut(table, split, weight);
  const sides = weighed(table, columns, (row) => {
    const side = values.indexOf(textOf(row[split] ?? null, type));
    const own = weightOf(row, weight);
    return side < 0 ? undefined : side === 0 ? [own, 0] : [0, own];
  });
  const data = encode(sides, columns.length, 2, threshold);
  const [a = 0, b = 0] = data.totals;
  if (!(a > 0 && b > 0))
    throw new KqlError('semantic', 'evaluate diffpatterns(): the split column must have rows of both values.');
  invariant(call.cols, 'the binder gives the columns of diffpatterns');
  // At the end of a query the split column is not shown.
  const shown = columnsBut(table, call.cols.length < 6 + table.cols.length ? split : undefined);
  const rows = differing(data, { threshold, dimensions, what: 'evaluate diffpatterns()' }).map(
    ({ items, weights: [inA = 0, inB = 0] }, segment) => {
      const cells = patternCells(data, items, table.cols, columns, wildcard);
      return [
        BigInt(segment),
        whole(inA),
        whole(inB),
        percent(inA, a),
        percent(inB, b),
        Math.round(100 * Math.abs(percent(inA, a) - percent(inB, b))) / 100,
        ...shown.map((column) => cells[column] ?? null),
      ];
    },
  );
  return { cols: call.cols, rows };
};

export const miningPlugins: Readonly<Record<string, RowOperator>> = { basket, autocluster, diffpatterns };
