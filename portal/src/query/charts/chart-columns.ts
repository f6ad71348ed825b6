import type { Column, KqlType, ResultTable } from '../answer/answer.ts';
import { isNumeric } from '../answer/cell-text.ts';
import type { RenderProperties } from './render-properties.ts';
import { NotDrawn } from './chart.ts';

/** Places of columns by what they are in the chart: Data Explorer's model of x, series and y. */
export interface ChartColumns {
  readonly x: number;
  readonly y: readonly number[];
  readonly series: readonly number[];
  readonly anomalies: readonly number[];
}

/** What the columns that `render` named are, and what is chosen where it named none.
 * @throws NotDrawn naming a column that is not there, or what is missing */
export function chartColumns(table: ResultTable, properties: RenderProperties): ChartColumns {
  const { columns } = table;
  const named = (name: string): number => {
    const index = columns.findIndex((column) => column.name === name);
    if (index < 0) throw new NotDrawn(`There is no column '${name}' in the result.`);
    return index;
  };
  const anomalies = properties.anomalyColumns.map(named);
  const namedSeries = properties.series.map(named);
  const namedY = properties.yColumns.map(named);
  const taken = new Set([...anomalies, ...namedSeries, ...namedY]);
  const x = properties.xColumn === undefined ? chosenX(table, properties, taken) : named(properties.xColumn);
  taken.add(x);
  const y = namedY.length > 0 ? namedY : chosenY(table, taken);
  if (y.length === 0) throw new NotDrawn(`${properties.visualization} needs a numeric column for its values.`);
  const used = new Set([...taken, ...y]);
  const rest = columns.flatMap((column, index) => (used.has(index) || !names(column, table, index) ? [] : [index]));
  return { x, y, series: namedSeries.length > 0 ? namedSeries : rest, anomalies };
}

function chosenX(
  table: ResultTable,
  { visualization, yColumns }: RenderProperties,
  taken: ReadonlySet<number>,
): number {
  const free = table.columns.map((column, index) => ({ ...column, index })).filter(({ index }) => !taken.has(index));
  const yNamed = yColumns.length > 0;
  const first = free[0];
  if (first === undefined) throw new NotDrawn(`${visualization} needs a column for its x-axis.`);
  const find = (fits: (type: KqlType, index: number) => boolean): number | undefined =>
    free.find(({ type, index }) => fits(type, index))?.index;
  const isTime = (type: KqlType, index: number): boolean => type === 'datetime' || isArray(table, index, 'time');
  if (visualization === 'timechart' || visualization === 'anomalychart') {
    const time = find(isTime);
    if (time === undefined) throw new NotDrawn(`${visualization} needs a datetime column for its x-axis.`);
    return time;
  }
  // A numeric column names places only where another one is left for the values.
  const values = free.filter(({ type, index }) => isNumeric(type) || isArray(table, index, 'number')).length;
  const fits = (type: KqlType): boolean => !isNumeric(type) || values > 1 || yNamed;
  if (['barchart', 'columnchart', 'piechart'].includes(visualization)) return find(fits) ?? first.index;
  const numberOrTime = find((type, index) => isTime(type, index) || (isNumeric(type) && fits(type)));
  return numberOrTime ?? find((_, index) => isArray(table, index)) ?? find(fits) ?? first.index;
}

/** All that has numbers: numeric columns, arrays of numbers, and spans of time if there is nothing else. */
function chosenY(table: ResultTable, taken: ReadonlySet<number>): number[] {
  const free = table.columns.map((column, index) => ({ ...column, index })).filter(({ index }) => !taken.has(index));
  const numbers = free.filter(({ type, index }) => isNumeric(type) || isArray(table, index, 'number'));
  return (numbers.length > 0 ? numbers : free.filter(({ type }) => type === 'timespan')).map(({ index }) => index);
}

/** What names a series; dynamic values are too long for a name, unless they are plain texts. */
const names = ({ type }: Column, table: ResultTable, index: number): boolean =>
  ['string', 'guid', 'bool'].includes(type) || (type === 'dynamic' && typeof firstValue(table, index) === 'string');

/** Whether a dynamic column holds arrays, by its first value that is not null. */
function isArray(table: ResultTable, index: number, of?: 'number' | 'time'): boolean {
  if (table.columns[index]?.type !== 'dynamic') return false;
  const value = firstValue(table, index);
  if (!Array.isArray(value)) return false;
  const item: unknown = value.find((one) => one !== null);
  if (of === 'number') return typeof item === 'number' || item === undefined;
  if (of === 'time') return typeof item === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(item);
  return true;
}

const firstValue = (table: ResultTable, index: number): unknown =>
  table.rows.find((row) => row[index] !== null && row[index] !== undefined)?.[index];
