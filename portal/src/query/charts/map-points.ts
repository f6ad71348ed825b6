import type { ResultTable, Row } from '../answer/answer.ts';
import { cellNumber, cellText, isNumeric } from '../answer/cell-text.ts';
import { isRecord } from '../answer/exact-json.ts';
import type { Chart, ChartInk, Option } from './chart.ts';
import { NotDrawn, pointsMax, seriesMax } from './chart.ts';
import { frame } from './chart-frame.ts';
import type { RenderProperties } from './render-properties.ts';

/** `scatterchart` of kind `map`: columns longitude and latitude, or GeoJSON points; other texts are series.
 * The points are drawn at their degrees, and nothing beneath: a map would come from another host. */
export function mapPoints(table: ResultTable, properties: RenderProperties, ink: ChartInk): Chart {
  const { place, rest } = placesIn(table, properties, 'scatterchart');
  const series = new Map<string, [number, number][]>();
  let left = 0;
  for (const row of table.rows.slice(0, pointsMax)) {
    const point = place(row);
    const name = rest.map((index) => cellText(row[index], table.columns[index]?.type ?? 'string')).join(', ');
    const points = series.get(name);
    if (point === undefined || (points === undefined && series.size >= seriesMax)) left += 1;
    else if (points === undefined) series.set(name, [point]);
    else points.push(point);
  }
  const degrees = { type: 'value', axisLabel: { color: ink.text, formatter: '{value}°' }, scale: true };
  const named = { nameLocation: 'middle', nameGap: 30, nameTextStyle: { color: ink.text } };
  const option: Option = {
    ...frame(properties, ink, series.size > 1, 1, 'item'),
    grid: [{ left: 80, right: 24, top: properties.title === undefined ? 40 : 72, bottom: 64 }],
    xAxis: [{ ...degrees, ...named, name: properties.xTitle ?? 'Longitude' }],
    yAxis: [{ ...degrees, ...named, nameGap: 48, name: properties.yTitle ?? 'Latitude' }],
    series: [...series].map(([name, data]) => ({ type: 'scatter', name, data, symbolSize: 7 })),
  };
  const lost = left === 0 ? [] : [`${String(left)} rows have no place on the map, or are beyond what is drawn.`];
  return {
    show: 'plot',
    option,
    notes: ['There is no map beneath the points: nothing is loaded from elsewhere.', ...lost],
  };
}

type Place = (row: Row) => [number, number] | undefined;

/** Where rows are, in which columns that stands, and what names them. */
interface Places {
  readonly place: Place;
  readonly taken: readonly number[];
  readonly rest: readonly number[];
}

/** @param kind for what is said when there are none */
export function placesIn({ columns, rows }: ResultTable, properties: RenderProperties, kind: string): Places {
  const rest = (taken: readonly number[]): number[] => {
    const named = properties.series.map((name) => columns.findIndex((column) => column.name === name));
    if (named.includes(-1)) throw new NotDrawn(`${kind}: a column that series names is not in the result.`);
    if (named.length > 0) return named;
    return columns.flatMap(({ type }, index) => (type === 'string' && !taken.includes(index) ? [index] : []));
  };
  const geo = columns.findIndex(({ type }, index) => type === 'dynamic' && rows.some((row) => pointOf(row[index])));
  if (geo >= 0) return { place: (row) => pointOf(row[geo]), taken: [geo], rest: rest([geo]) };
  const [longitude, latitude] = columns.flatMap(({ type }, index) => (isNumeric(type) ? [index] : []));
  if (longitude === undefined || latitude === undefined) {
    throw new NotDrawn(`${kind} with kind=map needs columns longitude and latitude, or GeoJSON points.`);
  }
  const place: Place = (row) => {
    const [x, y] = [cellNumber(row[longitude], 'real'), cellNumber(row[latitude], 'real')];
    return x === undefined || y === undefined ? undefined : [x, y];
  };
  return { place, taken: [longitude, latitude], rest: rest([longitude, latitude]) };
}

/** A GeoJSON point: `{ "type": "Point", "coordinates": [longitude, latitude] }`. */
function pointOf(cell: unknown): [number, number] | undefined {
  if (!isRecord(cell) || cell['type'] !== 'Point' || !Array.isArray(cell['coordinates'])) return undefined;
  const [x, y] = cell['coordinates'] as unknown[];
  return typeof x === 'number' && typeof y === 'number' ? [x, y] : undefined;
}
