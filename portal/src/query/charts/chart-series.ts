import type { Cell, KqlType, ResultTable } from '../answer/answer.ts';
import { cellNumber, cellText } from '../answer/cell-text.ts';
import type { ChartColumns } from './chart-columns.ts';
import type { RenderProperties } from './render-properties.ts';
import { pointsMax, seriesMax } from './chart.ts';

export interface ChartSeries {
  readonly name: string;
  /** Which of the y columns it shows, from 0. */
  readonly yIndex: number;
  /** In the order of the rows. */
  readonly points: Point[];
}

export interface Point {
  /** A number, milliseconds since 1970, or the name of a category. */
  readonly x: number | string;
  y: number | null;
}

export interface SeriesSet {
  /** What the x-axis is. */
  readonly axis: 'time' | 'value' | 'category';
  readonly series: ChartSeries[];
  /** Flags of the anomaly columns at each x: the y where a point is to be drawn. */
  readonly anomalies: ChartSeries[];
  readonly notes: string[];
}

/** Rows → series. Arrays in dynamic columns are taken apart: their values at one place are one point. */
export function chartSeries(table: ResultTable, columns: ChartColumns, properties: RenderProperties): SeriesSet {
  const axis = axisOf(table, columns.x, properties);
  const bySeries = new Map<string, ChartSeries>();
  const anomalies = new Map<string, ChartSeries>();
  const notes = new Set<string>();
  let points = 0;
  const seriesOf = (name: string, yIndex: number, of: Map<string, ChartSeries>): ChartSeries | undefined => {
    const key = `${String(yIndex)}\u0000${name}`;
    const known = of.get(key);
    if (known !== undefined) return known;
    if (of.size >= seriesMax) {
      notes.add(`Only the first ${String(seriesMax)} series are drawn.`);
      return undefined;
    }
    const series = { name, yIndex, points: [] };
    of.set(key, series);
    return series;
  };
  for (const row of table.rows) {
    const group = columns.series.map((index) => textAt(table, row, index)).join(', ');
    const xs = listOf(row[columns.x]);
    columns.y.forEach((yColumn, yIndex) => {
      const ys = listOf(row[yColumn]);
      const name = nameOf(group, table.columns[yColumn]?.name ?? '', columns);
      const flags = columns.anomalies.length === 0 ? [] : listOf(row[columns.anomalies[yIndex] ?? -1] ?? null);
      const count = xs.length > 1 || ys.length > 1 ? Math.max(xs.length, ys.length) : 1;
      for (let place = 0; place < count; place += 1) {
        if (points >= pointsMax) {
          notes.add(`Only the first ${String(pointsMax)} points are drawn.`);
          return;
        }
        const x = xOf(xs.length === 1 && count > 1 ? place : xs[place], typeAt(table, columns.x), axis);
        const y = cellNumber(ys[place], typeAt(table, yColumn)) ?? null;
        if (x === undefined) continue;
        seriesOf(name, yIndex, bySeries)?.points.push({ x, y });
        points += 1;
        const flag = cellNumber(flags[place], 'real') ?? 0;
        if (flag !== 0 && y !== null) seriesOf(`${name} (anomalies)`, yIndex, anomalies)?.points.push({ x, y });
      }
    });
  }
  const series = [...bySeries.values()];
  if (axis !== 'category') for (const { points: of } of series) of.sort((a, b) => Number(a.x) - Number(b.x));
  if (properties.accumulate) for (const { points: of } of series) accumulate(of);
  if (properties.yLog) for (const { points: of } of series) if (dropNotPositive(of)) notes.add(logNote);
  return { axis, series, anomalies: [...anomalies.values()], notes: [...notes] };
}

const logNote = 'Values that are not above zero have no place on a logarithmic axis and are left out.';

/** Bars stand at names, whatever the type; lines and points at numbers and times where they can. */
function axisOf(table: ResultTable, x: number, { visualization }: RenderProperties): SeriesSet['axis'] {
  if (visualization === 'barchart' || visualization === 'columnchart') return 'category';
  const type = table.columns[x]?.type ?? 'string';
  if (type === 'datetime') return 'time';
  if (['int', 'long', 'real', 'decimal', 'timespan'].includes(type)) return 'value';
  if (type !== 'dynamic') return 'category';
  const list = table.rows.map((row) => row[x]).find((cell) => Array.isArray(cell)) as unknown[] | undefined;
  const item = list?.find((one) => one !== null);
  if (typeof item === 'number') return 'value';
  return typeof item === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(item) ? 'time' : 'category';
}

function xOf(cell: unknown, type: KqlType, axis: SeriesSet['axis']): number | string | undefined {
  if (cell === null || cell === undefined) return undefined;
  if (axis === 'category') return categoryText(cell, type);
  return cellNumber(cell, axis === 'time' ? 'datetime' : type === 'dynamic' ? 'real' : type);
}

/** Times without what is zero at their end: `2007-01-01 05:00`. */
export function categoryText(cell: Cell, type: KqlType): string {
  const text = cellText(cell, type);
  if (type !== 'datetime') return text === '' ? '(empty)' : text;
  return text
    .replace('T', ' ')
    .replace(/(?::00)?(?:\.0+)?Z$/, '')
    .replace(/ 00:00$/, '');
}

const listOf = (cell: unknown): readonly unknown[] => (Array.isArray(cell) ? (cell as unknown[]) : [cell]);
const typeAt = (table: ResultTable, index: number): KqlType => table.columns[index]?.type ?? 'string';
const textAt = (table: ResultTable, row: readonly Cell[], index: number): string =>
  cellText(row[index], typeAt(table, index)) || '(empty)';

/** A series is named by its group, by its column where there are several, or by both. */
const nameOf = (group: string, column: string, { y, series }: ChartColumns): string =>
  series.length === 0 ? column : y.length === 1 ? group : `${group}: ${column}`;

function accumulate(points: readonly Point[]): void {
  let sum = 0;
  for (const point of points) {
    sum += point.y ?? 0;
    point.y = sum;
  }
}

function dropNotPositive(points: readonly Point[]): boolean {
  let dropped = false;
  for (const point of points) {
    if (point.y === null || point.y > 0) continue;
    point.y = null;
    dropped = true;
  }
  return dropped;
}
