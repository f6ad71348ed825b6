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

/** Where the map ends; the service stops a hair before. */
const mapEdge = 179.999999999999;

/** Latitude at which the great circle between two points passes a meridian; all in degrees. */
function latitudeAt(meridian: number, [x, y]: Position, [u, v]: Position): number {
  const radians = Math.PI / 180;
  const tangent =
    (Math.tan(y * radians) * Math.sin((meridian - u) * radians) -
      Math.tan(v * radians) * Math.sin((meridian - x) * radians)) /
    Math.sin((x - u) * radians);
  return Math.atan(tangent) / radians;
}

/** Brings longitudes beyond ±180° back to the map, and cuts the path where it leaves it. */
export function cutAtMapEdge(path: readonly Position[]): Position[][] {
  const sheet = (longitude: number): number => Math.floor((longitude + 180) / 360);
  const parts: Position[][] = [];
  let current: Position[] = [];
  path.forEach((to, index) => {
    const from = path[index - 1] ?? to;
    const [before, after] = [sheet(from[0]), sheet(to[0])];
    if (before !== after) {
      const eastwards = after > before;
      const latitude = latitudeAt(360 * Math.max(before, after) - 180, from, to);
      current.push([eastwards ? mapEdge : -mapEdge, latitude]);
      parts.push(current);
      current = [[eastwards ? -mapEdge : mapEdge, latitude]];
    }
    current.push([to[0] - 360 * after, to[1]]);
  });
  return [...parts, current];
}
