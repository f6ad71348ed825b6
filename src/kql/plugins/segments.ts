import type { Encoded } from './itemsets.ts';

/** A pattern, the weight of its rows, and its score. */
export interface Segment {
  readonly items: readonly number[];
  readonly size: number;
  readonly score: number;
}

/** Segments of a smaller share of the rows are not worth telling. */
export const shareMin = 0.05;

/** Seed-Expand: from a row as its own pattern, one value after the other is given up, always the one whose loss wins most rows;
 * the best pattern on the way counts. The seeds are spread evenly over the rows.
 * Score: share of the rows ^ size weight × share of the columns that have a value ^ (1 − size weight).
 * @returns the segments, best first
 * @see R. B. Ofer, A. Eldar, A. Shalev, Y. S. Resheff: Algorithms for Telemetry Data Mining using Discrete Attributes */
export function bestSegments(data: Encoded, sizeWeight: number, seeds: number): Segment[] {
  const found = new Map<string, Segment>();
  const total = data.totals[0] ?? 0;
  for (const row of seedRows(data, seeds)) {
    const segment = expanded(data, row, sizeWeight, total);
    if (segment) found.set(segment.items.join(' '), segment);
  }
  return [...found.values()].sort((a, b) => b.score - a.score || b.size - a.size);
}

/** The rows at even steps of weight. */
function seedRows({ weights, totals, count }: Encoded, seeds: number): Set<number> {
  const rows = new Set<number>();
  const step = (totals[0] ?? 0) / seeds;
  let passed = 0;
  let next = step / 2;
  for (let row = 0; row < count && rows.size < seeds; row += 1) {
    passed += weights[0]?.[row] ?? 0;
    if (passed < next) continue;
    rows.add(row);
    while (next <= passed) next += step;
  }
  return rows;
}

function expanded(data: Encoded, seed: number, sizeWeight: number, total: number): Segment | undefined {
  const { width, codes, count } = data;
  const weights = data.weights[0] ?? new Float64Array(count);
  const own = codes.slice(seed * width, (seed + 1) * width);
  // Values that are not frequent can be in no segment.
  let columns = Array.from(own.keys()).filter((column) => (own[column] ?? -1) >= 0);
  const common = commonness(data, own);
  let best: Segment | undefined;
  while (columns.length > 0) {
    // Rows with no other value are in the pattern; rows with one are won by giving that column up.
    let size = 0;
    const won = new Float64Array(width);
    for (let row = 0; row < count; row += 1) {
      const odd = oddColumn(codes, row * width, own, columns);
      if (odd === none) size += weights[row] ?? 0;
      else if (odd !== several) won[odd] = (won[odd] ?? 0) + (weights[row] ?? 0);
    }
    const score = (size / total) ** sizeWeight * (columns.length / width) ** (1 - sizeWeight);
    if (size >= shareMin * total && (!best || score > best.score))
      best = { items: columns.map((column) => own[column] ?? 0), size, score };
    const worst = columns.reduce((a, b) =>
      (won[b] ?? 0) > (won[a] ?? 0) || (won[b] === won[a] && (common[b] ?? 0) < (common[a] ?? 0)) ? b : a,
    );
    columns = columns.filter((column) => column !== worst);
  }
  return best;
}

const none = -1;
const several = -2;
/** The one column in which a row has another value than the seed. */
function oddColumn(codes: Int32Array, start: number, own: Int32Array, columns: readonly number[]): number {
  let odd = none;
  for (let index = 0; index < columns.length; index += 1) {
    const column = columns[index] ?? 0;
    if (codes[start + column] === own[column]) continue;
    if (odd !== none) return several;
    odd = column;
  }
  return odd;
}

/** The weight of all rows with the seed's value, by column. */
function commonness({ width, codes, count, weights }: Encoded, own: Int32Array): Float64Array {
  const common = new Float64Array(width);
  for (let row = 0; row < count; row += 1)
    for (let column = 0; column < width; column += 1)
      if (codes[row * width + column] === own[column])
        common[column] = (common[column] ?? 0) + (weights[0]?.[row] ?? 0);
  return common;
}
