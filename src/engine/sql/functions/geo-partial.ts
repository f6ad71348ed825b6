import { edgeBuffer, pointBuffer } from '../../native/geo/buffer.ts';
import { geometryOf, parseLines, parsePolygons } from '../../native/geo/geometry.ts';
import { pointVector } from '../../native/geo/s2.ts';
import { KqlError } from '../../kql/kql-error.ts';
import type { NativeValue } from '../native.ts';
import { native } from '../native.ts';
import type { FunctionRow, FunctionRows } from '../scope.ts';
import { itemsOf } from './array.ts';

/** Functions of which some cases are not built; those are refused when they come up, what is not valid is null as in the service. */
const refuse = (name: string, what: string): never => {
  throw new KqlError('notSupported', `'${name}' of ${what} is not supported.`);
};

/** Metres; by default 10. */
const validTolerance = (tolerance: NativeValue | undefined): boolean =>
  Number(tolerance) >= 0.1 && Number(tolerance) <= 10_000;

const simplified = (name: string, parse: (text: NativeValue | undefined) => unknown): FunctionRow =>
  native(
    name,
    ['dynamic', 'real'],
    'dynamic',
    ([geometry, tolerance]) => (parse(geometry) && validTolerance(tolerance) ? refuse(name, 'a valid geometry') : null),
    { defaults: ['10'] },
  );

/** Never finer than a millionth of the radius. */
const toleranceFor = (radius: number, tolerance: NativeValue | undefined): number | undefined =>
  radius > 0 && Number(tolerance) >= radius * 1e-6 ? Math.min(Number(tolerance), radius) : undefined;

export const geoPartialFunctions: FunctionRows = {
  geo_polygon_simplify: simplified('geo_polygon_simplify', parsePolygons),
  geo_line_simplify: simplified('geo_line_simplify', parseLines),
  geo_simplify_polygons_array: simplified('geo_simplify_polygons_array', (array) =>
    itemsOf(array)?.every((item) => parsePolygons(item)),
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
    { defaults: ['10'] },
  ),
  geo_line_buffer: native(
    'geo_line_buffer',
    ['dynamic', 'real', 'real'],
    'dynamic',
    ([line, radius, tolerance]) => {
      const [lines, metres] = [parseLines(line), Number(radius)];
      const error = toleranceFor(metres, tolerance);
      if (!lines || error === undefined) return null;
      const [start, end, ...more] = lines.flat();
      if (!start || !end || more.length > 0) return refuse('geo_line_buffer', 'more than one edge');
      return geometryOf([], [], [{ shell: edgeBuffer(start, end, metres, error), holes: [] }]);
    },
    { defaults: ['10'] },
  ),
  geo_polygon_buffer: native(
    'geo_polygon_buffer',
    ['dynamic', 'real', 'real'],
    'dynamic',
    ([polygon, radius, tolerance]) =>
      parsePolygons(polygon) && toleranceFor(Number(radius), tolerance) !== undefined
        ? refuse('geo_polygon_buffer', 'a valid polygon')
        : null,
    { defaults: ['10'] },
  ),
};
