import { isPosition } from './sphere.ts';

interface Shape {
  readonly type: string;
  /** How deep the coordinates are nested: a point 0, a line 1, a polygon 2, several polygons 3. */
  readonly depth: number;
}
const shapes: Readonly<Record<string, Shape>> = {
  POINT: { type: 'Point', depth: 0 },
  LINESTRING: { type: 'LineString', depth: 1 },
  POLYGON: { type: 'Polygon', depth: 2 },
  MULTIPOINT: { type: 'MultiPoint', depth: 1 },
  MULTILINESTRING: { type: 'MultiLineString', depth: 2 },
  MULTIPOLYGON: { type: 'MultiPolygon', depth: 3 },
};
const textMax = 1_000_000;

/** Well-known text → GeoJSON text. @returns undefined when the text is not well-known text of two dimensions */
export function geoJsonOfWkt(text: string): string | undefined {
  if (text.length > textMax) return undefined;
  const tokens = text.match(/[A-Za-z]+|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[(),]|\S/g) ?? [];
  let at = 0;
  const take = (token: string): boolean => tokens[at] === token && (at += 1) > 0;

  const position = (): string | undefined => {
    const [longitude, latitude] = [Number(tokens[at] ?? NaN), Number(tokens[at + 1] ?? NaN)];
    at += 2;
    return isPosition(longitude, latitude) ? `[${longitude},${latitude}]` : undefined;
  };
  const list = (item: () => string | undefined): string | undefined => {
    if (!take('(')) return undefined;
    const items: string[] = [];
    do {
      const one = item();
      if (one === undefined) return undefined;
      items.push(one);
    } while (take(','));
    return take(')') ? `[${items.join(',')}]` : undefined;
  };
  const nested = (depth: number, loose: boolean): string | undefined =>
    depth === 0
      ? loose && tokens[at] === '('
        ? list(position)?.slice(1, -1)
        : position()
      : list(() => nested(depth - 1, loose));

  const geometry = (): string | undefined => {
    const name = (tokens[at] ?? '').toUpperCase();
    at += 1;
    if (name === 'GEOMETRYCOLLECTION') {
      const parts = list(geometry);
      return parts === undefined ? undefined : `{"type":"GeometryCollection","geometries":${parts}}`;
    }
    const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    if (!shape) return undefined;
    const coordinates =
      shape.depth === 0 ? list(position)?.slice(1, -1) : nested(shape.depth, shape.type === 'MultiPoint');
    return coordinates === undefined ? undefined : `{"type":"${shape.type}","coordinates":${coordinates}}`;
  };
  const found = geometry();
  return at === tokens.length ? found : undefined;
}
