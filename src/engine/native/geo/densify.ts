import type { Position } from './sphere.ts';
import { angle, earthRadius, interpolate, toVector } from './sphere.ts';

/** Where along an edge the two curves are compared, and how the distance there relates to the largest one.
 * @see S2 EdgeTessellator, which chose them so that the estimate is never exceeded */
const probe = 0.31215691082248315;
const scale = 0.8382999256988851;

const between = ([x, y]: Position, [u, v]: Position, fraction: number): Position => [
  x + (u - x) * fraction,
  y + (v - y) * fraction,
];

/** Radians between the straight line on the map and the great circle. */
function deviation(from: Position, to: Position): number {
  const [a, b] = [toVector(from), toVector(to)];
  return Math.max(
    ...[probe, 1 - probe].map((fraction) => angle(interpolate(a, b, fraction), toVector(between(from, to, fraction)))),
  );
}

/** Points on the planar edges, so that great circles between them stay within `tolerance` metres of the edges. */
export function densify(path: readonly Position[], tolerance: number): Position[] {
  const limit = (tolerance / earthRadius) * scale;
  const points: Position[] = [];
  const walk = (from: Position, to: Position, depth: number): void => {
    if (depth === 0 || deviation(from, to) <= limit) {
      points.push(to);
      return;
    }
    const middle = between(from, to, 0.5);
    walk(from, middle, depth - 1);
    walk(middle, to, depth - 1);
  };
  const [first] = path;
  if (first) points.push(first);
  path.slice(1).forEach((to, index) => {
    walk(path[index] ?? to, to, 16);
  });
  return points;
}
