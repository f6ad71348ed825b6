import { bufferMax, linesBuffer, pointBuffer, polygonsBuffer } from '../algorithms/geo/buffer.ts';
import type { Polygon } from '../algorithms/geo/geometry.ts';
import { geometryOf, parseLines, parsePolygons } from '../algorithms/geo/geometry.ts';
import { merged } from '../algorithms/geo/measure.ts';
import { unionLines } from '../algorithms/geo/overlay.ts';
import { pointVector } from '../algorithms/geo/s2.ts';
import { simplifyApart } from '../algorithms/geo/simplify.ts';
import type { Vector } from '../algorithms/geo/sphere.ts';
import { angle, earthRadius } from '../algorithms/geo/sphere.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { native } from '../sql/native-row.ts';
import type { FunctionRows } from '../sql/scope.ts';
import { itemsOf } from './array.ts';

/** Functions of which some cases are not built; those are refused when they come up, what is not valid is null as in the service. */
const refuse = (name: string, what: string): never => {
  throw new KqlError('notSupported', `'${name}' of ${what} is not supported.`);
};

/** Metres; up to a quarter of the globe or so. */
const toleranceMax = 7_800_000;

/** All points so near to each other that nothing is left. */
const isPoint = (points: readonly Vector[], tolerance: number): boolean =>
  points.every((a) => points.every((b) => angle(a, b) * earthRadius < tolerance));

function simplifiedLine(geometry: NativeValue | undefined, tolerance: number): string | null {
  const lines = parseLines(geometry);
  if (!lines || isPoint(lines.flat(), tolerance)) return null;
  const found = simplifyApart(lines.length > 1 ? unionLines(lines) : lines, false, tolerance);
  if (!found) return refuse('geo_line_simplify', 'such a line');
  const left = found.filter((line) => line !== 'gone');
  return left.length > 0 ? geometryOf([], left, []) : null;
}

function simplifiedPolygons(name: string, polygons: readonly Polygon[] | undefined, tolerance: number): string | null {
  if (
    !polygons ||
    isPoint(
      polygons.flatMap(({ shell }) => shell),
      tolerance,
    )
  )
    return null;
  const parts = merged(polygons);
  const rings = parts.flatMap(({ shell, holes }) => [shell, ...holes.map((hole) => [...hole].reverse())]);
  const found = simplifyApart(rings, true, tolerance);
  if (!found) return refuse(name, 'such a polygon');
  const left: Polygon[] = [];
  let at = 0;
  for (const { holes } of parts) {
    const [shell, ...inner] = found.slice(at, (at += 1 + holes.length));
    const kept = inner.filter((hole) => hole !== 'gone').map((hole) => [...hole].reverse());
    if (shell && shell !== 'gone') left.push({ shell, holes: kept });
  }
  return left.length > 0 ? geometryOf([], [], left) : null;
}

/** Never finer than a millionth of the radius. */
const toleranceFor = (radius: number, tolerance: NativeValue | undefined): number | undefined =>
  radius > 0 && Number(tolerance) >= radius * 1e-6 ? Math.min(Number(tolerance), radius) : undefined;

export const geoPartialFunctions: FunctionRows = {
  geo_line_simplify: native(
    'geo_line_simplify',
    ['dynamic', 'real'],
    'dynamic',
    ([line, tolerance]) =>
      Number(tolerance) >= 0 && Number(tolerance) < toleranceMax ? simplifiedLine(line, Number(tolerance)) : null,
    { defaults: [10] },
  ),
  geo_polygon_simplify: native(
    'geo_polygon_simplify',
    ['dynamic', 'real'],
    'dynamic',
    ([polygon, tolerance]) =>
      Number(tolerance) >= 0.1 && Number(tolerance) <= 10_000
        ? simplifiedPolygons('geo_polygon_simplify', parsePolygons(polygon), Number(tolerance))
        : null,
    { defaults: [10] },
  ),
  geo_simplify_polygons_array: native(
    'geo_simplify_polygons_array',
    ['dynamic', 'real'],
    'dynamic',
    ([array, tolerance]) => {
      const parsed = itemsOf(array)?.map((item) => parsePolygons(item));
      if (!parsed || !(Number(tolerance) >= 0 && Number(tolerance) < toleranceMax)) return null;
      const polygons = parsed.flatMap((item) => item ?? []);
      return parsed.includes(undefined) || polygons.length === 0
        ? null
        : simplifiedPolygons('geo_simplify_polygons_array', polygons, Number(tolerance));
    },
    { defaults: [10] },
  ),
  geo_point_buffer: native(
    'geo_point_buffer',
    ['real', 'real', 'real', 'real'],
    'dynamic',
    ([longitude, latitude, radius, tolerance]) => {
      const [centre, metres] = [pointVector(Number(longitude), Number(latitude)), Number(radius)];
      const error = toleranceFor(metres, tolerance);
      if (!centre || error === undefined) return null;
      return geometryOf([], [], [{ shell: pointBuffer(centre, metres, error), holes: [] }]);
    },
    { defaults: [10] },
  ),
  geo_line_buffer: native(
    'geo_line_buffer',
    ['dynamic', 'real', 'real'],
    'dynamic',
    ([line, radius, tolerance]) => {
      const [lines, metres] = [parseLines(line), Number(radius)];
      const error = toleranceFor(metres, tolerance);
      if (!lines || error === undefined) return null;
      if (metres > bufferMax) return refuse('geo_line_buffer', 'such a distance');
      return geometryOf([], [], linesBuffer(lines, metres, error));
    },
    { defaults: [10] },
  ),
  geo_polygon_buffer: native(
    'geo_polygon_buffer',
    ['dynamic', 'real', 'real'],
    'dynamic',
    ([polygon, radius, tolerance]) => {
      const [polygons, metres] = [parsePolygons(polygon), Number(radius)];
      const error = toleranceFor(metres, tolerance);
      if (!polygons || error === undefined) return null;
      if (metres > bufferMax) return refuse('geo_polygon_buffer', 'such a distance');
      return geometryOf([], [], polygonsBuffer(polygons, metres, error));
    },
    { defaults: [10] },
  ),
};
