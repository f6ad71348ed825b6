import { bufferMax, polygonsBuffer } from '../algorithms/geo/buffer.ts';
import { boxCentre, boxCorners, geohash, geohashBox, geohashNeighbours } from '../algorithms/geo/geohash.ts';
import {
  inPolygons,
  parseLines,
  parsePolygons,
  positionGeometry,
  polygonPositions,
  positionsPolygon,
} from '../algorithms/geo/geometry.ts';
import {
  h3Boundary,
  h3Cell,
  h3Centre,
  h3Children,
  h3Inside,
  h3Level,
  h3Neighbours,
  h3Parent,
  h3Rings,
} from '../algorithms/geo/h3.ts';
import { lineEdges, polygonEdges } from '../algorithms/geo/measure.ts';
import { s2Cell, s2Centre, s2Corners, s2Covering, s2Neighbours } from '../algorithms/geo/s2.ts';
import type { Position } from '../algorithms/geo/sphere.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { native } from '../sql/native-row.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';

const texts = (list: readonly string[] | undefined): string | null => (list ? JSON.stringify(list) : null);

const cellOf = (
  name: string,
  cell: (longitude: number, latitude: number, size: number) => string | undefined,
  size: number,
): FunctionRow =>
  native(
    name,
    ['real', 'real', 'long'],
    'string',
    ([longitude, latitude, level]) => cell(Number(longitude), Number(latitude), Number(level)) ?? null,
    { defaults: [size] },
  );
const ofCell = (name: string, run: (cell: string) => string | null): FunctionRow =>
  native(name, ['string'], 'dynamic', ([cell]) => run(String(cell)));
const centre = (name: string, of: (cell: string) => Position | undefined): FunctionRow =>
  ofCell(name, (cell) => {
    const position = of(cell);
    return position ? positionGeometry(position) : null;
  });
const outline = (name: string, of: (cell: string) => Position[] | undefined): FunctionRow =>
  ofCell(name, (cell) => {
    const ring = of(cell);
    return ring ? positionsPolygon(ring) : null;
  });
/** Left out and null both mean the default. */
const level = (value: NativeValue | undefined): number | undefined =>
  value === null || value === undefined ? undefined : Number(value);

export const geoCellFunctions: FunctionRows = {
  geo_point_to_geohash: cellOf('geo_point_to_geohash', geohash, 5),
  geo_geohash_to_central_point: centre('geo_geohash_to_central_point', (cell) => {
    const box = geohashBox(cell);
    return box && boxCentre(box);
  }),
  geo_geohash_to_polygon: outline('geo_geohash_to_polygon', (cell) => {
    const box = geohashBox(cell);
    return box && boxCorners(box);
  }),
  geo_geohash_neighbors: ofCell('geo_geohash_neighbors', (cell) => texts(geohashNeighbours(cell))),
  geo_point_to_s2cell: cellOf('geo_point_to_s2cell', s2Cell, 11),
  geo_s2cell_to_central_point: centre('geo_s2cell_to_central_point', s2Centre),
  geo_s2cell_to_polygon: outline('geo_s2cell_to_polygon', s2Corners),
  geo_s2cell_neighbors: ofCell('geo_s2cell_neighbors', (cell) => texts(s2Neighbours(cell))),
  geo_polygon_to_s2cells: native(
    'geo_polygon_to_s2cells',
    ['dynamic', 'long', 'real'],
    'dynamic',
    ([polygon, size, radius]) => {
      const polygons = parsePolygons(polygon);
      if (!polygons) return null;
      const contains = (point: Parameters<typeof inPolygons>[0]): boolean => inPolygons(point, polygons);
      return texts(s2Covering({ edges: polygonEdges(polygons), contains }, Number(size), Number(radius)));
    },
    { defaults: [11, 0] },
  ),
  geo_line_to_s2cells: native(
    'geo_line_to_s2cells',
    ['dynamic', 'long', 'real'],
    'dynamic',
    ([line, size, radius]) => {
      const lines = parseLines(line);
      if (!lines) return null;
      return texts(s2Covering({ edges: lineEdges(lines), contains: () => false }, Number(size), Number(radius)));
    },
    { defaults: [11, 0] },
  ),
  geo_polygon_to_h3cells: native(
    'geo_polygon_to_h3cells',
    ['dynamic', 'long', 'real'],
    'dynamic',
    ([polygon, size, radius]) => {
      const [polygons, metres] = [parsePolygons(polygon), Number(radius)];
      if (!polygons || !(metres >= 0)) return null;
      if (metres > bufferMax)
        throw new KqlError('notSupported', "'geo_polygon_to_h3cells' with such a radius is not supported.");
      const grown = metres > 0 ? polygonsBuffer(polygons, metres, metres / 1000) : polygons;
      return texts(h3Inside(polygonPositions(grown), Number(size)));
    },
    { defaults: [6, 0] },
  ),
  geo_point_to_h3cell: cellOf('geo_point_to_h3cell', h3Cell, 6),
  geo_h3cell_to_central_point: centre('geo_h3cell_to_central_point', h3Centre),
  geo_h3cell_to_polygon: outline('geo_h3cell_to_polygon', h3Boundary),
  geo_h3cell_neighbors: ofCell('geo_h3cell_neighbors', (cell) => texts(h3Neighbours(cell))),
  geo_h3cell_rings: native('geo_h3cell_rings', ['string', 'long'], 'dynamic', ([cell, distance]) => {
    const rings = h3Rings(String(cell), Number(distance));
    return rings ? JSON.stringify(rings) : null;
  }),
  geo_h3cell_level: native('geo_h3cell_level', ['string'], 'int', ([cell]) => h3Level(String(cell)) ?? null),
  geo_h3cell_parent: native(
    'geo_h3cell_parent',
    ['string', 'long'],
    'string',
    ([cell, size]) => h3Parent(String(cell), level(size)) ?? null,
    { nulls: true, defaults: [null] },
  ),
  geo_h3cell_children: native(
    'geo_h3cell_children',
    ['string', 'long'],
    'dynamic',
    ([cell, size]) => texts(h3Children(String(cell), level(size))),
    { nulls: true, defaults: [null] },
  ),
};
