import { cutAtMapEdge, densify } from '../algorithms/geo/densify.ts';
import type { Line, Polygon } from '../algorithms/geo/geometry.ts';
import {
  farPaths,
  geometryOf,
  inPolygons,
  parseLines,
  parsePolygons,
  pathsGeometry,
  pointGeometry,
  positionPaths,
  spansHalfTheMap,
} from '../algorithms/geo/geometry.ts';
import {
  closestPoint,
  closestPointOfPolygons,
  edgesLength,
  lineCentroid,
  lineEdges,
  locateOnLine,
  pointOnLine,
  polygonsArea,
  polygonsCentroid,
  polygonsPerimeter,
} from '../algorithms/geo/measure.ts';
import type { Overlay } from '../algorithms/geo/overlay.ts';
import {
  intersectLines,
  intersectLineWithPolygons,
  intersectPolygons,
  unionLines,
  unionPolygons,
} from '../algorithms/geo/overlay.ts';
import { pointVector } from '../algorithms/geo/s2.ts';
import type { Position, Vector } from '../algorithms/geo/sphere.ts';
import { angle, azimuth, earthRadius, isPosition, spheroidDistance, toVector } from '../algorithms/geo/sphere.ts';
import { geoJsonOfWkt } from '../algorithms/geo/wkt.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { native } from '../sql/native-row.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';
import { itemsOf } from './array.ts';
import { geoCellFunctions } from './geo-cells.ts';
import { geoPartialFunctions } from './geo-partial.ts';

type Value = NativeValue | undefined;

/** Longitude and latitude pairs; undefined when one of them is not on the globe. */
function positions(values: readonly NativeValue[]): Position[] | undefined {
  const found: Position[] = [];
  for (let at = 0; at + 1 < values.length; at += 2) {
    const [longitude, latitude] = [Number(values[at]), Number(values[at + 1])];
    if (!isPosition(longitude, latitude)) return undefined;
    found.push([longitude, latitude]);
  }
  return found;
}
const vector = (longitude: Value, latitude: Value): Vector | undefined =>
  pointVector(Number(longitude), Number(latitude));
/** From a point to itself or to the other end of the globe leads no direction of its own. */
const isCourse = (from: Position, to: Position): boolean => {
  const turn = angle(toVector(from), toVector(to));
  return turn > 0 && turn < Math.PI - 1e-15;
};
const distance = (a: Vector, b: Vector): number => earthRadius * angle(a, b);
const point = (found: Vector | undefined): string | null => (found ? pointGeometry(found) : null);

const ofLines = (name: string, result: 'real' | 'dynamic', run: (lines: readonly Line[]) => NativeValue): FunctionRow =>
  native(name, ['dynamic'], result, ([line]) => {
    const lines = parseLines(line);
    return lines ? run(lines) : null;
  });
const ofPolygons = (
  name: string,
  result: 'real' | 'dynamic',
  run: (polygons: readonly Polygon[]) => NativeValue,
): FunctionRow =>
  native(name, ['dynamic'], result, ([polygon]) => {
    const polygons = parsePolygons(polygon);
    return polygons ? run(polygons) : null;
  });

const overlayOf: Readonly<Record<string, (a: Value, b: Value) => Overlay | undefined>> = {
  '2lines': (a, b) => {
    const [first, second] = [parseLines(a), parseLines(b)];
    return first && second && intersectLines(first, second);
  },
  line_with_polygon: (a, b) => {
    const [lines, polygons] = [parseLines(a), parsePolygons(b)];
    return lines && polygons && intersectLineWithPolygons(lines, polygons);
  },
  '2polygons': (a, b) => {
    const [first, second] = [parsePolygons(a), parsePolygons(b)];
    return first && second && intersectPolygons(first, second);
  },
};
const overlays = Object.entries(overlayOf).flatMap(([name, overlay]): [string, FunctionRow][] => [
  [
    `geo_intersection_${name}`,
    native(`geo_intersection_${name}`, ['dynamic', 'dynamic'], 'dynamic', ([a, b]) => {
      const found = overlay(a, b);
      return found ? geometryOf(found.points, found.lines, found.polygons) : null;
    }),
  ],
  [
    `geo_intersects_${name}`,
    native(`geo_intersects_${name}`, ['dynamic', 'dynamic'], 'bool', ([a, b]) => {
      const found = overlay(a, b);
      return found ? found.points.length + found.lines.length + found.polygons.length > 0 : null;
    }),
  ],
]);

/** Every element must be a valid geometry. */
function all<T>(array: Value, parse: (item: string) => readonly T[] | undefined): T[] | undefined {
  const items = itemsOf(array);
  const found: T[] = [];
  for (const item of items ?? []) {
    const parsed = parse(item);
    if (!parsed) return undefined;
    found.push(...parsed);
  }
  return items && items.length > 0 ? found : undefined;
}

/** The tolerance is in metres and from 0.1 to 10,000. Edges are those of the map: from 179° to −179° they go the long way round. */
const densified = (name: string, parse: (text: Value) => unknown): FunctionRow =>
  native(
    name,
    ['dynamic', 'real', 'bool'],
    'dynamic',
    ([geometry, tolerance, crossing]) => {
      const metres = Number(tolerance);
      if (!(metres >= 0.1 && metres <= 10_000)) return null;
      const far = name === 'geo_line_densify' ? farPaths(geometry) : undefined;
      if (far && crossing !== true) return pathsGeometry(far.flatMap((path) => cutAtMapEdge(densify(path, metres))));
      if (!far && !parse(geometry)) return null;
      let isWide = far !== undefined;
      const result = positionPaths(geometry, (path) => {
        isWide ||= spansHalfTheMap(path);
        return densify(path, metres);
      });
      if (isWide && crossing === true)
        throw new KqlError('notSupported', `'${name}' of edges over the antimeridian is not supported.`);
      return result ?? null;
    },
    { defaults: [10, false] },
  );

export const geoFunctions: FunctionRows = {
  ...geoCellFunctions,
  ...geoPartialFunctions,
  ...Object.fromEntries(overlays),
  geo_from_wkt: native('geo_from_wkt', ['string'], 'dynamic', ([text]) => geoJsonOfWkt(String(text)) ?? null),
  geo_distance_2points: native(
    'geo_distance_2points',
    ['real', 'real', 'real', 'real', 'bool'],
    'real',
    ([x, y, u, v, spheroid]) => {
      const [from, to] = positions([x, y, u, v].map((value) => value ?? null)) ?? [];
      const [a, b] = [vector(x, y), vector(u, v)];
      if (!from || !to || !a || !b) return null;
      return spheroid === true ? spheroidDistance(from, to) : distance(a, b);
    },
    { defaults: [false] },
  ),
  geo_azimuth: native('geo_azimuth', ['real', 'real', 'real', 'real'], 'real', (values) => {
    const [from, to] = positions(values) ?? [];
    return from && to && isCourse(from, to) ? azimuth(from, to) : null;
  }),
  geo_angle: native('geo_angle', ['real', 'real', 'real', 'real', 'real', 'real'], 'real', (values) => {
    const [first, middle, last] = positions(values) ?? [];
    if (!first || !middle || !last || !isCourse(first, middle) || !isCourse(middle, last)) return null;
    const turn = azimuth(middle, last) - azimuth(middle, first);
    return turn < 0 ? turn + 2 * Math.PI : turn;
  }),
  geo_point_in_circle: native(
    'geo_point_in_circle',
    ['real', 'real', 'real', 'real', 'real'],
    'bool',
    ([x, y, u, v, radius]) => {
      const [a, b] = [vector(x, y), vector(u, v)];
      return a && b && Number(radius) >= 0 ? distance(a, b) <= Number(radius) : null;
    },
  ),
  geo_point_in_polygon: native('geo_point_in_polygon', ['real', 'real', 'dynamic'], 'bool', ([x, y, polygon]) => {
    const [at, polygons] = [vector(x, y), parsePolygons(polygon)];
    return at && polygons ? inPolygons(at, polygons) : null;
  }),
  geo_closest_point_on_line: native(
    'geo_closest_point_on_line',
    ['real', 'real', 'dynamic'],
    'dynamic',
    ([x, y, line]) => {
      const [at, lines] = [vector(x, y), parseLines(line)];
      return at && lines ? point(closestPoint(at, lineEdges(lines))) : null;
    },
  ),
  geo_closest_point_on_polygon: native(
    'geo_closest_point_on_polygon',
    ['real', 'real', 'dynamic'],
    'dynamic',
    ([x, y, polygon]) => {
      const [at, polygons] = [vector(x, y), parsePolygons(polygon)];
      return at && polygons ? point(closestPointOfPolygons(at, polygons)) : null;
    },
  ),
  geo_distance_point_to_line: native(
    'geo_distance_point_to_line',
    ['real', 'real', 'dynamic'],
    'real',
    ([x, y, line]) => {
      const [at, lines] = [vector(x, y), parseLines(line)];
      const nearest = at && lines && closestPoint(at, lineEdges(lines));
      return nearest ? distance(at, nearest) : null;
    },
  ),
  geo_distance_point_to_polygon: native(
    'geo_distance_point_to_polygon',
    ['real', 'real', 'dynamic'],
    'real',
    ([x, y, polygon]) => {
      const [at, polygons] = [vector(x, y), parsePolygons(polygon)];
      const nearest = at && polygons && closestPointOfPolygons(at, polygons);
      return nearest ? distance(at, nearest) : null;
    },
  ),
  geo_line_length: ofLines('geo_line_length', 'real', (lines) => edgesLength(lineEdges(lines))),
  geo_line_centroid: ofLines('geo_line_centroid', 'dynamic', (lines) => point(lineCentroid(lineEdges(lines)))),
  geo_line_densify: densified('geo_line_densify', parseLines),
  geo_line_locate_point: native('geo_line_locate_point', ['dynamic', 'real', 'real'], 'real', ([line, x, y]) => {
    const [at, lines] = [vector(x, y), parseLines(line)];
    return at && lines?.length === 1 ? (locateOnLine(at, lineEdges(lines)) ?? null) : null;
  }),
  geo_line_interpolate_point: native(
    'geo_line_interpolate_point',
    ['dynamic', 'real'],
    'dynamic',
    ([line, fraction]) => {
      const lines = parseLines(line);
      const share = Number(fraction);
      return lines?.length === 1 && share >= 0 && share <= 1 ? point(pointOnLine(lineEdges(lines), share)) : null;
    },
  ),
  geo_polygon_area: ofPolygons('geo_polygon_area', 'real', polygonsArea),
  geo_polygon_perimeter: ofPolygons('geo_polygon_perimeter', 'real', polygonsPerimeter),
  geo_polygon_centroid: ofPolygons('geo_polygon_centroid', 'dynamic', (polygons) => point(polygonsCentroid(polygons))),
  geo_polygon_densify: densified('geo_polygon_densify', parsePolygons),
  geo_union_polygons_array: native('geo_union_polygons_array', ['dynamic'], 'dynamic', ([array]) => {
    const polygons = all(array, parsePolygons);
    return polygons ? geometryOf([], [], unionPolygons(polygons)) : null;
  }),
  geo_union_lines_array: native('geo_union_lines_array', ['dynamic'], 'dynamic', ([array]) => {
    const lines = all(array, parseLines);
    return lines ? geometryOf([], unionLines(lines), []) : null;
  }),
};
