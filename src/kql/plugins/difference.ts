import type { Encoded, Pattern } from './itemsets.ts';
import { closedPatterns, rowsWith } from './itemsets.ts';

/** The share of the first class less that of the second. */
export const difference = ({ totals }: Encoded, weights: readonly number[]): number =>
  (weights[0] ?? 0) / (totals[0] ?? 0) - (weights[1] ?? 0) / (totals[1] ?? 0);

const isWithin = (a: Pattern, b: Pattern): boolean => a.items.every((item) => b.items.includes(item));
const candidatesMax = 2_000;

/** Patterns whose share in the two classes differs by the threshold, the largest difference first; one that is a part of a
 * better one, or makes up a smaller difference than that without the rows of the better ones, is left out. */
export function differing(
  data: Encoded,
  { threshold, dimensions, what }: { readonly threshold: number; readonly dimensions: number; readonly what: string },
  accept: (pattern: Pattern) => boolean = () => true,
): Pattern[] {
  const size = (pattern: Pattern): number => Math.abs(difference(data, pattern.weights));
  const candidates = closedPatterns(data, threshold, dimensions, what)
    .filter((pattern) => size(pattern) >= threshold && accept(pattern))
    .sort((x, y) => size(y) - size(x) || y.items.length - x.items.length)
    .slice(0, candidatesMax);
  const chosen: Pattern[] = [];
  const covered = new Uint8Array(data.count);
  for (const pattern of candidates) {
    if (chosen.some((better) => isWithin(pattern, better) || isWithin(better, pattern))) continue;
    const fresh = rowsWith(data, pattern).filter((row) => covered[row] === 0);
    const rest = data.weights.map((weights) => fresh.reduce((sum, row) => sum + (weights[row] ?? 0), 0));
    if (difference(data, rest) * Math.sign(difference(data, pattern.weights)) < threshold) continue;
    chosen.push(pattern);
    for (const row of fresh) covered[row] = 1;
  }
  return chosen;
}

/** With two digits after the point, as the service gives it. */
export const percent = (part: number, total: number): number => Math.round((10_000 * part) / total) / 100;
