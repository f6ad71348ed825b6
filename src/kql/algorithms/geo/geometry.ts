import { realToDynamic } from '../../values/real-text.ts';
import type { Position, Vector } from './sphere.ts';
import { angle, dot, isPosition, toPosition, toVector, triangleArea, turnSeenFrom } from './sphere.ts';

/** A ring of a polygon without the repeated end, its inside on the left. */
export type Ring = readonly Vector[];
export interface Polygon {
  readonly shell: Ring;
  readonly holes: readonly Ring[];
}
export type Line = readonly Vector[];

/** Vertices of one geometry. */
const verticesMax = 100_000;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @returns the GeoJSON object; undefined when the text is none */
function parseObject(text: unknown): Record<string, unknown> | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isRecord(parsed)) return undefined;
    return parsed['type'] === 'Feature' && isRecord(parsed['geometry']) ? parsed['geometry'] : parsed;
  } catch {
    return undefined;
  }
}

export function parsePosition(value: unknown): Position | undefined {
  if (!Array.isArray(value) || value.length < 2) return undefined;
  const [longitude, latitude] = value as unknown[];
  if (typeof longitude !== 'number' || typeof latitude !== 'number') return undefined;
  return isPosition(longitude, latitude) ? [longitude, latitude] : undefined;
}

/** All or nothing. */
function every<T>(value: unknown, parse: (item: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value) || value.length > verticesMax) return undefined;
  const parsed: T[] = [];
  for (const item of value) {
    const one = parse(item);
    if (one === undefined) return undefined;
    parsed.push(one);
  }
  return parsed;
}

const same = (a: Vector, b: Vector): boolean => a[0] === b[0] && a[1] === b[1] && a[2] === b[2];
/** Ends that are one point or opposite make no edge. */
const isEdge = (a: Vector, b: Vector): boolean => !same(a, b) && angle(a, b) < Math.PI - 1e-15;
const areEdges = (points: readonly Vector[]): boolean =>
  points.every((point, index) => index === 0 || isEdge(points[index - 1] ?? point, point));

function parsePath(value: unknown): Line | undefined {
  const points = every(value, parsePosition)?.map(toVector);
  return points && points.length >= 2 && areEdges(points) ? points : undefined;
}

function parseRing(value: unknown): Ring | undefined {
  const points = every(value, parsePosition)?.map(toVector);
  const [first, last] = [points?.[0], points?.at(-1)];
  if (!points || !first || !last || points.length < 4 || !same(first, last) || !areEdges(points)) return undefined;
  const ring = points.slice(0, -1);
  if (new Set(ring.map(String)).size < ring.length || crossesItself(ring)) return undefined;
  return ringArea(ring) < 0 ? ring.reverse() : ring;
}

function parsePolygonRings(value: unknown): Polygon | undefined {
  const rings = every(value, parseRing);
  const [shell, ...holes] = rings ?? [];
  return shell && rings && !meetEachOther(rings) ? { shell, holes } : undefined;
}

/** Rows often bring one and the same constant figure: the last one is not parsed again. */
function rememberingLast<T>(parse: (text: unknown) => T): (text: unknown) => T {
  let last: { readonly text: unknown; readonly parsed: T } | undefined;
  return (text) => {
    if (last === undefined || last.text !== text) last = { text, parsed: parse(text) };
    return last.parsed;
  };
}

/** A `LineString` or `MultiLineString`: at least two points each, edges shorter than half the globe. */
export const parseLines = rememberingLast((text): readonly Line[] | undefined => {
  const geometry = parseObject(text);
  if (geometry?.['type'] === 'MultiLineString') {
    const lines = every(geometry['coordinates'], parsePath);
    return lines && lines.length > 0 ? lines : undefined;
  }
  if (geometry?.['type'] !== 'LineString') return undefined;
  const line = parsePath(geometry['coordinates']);
  return line && [line];
});

/** A `Polygon` or `MultiPolygon`: closed rings that do not cross themselves. The direction of a ring does not matter: its inside
 * is the smaller side. */
export const parsePolygons = rememberingLast((text): readonly Polygon[] | undefined => {
  const geometry = parseObject(text);
  if (geometry?.['type'] === 'MultiPolygon') {
    const polygons = every(geometry['coordinates'], parsePolygonRings);
    return polygons && polygons.length > 0 ? polygons : undefined;
  }
  if (geometry?.['type'] !== 'Polygon') return undefined;
  const polygon = parsePolygonRings(geometry['coordinates']);
  return polygon && [polygon];
});

/** On the unit sphere; positive when counterclockwise. */
export function ringArea(ring: Ring): number {
  const [origin] = ring;
  if (!origin) return 0;
  let area = 0;
  for (let index = 2; index < ring.length; index += 1) {
    const [a, b] = [ring[index - 1], ring[index]];
    if (a && b) area += triangleArea(origin, a, b);
  }
  return area;
}

export const edgesOf = (ring: Ring): (readonly [Vector, Vector])[] =>
  ring.map((point, index) => [point, ring[(index + 1) % ring.length] ?? point] as const);

const orientation = (a: Vector, b: Vector, c: Vector): number =>
  Math.sign(dot([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]], c));

/** Whether the insides of two edges cross in one point. */
export function edgesCross(a: Vector, b: Vector, c: Vector, d: Vector): boolean {
  const side = orientation(a, b, c);
  return side !== 0 && orientation(b, a, d) === side && orientation(c, d, b) === side && orientation(d, c, a) === side;
}

/** Rings of more corners than this are taken as they are. */
const checkedCornersMax = 2_000;

function crossesItself(ring: Ring): boolean {
  if (ring.length > checkedCornersMax) return false;
  const edges = edgesOf(ring);
  return edges.some(([a, b], first) =>
    edges.some(
      ([c, d], second) => second > first + 1 && !(first === 0 && second === edges.length - 1) && edgesCross(a, b, c, d),
    ),
  );
}

/** Whether rings of one polygon cross or have an edge in common; corners they may share. */
function meetEachOther(rings: readonly Ring[]): boolean {
  if (rings.reduce((sum, ring) => sum + ring.length, 0) > checkedCornersMax) return false;
  const edges = rings.map((ring) => edgesOf(ring));
  return edges.some((ring, index) =>
    edges
      .slice(index + 1)
      .flat()
      .some(([c, d]) =>
        ring.some(([a, b]) => (same(a, c) && same(b, d)) || (same(a, d) && same(b, c)) || edgesCross(a, b, c, d)),
      ),
  );
}

const inRing = (point: Vector, ring: Ring): boolean => {
  let turn = 0;
  for (const [a, b] of edgesOf(ring)) turn += turnSeenFrom(point, a, b);
  return turn > Math.PI;
};

export const inPolygon = (point: Vector, { shell, holes }: Polygon): boolean =>
  inRing(point, shell) && !holes.some((hole) => inRing(point, hole));
export const inPolygons = (point: Vector, polygons: readonly Polygon[]): boolean =>
  polygons.some((polygon) => inPolygon(point, polygon));

const number = (value: number): string => realToDynamic(Object.is(value, -0) ? 0 : value);
const positionText = (point: Vector): string => `[${toPosition(point).map(number).join(',')}]`;
const positionsText = (points: readonly Vector[]): string => `[${points.map(positionText).join(',')}]`;
const ringText = (ring: Ring): string => positionsText([...ring, ...ring.slice(0, 1)]);
const polygonText = ({ shell, holes }: Polygon): string =>
  `[${[ringText(shell), ...holes.map((hole) => ringText([...hole].reverse()))].join(',')}]`;

const geometryText = (type: string, coordinates: string): string => `{"type":"${type}","coordinates":${coordinates}}`;

export const pointGeometry = (point: Vector): string => geometryText('Point', positionText(point));
export const positionGeometry = ([longitude, latitude]: Position): string =>
  geometryText('Point', `[${number(longitude)},${number(latitude)}]`);
export const positionsPolygon = (ring: readonly Position[]): string =>
  geometryText(
    'Polygon',
    `[[${[...ring, ...ring.slice(0, 1)].map((position) => `[${position.map(number).join(',')}]`).join(',')}]]`,
  );

/** What is found as one geometry: of one kind plain or `Multi…`, of several kinds a collection, of nothing an empty one. */
export function geometryOf(points: readonly Vector[], lines: readonly Line[], polygons: readonly Polygon[]): string {
  const parts = [
    ...(points.length === 1 ? points.map(pointGeometry) : []),
    ...(points.length > 1 ? [geometryText('MultiPoint', positionsText(points))] : []),
    ...(lines.length === 1 ? lines.map((line) => geometryText('LineString', positionsText(line))) : []),
    ...(lines.length > 1 ? [geometryText('MultiLineString', `[${lines.map(positionsText).join(',')}]`)] : []),
    ...(polygons.length === 1 ? polygons.map((polygon) => geometryText('Polygon', polygonText(polygon))) : []),
    ...(polygons.length > 1 ? [geometryText('MultiPolygon', `[${polygons.map(polygonText).join(',')}]`)] : []),
  ];
  const [only] = parts;
  return parts.length === 1 && only !== undefined
    ? only
    : `{"type":"GeometryCollection","geometries":[${parts.join(',')}]}`;
}

/** Rings of each polygon as positions, closed. */
export const polygonPositions = (polygons: readonly Polygon[]): Position[][][] =>
  polygons.map(({ shell, holes }) => [shell, ...holes].map((ring) => [...ring, ...ring.slice(0, 1)].map(toPosition)));

/** Longitudes that lines drawn on the map may have, beyond its edges. */
const farLongitudeMax = 360;

/** Paths of a `LineString` or `MultiLineString` as they are drawn, with longitudes that may lie beyond ±180°.
 * @returns undefined when none does, or when they are no lines */
export function farPaths(text: unknown): Position[][] | undefined {
  const geometry = parseObject(text);
  const isMulti = geometry?.['type'] === 'MultiLineString';
  if (!isMulti && geometry?.['type'] !== 'LineString') return undefined;
  const coordinates = geometry['coordinates'];
  const paths = every(isMulti ? coordinates : [coordinates], (path) => {
    const positions = every(path, (position): Position | undefined => {
      const [x, y] = Array.isArray(position) ? (position as unknown[]) : [];
      return typeof x === 'number' && typeof y === 'number' && Math.abs(x) <= farLongitudeMax && isPosition(0, y)
        ? [x, y]
        : undefined;
    });
    return positions && positions.length >= 2 && areEdges(positions.map(toVector)) ? positions : undefined;
  });
  return paths?.flat().some(([x]) => Math.abs(x) > 180) ? paths : undefined;
}

/** `LineString` of one path, `MultiLineString` of several. */
export const pathsGeometry = (paths: readonly (readonly Position[])[]): string => {
  const texts = paths.map((path) => `[${path.map((position) => `[${position.map(number).join(',')}]`).join(',')}]`);
  return texts.length === 1
    ? geometryText('LineString', texts.join(''))
    : geometryText('MultiLineString', `[${texts.join(',')}]`);
};

/** Whether an edge goes more than half around the map. */
export const spansHalfTheMap = (path: readonly Position[]): boolean =>
  path.some(([x], index) => Math.abs(x - (path[index - 1]?.[0] ?? x)) > 180);

/** Rewrites each path of positions of a geometry, without leaving the map. */
export function positionPaths(text: unknown, rewrite: (path: Position[]) => Position[]): string | undefined {
  const geometry = parseObject(text);
  const type = geometry?.['type'];
  const walk = (value: unknown): string | undefined => {
    const path = every(value, parsePosition);
    if (path)
      return `[${rewrite(path)
        .map((position) => `[${position.map(number).join(',')}]`)
        .join(',')}]`;
    const parts = every(value, walk);
    return parts && `[${parts.join(',')}]`;
  };
  const coordinates = geometry && walk(geometry['coordinates']);
  return typeof type === 'string' && coordinates !== undefined ? geometryText(type, coordinates) : undefined;
}
