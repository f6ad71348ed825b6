import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import type { RowTable } from './row-operator.ts';

/** A value of one column. */
export interface Item {
  readonly column: number;
  readonly value: NativeValue;
}

/** Rows as numbers: distinct combinations of frequent values, each with its weight in every class. */
export interface Encoded {
  readonly width: number;
  readonly count: number;
  /** Item numbers, `width` for each row; -1 for a value that is not frequent. */
  readonly codes: Int32Array;
  /** By class, then by row. */
  readonly weights: readonly Float64Array[];
  readonly totals: readonly number[];
  readonly items: readonly Item[];
}

/** Encodes rows so that only what a pattern can be made of is kept: values that alone reach `share` of a class.
 * @param rows the cells of a row, up to `width` of them, and its weight in each class */
export function encode(
  rows: Iterable<{ readonly cells: readonly NativeValue[]; readonly weights: readonly number[] }>,
  width: number,
  classes: number,
  share: number,
): Encoded {
  const sums = Array.from({ length: width }, () => new Map<NativeValue, number[]>());
  const totals = new Array<number>(classes).fill(0);
  for (const { cells, weights } of rows) {
    weights.forEach((weight, side) => (totals[side] = (totals[side] ?? 0) + weight));
    for (let column = 0; column < cells.length; column += 1) {
      const cell = cells[column] ?? null;
      const own = sums[column]?.get(cell);
      if (own) for (let side = 0; side < classes; side += 1) own[side] = (own[side] ?? 0) + (weights[side] ?? 0);
      else sums[column]?.set(cell, [...weights]);
    }
  }
  const items: Item[] = [];
  const isFrequent = (own: readonly number[]): boolean =>
    own.some((sum, side) => sum > 0 && sum >= share * (totals[side] ?? 0));
  const numbers = sums.map((byValue, column) => {
    const kept = new Map<NativeValue, number>();
    for (const [value, own] of byValue) if (isFrequent(own)) kept.set(value, items.push({ column, value }) - 1);
    return kept;
  });
  const distinct = new Map<string, number>();
  const codes: number[] = [];
  const weights = totals.map((): number[] => []);
  for (const row of rows) {
    const own: number[] = [];
    for (let column = 0; column < width; column += 1) {
      own.push(column < row.cells.length ? (numbers[column]?.get(row.cells[column] ?? null) ?? -1) : -1);
    }
    const key = own.join();
    let at = distinct.get(key);
    if (at === undefined) {
      at = distinct.size;
      distinct.set(key, at);
      codes.push(...own);
    }
    for (let side = 0; side < classes; side += 1) {
      const list = weights[side];
      if (list) list[at] = (list[at] ?? 0) + (row.weights[side] ?? 0);
    }
  }
  return {
    width,
    count: distinct.size,
    codes: Int32Array.from(codes),
    weights: weights.map((list) => Float64Array.from(list)),
    totals,
    items,
  };
}

/** The rows of a table as `encode` takes them.
 * @param columns the columns that take part, as indexes of the table
 * @param weigh the weight of a row in each class; undefined leaves the row out */
export function weighed(
  { rows }: RowTable,
  columns: readonly number[],
  weigh: (row: readonly NativeValue[]) => readonly number[] | undefined,
): { readonly cells: readonly NativeValue[]; readonly weights: readonly number[] }[] {
  const result: { cells: NativeValue[]; weights: readonly number[] }[] = [];
  for (const row of rows) {
    const weights = weigh(row);
    if (weights) result.push({ cells: columns.map((column) => row[column] ?? null), weights });
  }
  return result;
}

/** Items that stand in the same rows, and the weight of those rows in each class. */
export interface Pattern {
  readonly items: readonly number[];
  readonly weights: readonly number[];
}

/** Steps of a search: about a second. */
const workMax = 100_000_000;

/** All closed frequent patterns: sets of values, one of a column, that are frequent together and to which no value can be added
 * without losing rows. Every frequent set of values stands for exactly one of them, the one with the same rows.
 * Each is met once: a pattern is extended by a value after the one that made it, and only when closing it adds no value before
 * that one (T. Uno and others, LCM: An Efficient Algorithm for Enumerating Frequent Closed Item Sets).
 * @param share of the weight of a class that a pattern must have; reaching it in one class is enough
 * @param dimensionsMax how many of its values must be enough to tell a pattern's rows; the others are correlated to these
 * @throws KqlError `limits` when the search takes too long */
export function closedPatterns(data: Encoded, share: number, dimensionsMax: number, what: string): Pattern[] {
  const { width, codes, weights, totals, items } = data;
  const found: Pattern[] = [];
  let work = 0;
  const spend = (steps: number): void => {
    work += steps;
    if (work > workMax)
      throw new KqlError('limits', `${what}: too many patterns; ask for a higher threshold or fewer columns.`);
  };

  const search = (rows: Int32Array, core: number, parent: ReadonlySet<number>, own: readonly number[]): void => {
    spend((rows.length * width + items.length) * (1 + weights.length));
    const counts = new Int32Array(items.length);
    const sums = weights.map(() => new Float64Array(items.length));
    for (const row of rows)
      for (let at = row * width; at < (row + 1) * width; at += 1) {
        const item = codes[at] ?? -1;
        if (item < 0) continue;
        counts[item] = (counts[item] ?? 0) + 1;
        for (let side = 0; side < sums.length; side += 1) {
          const sum = sums[side];
          if (sum) sum[item] = (sum[item] ?? 0) + (weights[side]?.[row] ?? 0);
        }
      }
    const closure = new Set<number>();
    for (let item = 0; item < items.length; item += 1) {
      if (counts[item] !== rows.length) continue;
      if (item < core && !parent.has(item)) return;
      closure.add(item);
    }
    if (closure.size > 0) found.push({ items: [...closure], weights: own });
    for (let item = core + 1; item < items.length; item += 1) {
      if (counts[item] === 0 || closure.has(item)) continue;
      const next = sums.map((sum) => sum[item] ?? 0);
      if (!next.some((sum, side) => sum > 0 && sum >= share * (totals[side] ?? 0))) continue;
      const column = items[item]?.column ?? 0;
      search(
        rows.filter((row) => codes[row * width + column] === item),
        item,
        closure,
        next,
      );
    }
  };
  if (data.count > 0) search(allRows(data), -1, new Set(), totals);
  return found.filter((pattern) => isToldBy(data, pattern, dimensionsMax, spend));
}

const allRows = ({ count }: Encoded): Int32Array => Int32Array.from({ length: count }, (_row, index) => index);

/** Whether some of a pattern's values, at most so many, already tell its rows from all others: each other row must lack one. */
function isToldBy(data: Encoded, pattern: Pattern, most: number, spend: (steps: number) => void): boolean {
  if (pattern.items.length <= most) return true;
  const { codes, width, items } = data;
  const columns = pattern.items.map((item) => items[item]?.column ?? 0);
  const lacks = (row: number, index: number): boolean =>
    codes[row * width + (columns[index] ?? 0)] !== pattern.items[index];
  const all = columns.map((_column, index) => index);
  const others = allRows(data).filter((row) => all.some((index) => lacks(row, index)));
  const tell = (rows: Int32Array, left: number): boolean => {
    spend(rows.length * columns.length);
    const [row] = rows;
    if (row === undefined) return true;
    if (left === 0) return false;
    return all.some(
      (index) =>
        lacks(row, index) &&
        tell(
          rows.filter((other) => !lacks(other, index)),
          left - 1,
        ),
    );
  };
  return tell(others, most);
}

/** The rows that have all values of a pattern. */
export function rowsWith({ codes, width, count, items }: Encoded, pattern: Pick<Pattern, 'items'>): Int32Array {
  const wanted = pattern.items.map((item): [number, number] => [items[item]?.column ?? 0, item]);
  const rows: number[] = [];
  for (let row = 0; row < count; row += 1)
    if (wanted.every(([column, item]) => codes[row * width + column] === item)) rows.push(row);
  return Int32Array.from(rows);
}
