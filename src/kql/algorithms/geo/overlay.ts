import type { Line, Polygon, Ring } from './geometry.ts';
import { edgesCross, edgesOf, inPolygons, ringArea } from './geometry.ts';
import type { Vector } from './sphere.ts';
import { add, angle, closestOnEdge, cross, difference, dot, length, scaled, unit } from './sphere.ts';

/** Points closer than this (radians; 6 µm on the globe) are one. */
const tolerance = 1e-12;

/** A piece of a boundary or line, with the number of the input edge it comes from. */
export interface Piece {
  readonly from: Vector;
  readonly to: Vector;
  readonly id: number;
}

export interface Overlay {
  readonly points: readonly Vector[];
  readonly lines: readonly Line[];
  readonly polygons: readonly Polygon[];
}

const sameAs =
  (a: Vector) =>
  (b: Vector): boolean =>
    Math.abs(a[0] - b[0]) < tolerance && Math.abs(a[1] - b[1]) < tolerance && Math.abs(a[2] - b[2]) < tolerance;

export const boundary = (polygons: readonly Polygon[], firstId: number): Piece[] => {
  const edges = polygons.flatMap(({ shell, holes }) => [
    ...edgesOf(shell),
    ...holes.flatMap((hole) => edgesOf([...hole].reverse())),
  ]);
  return edges.map(([from, to], index) => ({ from, to, id: firstId + index }));
};

export const pathPieces = (lines: readonly Line[], firstId: number): Piece[] =>
  lines
    .flatMap((line) => line.slice(1).map((to, index) => [line[index] ?? to, to] as const))
    .map(([from, to], index) => ({ from, to, id: firstId + index }));

/** Where two edges cross in their insides. The same point to the last bit whichever edge comes first: of short edges it is only
 * as good as 1e-10, and both are cut there. */
function crossing(a: Vector, b: Vector, c: Vector, d: Vector): Vector | undefined {
  if (!edgesCross(a, b, c, d)) return undefined;
  const [first, second] = [ordered([a, b]), ordered([c, d])].sort((x, y) => compare(x[0], y[0]) || compare(x[1], y[1]));
  if (!first || !second) return undefined;
  const found = unit(cross(unit(cross(...first)), unit(cross(...second))));
  const middle = add(add(...first), add(...second));
  return dot(found, middle) < 0 ? scaled(found, -1) : found;
}
const compare = (a: Vector, b: Vector): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
const ordered = ([a, b]: readonly [Vector, Vector]): readonly [Vector, Vector] => (compare(a, b) > 0 ? [b, a] : [a, b]);

const touches = (point: Vector, a: Vector, b: Vector): boolean => sameAs(point)(closestOnEdge(point, a, b));

/** A ball around each piece: most pieces are nowhere near each other. */
const around = (piece: Piece): { readonly centre: Vector; readonly radius: number } => {
  const centre = unit(add(piece.from, piece.to));
  return { centre, radius: length(difference(centre, piece.from)) + 2 * tolerance };
};

/** Cuts pieces wherever the others meet them. */
export function cutBy(pieces: readonly Piece[], others: readonly Piece[]): Piece[] {
  const balls = others.map((other) => ({ other, ...around(other) }));
  return pieces.flatMap((piece) => {
    const { from, to, id } = piece;
    const own = around(piece);
    const cuts: Vector[] = [];
    const note = (point: Vector): void => {
      if (![from, to, ...cuts].some(sameAs(point))) cuts.push(point);
    };
    for (const { other, centre, radius } of balls) {
      if (length(difference(centre, own.centre)) > radius + own.radius) continue;
      for (const end of [other.from, other.to]) if (touches(end, from, to)) note(end);
      const ends = [from, to].some((end) => touches(end, other.from, other.to));
      const met = ends ? undefined : crossing(from, to, other.from, other.to);
      if (met) note(met);
    }
    const stops = [from, ...cuts.sort((a, b) => angle(from, a) - angle(from, b)), to];
    return stops.slice(1).map((end, index) => ({ from: stops[index] ?? end, to: end, id }));
  });
}

export const middleOf = ({ from, to }: Piece): Vector => unit(add(from, to));
export const along = (piece: Piece, others: readonly Piece[]): boolean =>
  others.some((other) => sameAs(piece.from)(other.from) && sameAs(piece.to)(other.to));
export const against = (piece: Piece, others: readonly Piece[]): boolean =>
  others.some((other) => sameAs(piece.from)(other.to) && sameAs(piece.to)(other.from));

/** Boundary of what is inside both, or inside either. */
function overlayPieces(
  a: readonly Polygon[],
  b: readonly Polygon[],
  union: boolean,
): { pieces: Piece[]; cut: Piece[][] } {
  const first = boundary(a, 0);
  const second = boundary(b, first.length);
  const cutFirst = cutBy(first, second);
  const cutSecond = cutBy(second, first);
  const kept = cutFirst.filter((piece) => {
    if (along(piece, cutSecond)) return true;
    if (against(piece, cutSecond)) return false;
    return inPolygons(middleOf(piece), b) !== union;
  });
  const added = cutSecond.filter(
    (piece) => !along(piece, cutFirst) && !against(piece, cutFirst) && inPolygons(middleOf(piece), a) !== union,
  );
  return { pieces: [...kept, ...added], cut: [cutFirst, cutSecond] };
}

/** Of several ways on, the one that turns left most, so that loops touching in a point stay apart. */
function nextPiece(current: Piece, rest: readonly Piece[]): number {
  const candidates = rest.flatMap((piece, index) => (sameAs(current.to)(piece.from) ? [index] : []));
  const [only] = candidates;
  if (candidates.length < 2) return only ?? -1;
  const turn = (index: number): number => {
    const next = rest[index];
    if (!next) return -Infinity;
    const here = current.to;
    const [back, ahead] = [difference(current.from, here), difference(next.to, here)];
    const clockwise = Math.atan2(dot(here, cross(ahead, back)), dot(back, ahead));
    return clockwise <= 0 ? clockwise + 2 * Math.PI : clockwise;
  };
  return candidates.reduce((best, index) => (turn(index) < turn(best) ? index : best));
}

/** Closed loops; each ends with its piece of the highest number, which is the order the engine prints. */
function loopsOf(pieces: readonly Piece[]): { ring: Ring; id: number }[] {
  const rest = [...pieces];
  const loops: { ring: Ring; id: number }[] = [];
  for (let start = rest.shift(); start; start = rest.shift()) {
    const loop = [start];
    for (let current = start; !sameAs(start.from)(current.to);) {
      const index = nextPiece(current, rest);
      const [next] = index < 0 ? [] : rest.splice(index, 1);
      if (!next) break;
      loop.push(next);
      current = next;
    }
    if (loop.length < 3) continue;
    const highest = Math.max(...loop.map((piece) => piece.id));
    const last = loop.findIndex(
      (piece, index) => piece.id === highest && loop[(index + 1) % loop.length]?.id !== highest,
    );
    const turned = [...loop.slice(last + 1), ...loop.slice(0, last + 1)];
    loops.push({ ring: turned.map((piece) => piece.from), id: Math.min(...loop.map((piece) => piece.id)) });
  }
  return loops.sort((x, y) => x.id - y.id);
}

/** Loops to the left are shells, loops to the right are holes of the shell around them. */
export function polygonsOf(pieces: readonly Piece[]): Polygon[] {
  const rings = loopsOf(pieces).map(({ ring }) => ring);
  const holes = rings.filter((ring) => ringArea(ring) < 0).map((ring) => [...ring].reverse());
  const shells = rings.filter((ring) => ringArea(ring) > 0);
  return shells.map((shell) => ({
    shell,
    holes: holes.filter((hole) => hole.some((point) => inPolygons(point, [{ shell, holes: [] }]))),
  }));
}

/** What is inside both, with the points and stretches where they only touch. */
export function intersectPolygons(a: readonly Polygon[], b: readonly Polygon[]): Overlay {
  const { pieces, cut } = overlayPieces(a, b, false);
  const polygons = polygonsOf(pieces);
  const [first = [], second = []] = cut;
  const shared = first.filter((piece) => against(piece, second));
  const used = [...pieces, ...shared].flatMap((piece) => [piece.from, piece.to]);
  const points: Vector[] = [];
  for (const { from } of first) {
    const touching = second.some((piece) => sameAs(from)(piece.from));
    if (touching && !used.some(sameAs(from)) && !points.some(sameAs(from))) points.push(from);
  }
  return { points, lines: joinPieces(shared), polygons };
}

export const unionTwo = (a: readonly Polygon[], b: readonly Polygon[]): Polygon[] =>
  polygonsOf(overlayPieces(a, b, true).pieces);

/** The two with the fewest corners first, and a union counts as many as its parts, as in S2's DestructiveUnion: that decides where
 * the rings of the result begin. */
export function unionPolygons(polygons: readonly Polygon[]): Polygon[] {
  const corners = (group: readonly Polygon[]): number =>
    group.reduce((sum, { shell, holes }) => sum + shell.length + holes.reduce((all, hole) => all + hole.length, 0), 0);
  const queue = polygons
    .map((polygon) => ({ group: [polygon], size: corners([polygon]) }))
    .sort((x, y) => x.size - y.size);
  for (;;) {
    const [a, b] = queue.splice(0, 2);
    if (!a) return [];
    if (!b) return a.group;
    const group = unionTwo(a.group, b.group);
    const size = a.size + b.size;
    const at = queue.findIndex((other) => other.size > size);
    queue.splice(at < 0 ? queue.length : at, 0, { group, size });
  }
}

/** Pieces, each once, put together to paths in their order. */
export function joinPieces(pieces: readonly Piece[]): Line[] {
  const distinct: Piece[] = [];
  for (const piece of pieces) if (!along(piece, distinct) && !against(piece, distinct)) distinct.push(piece);
  const degree = (point: Vector): number =>
    distinct.filter((piece) => sameAs(point)(piece.from) || sameAs(point)(piece.to)).length;
  const rest = [...distinct];
  const lines: Line[] = [];
  for (let start = rest.shift(); start; start = rest.shift()) {
    const line = [start.from, start.to];
    for (let grown = true; grown;) {
      grown = false;
      const [head, tail] = [line[0], line.at(-1)];
      const ahead = tail && degree(tail) === 2 ? rest.findIndex((piece) => sameAs(tail)(piece.from)) : -1;
      if (ahead >= 0) {
        line.push(...rest.splice(ahead, 1).map((piece) => piece.to));
        grown = true;
        continue;
      }
      const before = head && degree(head) === 2 ? rest.findIndex((piece) => sameAs(head)(piece.to)) : -1;
      if (before < 0) continue;
      line.unshift(...rest.splice(before, 1).map((piece) => piece.from));
      grown = true;
    }
    lines.push(line);
  }
  return lines;
}

export const unionLines = (lines: readonly Line[]): Line[] => {
  const pieces = pathPieces(lines, 0);
  return joinPieces(cutBy(pieces, pieces));
};

export function intersectLines(a: readonly Line[], b: readonly Line[]): Overlay {
  const [first, second] = [pathPieces(a, 0), pathPieces(b, 0)];
  const [cutFirst, cutSecond] = [cutBy(first, second), cutBy(second, first)];
  const shared = cutFirst.filter((piece) => along(piece, cutSecond) || against(piece, cutSecond));
  return { points: meetings(cutFirst, cutSecond, shared), lines: joinPieces(shared), polygons: [] };
}

/** Points common to both and to no shared stretch. */
function meetings(first: readonly Piece[], second: readonly Piece[], shared: readonly Piece[]): Vector[] {
  const used = shared.flatMap((piece) => [piece.from, piece.to]);
  const points: Vector[] = [];
  const others = second.flatMap((piece) => [piece.from, piece.to]);
  for (const point of first.flatMap((piece) => [piece.from, piece.to]))
    if (others.some(sameAs(point)) && !used.some(sameAs(point)) && !points.some(sameAs(point))) points.push(point);
  return points;
}

export function intersectLineWithPolygons(lines: readonly Line[], polygons: readonly Polygon[]): Overlay {
  const border = boundary(polygons, 0);
  const pieces = cutBy(pathPieces(lines, 0), border);
  const cutBorder = cutBy(border, pieces);
  const inside = pieces.filter(
    (piece) => along(piece, cutBorder) || against(piece, cutBorder) || inPolygons(middleOf(piece), polygons),
  );
  return { points: meetings(pieces, cutBorder, inside), lines: joinPieces(inside), polygons: [] };
}
