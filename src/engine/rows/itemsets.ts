import { KqlError } from '../kql/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import type { RowTable } from './row-operator.ts';

/** A value of one column. */
export interface Item {
  readonly column: number;
  readonly value: NativeValue;
}

/** Rows as numbers: distinct combinations of values, each with its weight in every class. */
export interface Encoded {
  readonly width: number;
  readonly count: number;
  /** Item numbers, `width` for each row. */
  readonly codes: Int32Array;
  /** By class, then by row. */
  readonly weights: readonly Float64Array[];
  readonly totals: readonly number[];
  readonly items: readonly Item[];
}

/** @param columns the columns that take part, as indexes of the table
 * @param weigh the weight of a row in each class; undefined leaves the row out */
export function encode(
  table: RowTable,
  columns: readonly number[],
  classes: number,
  weigh: (row: readonly NativeValue[]) => readonly number[] | undefined,
): Encoded {
  const items: Item[] = [];
  const numbers = columns.map(() => new Map<string, number>());
  const distinct = new Map<string, number[]>();
  const codes: number[] = [];
  for (const row of table.rows) {
    const weight = weigh(row);
    if (!weight) continue;
    const own = columns.map((column, at) => {
      const value = row[column] ?? null;
      const key = value === null ? '\0' : String(value);
      let number = numbers[at]?.get(key);
      if (number === undefined) {
        number = items.push({ column: at, value }) - 1;
        numbers[at]?.set(key, number);
      }
      return number;
    });
    const key = own.join(' ');
    const sums = distinct.get(key);
    if (sums) weight.forEach((part, index) => (sums[index] = (sums[index] ?? 0) + part));
    else {
      distinct.set(key, [...weight]);
      codes.push(...own);
    }
  }
  const sums = [...distinct.values()];
  const weights = Array.from({ length: classes }, (_class, index) => Float64Array.from(sums, (sum) => sum[index] ?? 0));
  return {
    width: columns.length,
    count: sums.length,
    codes: Int32Array.from(codes),
    weights,
    totals: weights.map((own) => own.reduce((sum, part) => sum + part, 0)),
    items,
  };
}

/** Items that stand in the same rows, and the weight of those rows in each class. */
export interface Pattern {
  readonly items: readonly number[];
  readonly weights: readonly number[];
}

/** Cells of rows that may be looked at: some seconds. */
const workMax = 1_000_000_000;

/** All closed frequent patterns: sets of values, one of a column, that are frequent together and to which no value can be added
 * without losing rows. Every frequent set of values stands for exactly one of them, the one with the same rows.
 * @param minimum the weight by class; reaching one of them is enough
 * @param dimensionsMax how many of its values must be enough to tell a pattern's rows; the others are correlated to these
 * @throws KqlError `limits` when the search takes too long */
export function closedPatterns(
  data: Encoded,
  minimum: readonly number[],
  dimensionsMax: number,
  what: string,
): Pattern[] {
  const { width, codes, weights } = data;
  const isFrequent = (sums: readonly number[]): boolean => sums.some((sum, at) => sum > 0 && sum >= (minimum[at] ?? 0));
  const found = new Map<string, Pattern>();
  let work = 0;

  /** The items of some rows: in how many of them, and with which weights. */
  const tally = (rows: Iterable<number>): Map<number, { rows: number; weights: number[] }> => {
    const items = new Map<number, { rows: number; weights: number[] }>();
    for (const row of rows) {
      work += width;
      for (let at = 0; at < width; at += 1) {
        const item = frequent[codes[row * width + at] ?? 0] === 1 ? (codes[row * width + at] ?? 0) : -1;
        if (item < 0) continue;
        const own = items.get(item);
        if (own) {
          own.rows += 1;
          for (let index = 0; index < weights.length; index += 1)
            own.weights[index] = (own.weights[index] ?? 0) + (weights[index]?.[row] ?? 0);
        } else items.set(item, { rows: 1, weights: weights.map((part) => part[row] ?? 0) });
      }
    }
    if (work > workMax)
      throw new KqlError('limits', `${what}: too many patterns; ask for a higher threshold or fewer columns.`);
    return items;
  };

  const frequent = new Uint8Array(data.items.length).fill(1);
  const all = Int32Array.from({ length: data.count }, (_row, index) => index);
  for (const [item, own] of tally(all)) if (!isFrequent(own.weights)) frequent[item] = 0;

  const search = (rows: Int32Array, last: number, size: number, own: readonly number[]): void => {
    const tallied = tally(rows);
    const closure: number[] = [];
    for (const [item, { rows: count }] of tallied) if (count === rows.length) closure.push(item);
    if (closure.length > 0) {
      const items = closure.sort((a, b) => a - b);
      found.set(items.join(' '), { items, weights: own });
    }
    if (size >= dimensionsMax) return;
    for (const [item, next] of tallied) {
      if (item <= last || next.rows === rows.length || !isFrequent(next.weights)) continue;
      const column = data.items[item]?.column ?? 0;
      search(
        rows.filter((row) => codes[row * width + column] === item),
        item,
        size + 1,
        next.weights,
      );
    }
  };
  if (data.count > 0) search(all, -1, 0, data.totals);
  return [...found.values()];
}

/** The rows that have all values of a pattern. */
export function rowsWith({ codes, width, count, items }: Encoded, pattern: Pick<Pattern, 'items'>): Int32Array {
  const wanted = pattern.items.map((item): [number, number] => [items[item]?.column ?? 0, item]);
  const rows: number[] = [];
  for (let row = 0; row < count; row += 1)
    if (wanted.every(([column, item]) => codes[row * width + column] === item)) rows.push(row);
  return Int32Array.from(rows);
}
