import { s2 } from 's2js';
import { edgesCross } from './geometry.ts';
import type { Vector } from './sphere.ts';
import { angle, closestOnEdge, cross, difference, dot, earthRadius, edgesGap, scaled, unit } from './sphere.ts';

/** What the simplification of one path gives: its corners, nothing at all, or that it cannot be said. */
export type Simplified = readonly Vector[] | 'gone' | 'unsure';

const { cellid, Point } = s2;
const cellOf = ([x, y, z]: Vector): bigint => BigInt.asUintN(64, cellid.fromPoint(new Point(x, y, z)));

/** Points of the result: each one that is not nearer than the tolerance to one chosen before, in the order of S2 cells. */
function chooseSites(points: readonly Vector[], tolerance: number): Vector[] {
  const ordered = points
    .map((point) => ({ point, cell: cellOf(point) }))
    .sort((a, b) => (a.cell < b.cell ? -1 : a.cell > b.cell ? 1 : 0));
  const sites: Vector[] = [];
  for (const { point } of ordered) if (sites.every((site) => angle(site, point) >= tolerance)) sites.push(point);
  return sites;
}

const nearest = (point: Vector, sites: readonly Vector[]): number =>
  sites.reduce((best, site, index) => (angle(site, point) < angle(sites[best] ?? site, point) ? index : best), 0);

/** Directions in which an edge from one point may leave, so that it comes near enough to all that was asked for. */
class Window {
  readonly #from: Vector;
  readonly #east: Vector;
  readonly #north: Vector;
  #middle: number | undefined;
  #low = -Math.PI;
  #high = Math.PI;

  constructor(from: Vector) {
    this.#from = from;
    this.#east = unit(cross(Math.abs(from[2]) < 0.9 ? [0, 0, 1] : [1, 0, 0], from));
    this.#north = cross(from, this.#east);
  }

  #direction(to: Vector): number {
    const away = difference(to, scaled(this.#from, dot(this.#from, to)));
    return Math.atan2(dot(away, this.#north), dot(away, this.#east));
  }

  /** Relative to the first target, so that no interval wraps around. */
  #turn(to: Vector): number {
    this.#middle ??= this.#direction(to);
    const turn = this.#direction(to) - this.#middle;
    return turn > Math.PI ? turn - 2 * Math.PI : turn < -Math.PI ? turn + 2 * Math.PI : turn;
  }

  /** @returns whether any direction is left */
  target(point: Vector, radius: number): boolean {
    const distance = angle(this.#from, point);
    if (distance <= radius) return true;
    const reach = Math.asin(Math.sin(radius) / Math.sin(distance));
    const turn = this.#turn(point);
    this.#low = Math.max(this.#low, turn - reach);
    this.#high = Math.min(this.#high, turn + reach);
    return this.#low <= this.#high;
  }

  allows(to: Vector): boolean {
    const turn = this.#turn(to);
    return angle(this.#from, to) < Math.PI / 2 && turn >= this.#low && turn <= this.#high;
  }
}

/** A corner of the path once its points are merged, with the points that went into it. */
interface Corner {
  readonly site: number;
  readonly point: Vector;
  readonly merged: Vector[];
}

function mergedCorners(path: readonly Vector[], sites: readonly Vector[], isRing: boolean): Corner[] {
  const corners: Corner[] = [];
  for (const point of path) {
    const site = nearest(point, sites);
    const last = corners.at(-1);
    if (last?.site === site) last.merged.push(point);
    else corners.push({ site, point: sites[site] ?? point, merged: [point] });
  }
  const [first, last] = [corners[0], corners.at(-1)];
  if (isRing && corners.length > 1 && first && first.site === last?.site) {
    first.merged.push(...last.merged);
    corners.pop();
  }
  return corners;
}

/** Edges are drawn out as far as the points between stay within the tolerance. @returns indexes of the corners that stay */
function drawnOut(corners: readonly Corner[], start: number, isRing: boolean, tolerance: number): number[] {
  const end = isRing ? start + corners.length : corners.length - 1;
  const at = (index: number): Corner | undefined => corners[index % corners.length];
  const kept = [start];
  for (let from = start; from < end;) {
    const window = new Window(at(from)?.point ?? [1, 0, 0]);
    let to = from + 1;
    for (; to < end; to += 1) {
      const [between, next] = [at(to), at(to + 1)];
      if (!between || !next) break;
      if (!between.merged.every((point) => window.target(point, tolerance)) || !window.allows(next.point)) break;
    }
    kept.push(to % corners.length);
    from = to;
  }
  return isRing ? kept.slice(0, -1) : kept;
}

/** Merges points nearer to each other than the tolerance, and draws edges out over points that are nearly on them: S2Builder's
 * simplification of edge chains, where nothing else comes near the path.
 * @param tolerance metres
 * @see google/s2geometry, S2Builder and S2PolylineSimplifier */
export function simplify(path: readonly Vector[], isRing: boolean, tolerance: number): Simplified {
  const reach = tolerance / earthRadius;
  const sites = chooseSites(path, reach);
  const corners = mergedCorners(path, sites, isRing);
  const cornersMin = isRing ? 3 : 2;
  if (sites.length < cornersMin || corners.length < cornersMin) return 'gone';
  if (new Set(corners.map(({ site }) => site)).size < corners.length) return 'unsure';
  const start = isRing
    ? corners.reduce((best, { site }, index) => (site < (corners[best]?.site ?? 0) ? index : best), 0)
    : 0;
  const kept = drawnOut(corners, start, isRing, reach).sort((a, b) => a - b);
  if (kept.length < cornersMin) return 'gone';
  const result = kept.flatMap((index) => (corners[index]?.point ? [corners[index].point] : []));
  if (!isClear(path, result, sites, kept, corners, isRing, reach)) return 'unsure';
  // A ring ends with its edge of the highest number; one drawn out over the first corner has the lowest.
  return isRing && kept[0] !== 0 ? [...result.slice(-1), ...result.slice(0, -1)] : result;
}

/** Whether no site comes near an edge it does not belong to, before or after, and no edges cross. */
function isClear(
  path: readonly Vector[],
  result: readonly Vector[],
  sites: readonly Vector[],
  kept: readonly number[],
  corners: readonly Corner[],
  isRing: boolean,
  reach: number,
): boolean {
  const near = (site: Vector, [a, b]: readonly [Vector, Vector]): boolean =>
    angle(site, closestOnEdge(site, a, b)) < reach;
  const before = edgesAlong(path, isRing);
  const apart = before.every(([a, b]) => {
    const own = [nearest(a, sites), nearest(b, sites)];
    return sites.every((site, index) => own.includes(index) || !near(site, [a, b]));
  });
  const after = edgesAlong(result, isRing);
  const beside = after.every((edge, index) => {
    const [from, to] = [kept[index] ?? 0, kept[(index + 1) % kept.length] ?? 0];
    const within = (corner: number): boolean =>
      from < to ? corner >= from && corner <= to : corner >= from || corner <= to;
    return corners.every((corner, at) => within(at) || !near(corner.point, edge));
  });
  const crossing = after.some(([a, b], index) =>
    after.slice(index + 2).some(([c, d]) => d !== a && edgesCross(a, b, c, d)),
  );
  return apart && beside && !crossing;
}

/** Paths farther from each other than this many tolerances do not draw each other's points. */
const apartMin = 3;

/** Several paths that are far enough from each other to be simplified one by one. @returns undefined when they are not, or when
 * one of them cannot be said */
export function simplifyApart(
  paths: readonly (readonly Vector[])[],
  isRing: boolean,
  tolerance: number,
): (readonly Vector[] | 'gone')[] | undefined {
  const least = (apartMin * tolerance) / earthRadius;
  const edges = paths.map((path) => edgesAlong(path, isRing));
  const isNear = edges.some((own, index) =>
    edges
      .slice(index + 1)
      .flat()
      .some((other) => own.some((edge) => edgesGap(edge, other) < least)),
  );
  if (isNear) return undefined;
  const found = paths.map((path) => simplify(path, isRing, tolerance));
  return found.every((one) => one !== 'unsure') ? found : undefined;
}

const edgesAlong = (path: readonly Vector[], isRing: boolean): (readonly [Vector, Vector])[] => {
  const edges = path.slice(1).map((to, index) => [path[index] ?? to, to] as const);
  const [first, last] = [path[0], path.at(-1)];
  return isRing && first && last ? [...edges, [last, first]] : edges;
};
