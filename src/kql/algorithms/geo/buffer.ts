import type { Line, Polygon, Ring } from './geometry.ts';
import { edgesOf } from './geometry.ts';
import type { Piece } from './overlay.ts';
import { against, along, cutBy, middleOf, polygonsOf } from './overlay.ts';
import type { Vector } from './sphere.ts';
import { add, angle, cross, dot, earthRadius, interpolate, scaled, turnSeenFrom, unit } from './sphere.ts';

/** A direction at right angles to `a`. @see S2::Ortho, which decides where the service's circles begin */
function orthogonal(a: Vector): Vector {
  const [x, y, z] = a.map(Math.abs);
  const largest = (x ?? 0) > (y ?? 0) ? ((x ?? 0) > (z ?? 0) ? 0 : 2) : (y ?? 0) > (z ?? 0) ? 1 : 2;
  const other = (largest + 2) % 3;
  const temp: Vector = [other === 0 ? 1 : 0.012, other === 1 ? 1 : 0.0053, other === 2 ? 1 : 0.00457];
  return unit(cross(a, temp));
}

const onCircle = (centre: Vector, x: Vector, y: Vector, reach: number, turn: number): Vector =>
  unit(
    add(
      scaled(centre, Math.cos(reach)),
      scaled(add(scaled(x, Math.cos(turn)), scaled(y, Math.sin(turn))), Math.sin(reach)),
    ),
  );

/** The distance to keep and how far a side may come nearer, radians. */
interface Reach {
  readonly radius: number;
  readonly tolerance: number;
}
const reachOf = (metres: number, tolerance: number): Reach => ({
  radius: metres / earthRadius,
  tolerance: tolerance / earthRadius,
});

/** Angle between two corners of a circle whose sides come no nearer to its middle than is allowed; three corners at least.
 * @see S2BufferOperation, GetMaxEdgeSpan */
function cornerAngle({ radius, tolerance }: Reach): number {
  const least = radius - tolerance;
  const most = (2 * Math.PI) / 3 + 1e-15;
  if (radius < Math.PI / 2) return Math.min(most, 2 * Math.acos(Math.tan(least) / Math.tan(radius)));
  return least > Math.PI / 2 ? Math.min(most, 2 * Math.acos(Math.tan(radius) / Math.tan(least))) : most;
}

/** Corners on the circle, counterclockwise. */
export function pointBuffer(centre: Vector, metres: number, tolerance: number): Ring {
  const reach = reachOf(metres, tolerance);
  const count = Math.max(3, Math.ceil((2 * Math.PI) / cornerAngle(reach) - 1e-9));
  const x = orthogonal(centre);
  const y = cross(centre, x);
  return Array.from({ length: count }, (_corner, index) =>
    onCircle(centre, x, y, reach.radius, (2 * Math.PI * index) / count),
  );
}

/** Draws round what lies to the left of a path, at a distance from it. @see S2BufferOperation */
class Outline {
  readonly #reach: Reach;
  readonly corners: Vector[] = [];

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  /** The direction to the right of an edge. */
  #right(a: Vector, b: Vector): Vector {
    return unit(cross(b, a));
  }

  #offset(point: Vector, right: Vector): void {
    this.corners.push(onCircle(point, right, right, this.#reach.radius, 0));
  }

  /** Beside an edge, without the point beside its end. Long edges get more points: their parallel is no great circle. */
  edge(a: Vector, b: Vector): void {
    const right = this.#right(a, b);
    const { radius, tolerance } = this.#reach;
    const aside = Math.PI / 2 - radius;
    if (aside <= tolerance) {
      this.corners.push(right);
      return;
    }
    const [whole, step] = [angle(a, b), cornerAngle({ radius: aside, tolerance })];
    for (let at = 0; at === 0 || at < whole; at += step) this.#offset(interpolate(a, b, at / whole), right);
  }

  /** Around a point from beside one edge to beside the next, without the last point. */
  arc(point: Vector, from: Vector, to: Vector): void {
    const back = cross(point, from);
    const [span, step] = [angle(from, to), cornerAngle(this.#reach)];
    for (let at = 0; at === 0 || at < span - 1e-12; at += step)
      this.corners.push(onCircle(point, from, back, this.#reach.radius, at));
  }

  /** Around the end of a path. */
  cap(end: Vector, before: Vector): void {
    this.arc(end, this.#right(before, end), this.#right(end, before));
  }

  /** Beside an edge and on around its end to the next edge; where the path turns right, by way of the point itself. */
  edgeAndCorner(a: Vector, b: Vector, c: Vector): void {
    this.edge(a, b);
    const isConvex = dot(cross(a, b), c) >= 0;
    if (isConvex) {
      this.arc(b, this.#right(a, b), this.#right(b, c));
      return;
    }
    this.#offset(b, this.#right(a, b));
    this.corners.push(b);
  }
}

function lineOutline(line: Line, reach: Reach): Ring {
  const outline = new Outline(reach);
  const side = (path: readonly Vector[]): void => {
    const [first, second] = path;
    if (first && second) outline.cap(first, second);
    path.slice(1).forEach((to, index) => {
      const [from, next] = [path[index], path[index + 2]];
      if (from && next) outline.edgeAndCorner(from, to, next);
      else if (from) outline.edge(from, to);
    });
  };
  side(line);
  side([...line].reverse());
  return outline.corners;
}

function ringOutline(ring: Ring, reach: Reach): Ring {
  const outline = new Outline(reach);
  ring.forEach((from, index) => {
    const [to, next] = [ring[(index + 1) % ring.length], ring[(index + 2) % ring.length]];
    if (to && next) outline.edgeAndCorner(from, to, next);
  });
  return outline.corners;
}

/** What the loops wind around more often counterclockwise than clockwise. */
function woundRegion(loops: readonly Ring[]): Polygon[] {
  const edges = loops.flatMap(edgesOf).map(([from, to], id): Piece => ({ from, to, id }));
  const pieces = cutBy(edges, edges);
  const kept: Piece[] = [];
  for (const piece of pieces) {
    const middle = middleOf(piece);
    let [turn, own] = [0, 0];
    for (const other of pieces) {
      if (along(piece, [other])) own += 1;
      else if (against(piece, [other])) own -= 1;
      else turn += turnSeenFrom(middle, other.from, other.to);
    }
    const aside = turn / (2 * Math.PI);
    const [left, right] = [Math.round(aside + own / 2), Math.round(aside - own / 2)];
    if (left > 0 && right <= 0 && !along(piece, kept)) kept.push(piece);
  }
  return polygonsOf(kept);
}

/** Metres, an eighth of the globe; farther the figure's other side would count. */
export const bufferMax = 5_000_000;

/** Both sides of lines, with round ends. @param metres the distance @param tolerance metres that a side may come nearer */
export const linesBuffer = (lines: readonly Line[], metres: number, tolerance: number): Polygon[] =>
  woundRegion(lines.map((line) => lineOutline(line, reachOf(metres, tolerance))));

export const polygonsBuffer = (polygons: readonly Polygon[], metres: number, tolerance: number): Polygon[] =>
  woundRegion(
    polygons
      .flatMap(({ shell, holes }) => [shell, ...holes.map((hole) => [...hole].reverse())])
      .map((ring) => ringOutline(ring, reachOf(metres, tolerance))),
  );
