import type { Line, Polygon } from './geometry.ts';
import { edgesOf, inPolygons, ringArea } from './geometry.ts';
import { unionPolygons } from './overlay.ts';
import type { Vector } from './sphere.ts';
import {
  add,
  angle,
  closestOnEdge,
  cross,
  difference,
  dot,
  earthRadius,
  interpolate,
  length,
  scaled,
  unit,
} from './sphere.ts';

type Edge = readonly [Vector, Vector];

export const lineEdges = (lines: readonly Line[]): Edge[] =>
  lines.flatMap((line) => line.slice(1).map((to, index) => [line[index] ?? to, to] as const));
export const polygonEdges = (polygons: readonly Polygon[]): Edge[] =>
  polygons.flatMap(({ shell, holes }) => [...edgesOf(shell), ...holes.flatMap((hole) => edgesOf(hole))]);

/** Metres. */
export const edgesLength = (edges: readonly Edge[]): number =>
  earthRadius * edges.reduce((sum, [a, b]) => sum + angle(a, b), 0);

export function closestPoint(p: Vector, edges: readonly Edge[]): Vector | undefined {
  let best: Vector | undefined;
  for (const [a, b] of edges) {
    const candidate = closestOnEdge(p, a, b);
    if (!best || angle(p, candidate) < angle(p, best)) best = candidate;
  }
  return best;
}

/** A point inside is its own nearest point. */
export const closestPointOfPolygons = (p: Vector, polygons: readonly Polygon[]): Vector | undefined =>
  inPolygons(p, polygons) ? p : closestPoint(p, polygonEdges(polygons));

/** Square metres of what the polygons cover together. */
export const polygonsArea = (polygons: readonly Polygon[]): number =>
  earthRadius ** 2 *
  merged(polygons).reduce(
    (sum, { shell, holes }) => sum + ringArea(shell) - holes.reduce((all, hole) => all + ringArea(hole), 0),
    0,
  );
export const merged = (polygons: readonly Polygon[]): readonly Polygon[] =>
  polygons.length > 1 ? unionPolygons(polygons) : polygons;

export const polygonsPerimeter = (polygons: readonly Polygon[]): number => edgesLength(polygonEdges(merged(polygons)));

/** Centre of mass of a line: the integral of its points. @see S2 Polyline::GetCentroid */
export function lineCentroid(edges: readonly Edge[]): Vector | undefined {
  let sum: Vector = [0, 0, 0];
  for (const [a, b] of edges) {
    const [gap, middle] = [difference(a, b), add(a, b)];
    const square = dot(middle, middle);
    if (square > 0) sum = add(sum, scaled(middle, Math.sqrt(dot(gap, gap) / square)));
  }
  return length(sum) > 0 ? unit(sum) : undefined;
}

/** The integral of the points of an area is half the sum of the edges' normals, each as long as its edge's angle (Stokes). */
export function polygonsCentroid(polygons: readonly Polygon[]): Vector | undefined {
  let sum: Vector = [0, 0, 0];
  const around = ([a, b]: Edge, sign: number): void => {
    const normal = cross(a, b);
    if (length(normal) > 0) sum = add(sum, scaled(unit(normal), sign * angle(a, b)));
  };
  for (const { shell, holes } of merged(polygons)) {
    for (const edge of edgesOf(shell)) around(edge, 1);
    for (const hole of holes) for (const edge of edgesOf(hole)) around(edge, -1);
  }
  return length(sum) > 0 ? unit(sum) : undefined;
}

/** How far along the line, from 0 to 1, the point nearest to `p` lies. */
export function locateOnLine(p: Vector, edges: readonly Edge[]): number | undefined {
  const whole = edges.reduce((sum, [a, b]) => sum + angle(a, b), 0);
  let before = 0;
  let best: { distance: number; at: number } | undefined;
  for (const [a, b] of edges) {
    const candidate = closestOnEdge(p, a, b);
    const distance = angle(p, candidate);
    if (!best || distance < best.distance) best = { distance, at: before + angle(a, candidate) };
    before += angle(a, b);
  }
  return best && whole > 0 ? Math.min(1, best.at / whole) : undefined;
}

/** The point at a fraction of the line's length. */
export function pointOnLine(edges: readonly Edge[], fraction: number): Vector | undefined {
  const whole = edges.reduce((sum, [a, b]) => sum + angle(a, b), 0);
  let left = whole * fraction;
  for (const [a, b] of edges) {
    const own = angle(a, b);
    if (left <= own) return own === 0 ? a : interpolate(a, b, left / own);
    left -= own;
  }
  return edges.at(-1)?.[1];
}
