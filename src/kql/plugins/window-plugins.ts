import { invariant } from '../../base/invariant.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { jsonItems } from '../values/json-text.ts';
import { argumentsOf } from './plugin-arguments.ts';
import { floorDiv } from './timeline.ts';
import type { RowOperator } from './row-operator.ts';

/** `rows_near(condition, before[, after])`: the rows for which the condition holds and their neighbours, in order. */
const rowsNear: RowOperator = (call) => {
  const args = argumentsOf(call, 'rows_near');
  const condition = args.column(0);
  const before = count(args.constant(1), 'rows_near');
  const after = args.count > 2 ? count(args.constant(2), 'rows_near') : before;
  const { rows } = args.rows;
  const near = new Uint8Array(rows.length);
  rows.forEach((row, index) => {
    if (row[condition] === true) near.fill(1, Math.max(0, index - before), index + after + 1);
  });
  const width = call.cols?.length ?? 0;
  invariant(call.cols, 'the binder gives the columns of rows_near');
  return { cols: call.cols, rows: rows.filter((_row, index) => near[index]).map((row) => row.slice(0, width)) };
};

function count(value: NativeValue | undefined, plugin: string): number {
  const number = Number(value);
  if (value === undefined || value === null || !Number.isInteger(number) || number < 0)
    throw new KqlError('semantic', `evaluate ${plugin}(): a count must be a whole number.`);
  return number;
}

/** `rolling_percentile(value, percentile, index, bin, bins[, dimensions…])`: the percentile, by nearest rank, of the last so
 * many bins for every bin that has rows.
 * @see Kusto documentation, rolling_percentile plugin */
const rollingPercentile: RowOperator = (call) => {
  const args = argumentsOf(call, 'rolling_percentile');
  const [valueAt, indexAt] = [args.column(0), args.column(2)];
  const percentile = Number(args.constant(1));
  const size = args.constant(3);
  const bins = count(args.constant(4), 'rolling_percentile');
  if (!(percentile >= 0 && percentile <= 100) || bins < 1)
    throw new KqlError('semantic', 'evaluate rolling_percentile(): a percentile is 0 to 100, of at least one bin.');
  if ((typeof size !== 'bigint' && typeof size !== 'number') || size <= 0)
    throw new KqlError('semantic', 'evaluate rolling_percentile(): a bin must be a positive number or time span.');
  const dimensionsAt = args.raw.slice(5).map((_argument, offset) => args.column(5 + offset));
  const groups = new Map<string, { dimensions: NativeValue[]; bins: Map<bigint, NativeValue[]> }>();
  for (const row of args.rows.rows) {
    const index = row[indexAt];
    const value = row[valueAt] ?? null;
    if (index === null || index === undefined || value === null) continue;
    const bin =
      typeof size === 'bigint' && typeof index === 'bigint'
        ? floorDiv(index, size)
        : BigInt(Math.floor(Number(index) / Number(size)));
    const dimensions = dimensionsAt.map((column) => row[column] ?? null);
    const key = JSON.stringify(dimensions.map((dimension) => (dimension === null ? null : String(dimension))));
    const group = groups.get(key) ?? { dimensions, bins: new Map<bigint, NativeValue[]>() };
    groups.set(key, group);
    const held = group.bins.get(bin);
    if (held) held.push(value);
    else group.bins.set(bin, [value]);
  }
  const rows: NativeValue[][] = [];
  for (const { dimensions, bins: byBin } of groups.values())
    for (const bin of [...byBin.keys()].sort(ascending)) {
      const values = Array.from({ length: bins }, (_bin, back) => byBin.get(bin - BigInt(back)) ?? [])
        .flat()
        .sort(ascending);
      const rank = Math.max(1, Math.ceil((percentile / 100) * values.length));
      const start = typeof size === 'bigint' ? bin * size : Number(bin) * size;
      rows.push([start, ...dimensions, values[rank - 1] ?? null]);
    }
  invariant(call.cols, 'the binder gives the columns of rolling_percentile');
  return { cols: call.cols, rows };
};

const ascending = (a: NativeValue, b: NativeValue): number =>
  a === null || b === null ? 0 : a < b ? -1 : a > b ? 1 : 0;

/** `dcount_intersect(hll…)`: adds `s0` … with the count of values that the first one, two … sketches share. Sketches hold
 * the hashes of all their values, so the counts are exact.
 * @see Kusto documentation, dcount_intersect plugin */
const dcountIntersect: RowOperator = (call) => {
  const args = argumentsOf(call, 'dcount_intersect');
  const columns = args.raw.map((_argument, index) => args.column(index));
  const width = (call.cols?.length ?? 0) - columns.length;
  invariant(call.cols && width >= 0, 'the binder gives the columns of dcount_intersect');
  const rows = args.rows.rows.map((row) => {
    let shared: ReadonlySet<string> | undefined;
    const counts = columns.map((column): bigint => {
      const hashes = new Set(hashesOf(row[column] ?? null));
      const known = shared;
      shared = known ? new Set([...known].filter((hash) => hashes.has(hash))) : hashes;
      return BigInt(shared.size);
    });
    return [...row.slice(0, width), ...counts];
  });
  return { cols: call.cols, rows };
};

const hashesOf = (sketch: NativeValue): string[] =>
  typeof sketch === 'string' ? (jsonItems(jsonItems(sketch)?.[1] ?? '') ?? []) : [];

export const windowPlugins: Readonly<Record<string, RowOperator>> = {
  rows_near: rowsNear,
  rolling_percentile: rollingPercentile,
  dcount_intersect: dcountIntersect,
};
