import type { KqlType, ResultTable, Row } from '../answer/answer.ts';
import { cellNumber, cellText, isNumeric } from '../answer/cell-text.ts';
import type { Chart, ChartInk, Option } from './chart.ts';
import { NotDrawn } from './chart.ts';
import { frame, timeLabels } from './chart-frame.ts';
import type { RenderProperties } from './render-properties.ts';

/** Spans: the last two columns are where each begins and ends, the ones before name its step of the ladder. */
export function ladder(table: ResultTable, properties: RenderProperties, ink: ChartInk): Chart {
  const { columns } = table;
  const [from, to] = [columns.length - 2, columns.length - 1];
  const [begins, ends] = [columns[from]?.type ?? 'string', columns[to]?.type ?? 'string'];
  if (columns.length < 3 || begins !== ends || !(begins === 'datetime' || isNumeric(begins) || begins === 'timespan')) {
    throw new NotDrawn('ladderchart needs names, and after them two columns of one type: where each begins and ends.');
  }
  const names = columns.map((_, index) => index).slice(0, from);
  const rows = table.rows.slice(0, stepsMax);
  const spans = rows.flatMap((row) => {
    const [begin, end] = [cellNumber(row[from], begins), cellNumber(row[to], ends)];
    const name = names.map((index) => textOf(row, index, columns[index]?.type)).join(', ');
    return begin === undefined || end === undefined ? [] : [{ name, begin, end }];
  });
  const steps = [...new Set(spans.map(({ name }) => name))];
  const option: Option = {
    ...frame(properties, ink, false, 1, 'item'),
    grid: [{ left: 16, right: 24, top: properties.title === undefined ? 24 : 48, bottom: 56, containLabel: true }],
    xAxis: [axis(begins, properties.xTitle ?? '', ink)],
    yAxis: [stepAxis(steps, ink)],
    // A thick line each, from where it begins to where it ends.
    series: spans.map(({ name, begin, end }) => ({
      ...{ type: 'line', name, symbol: 'none', lineStyle: { width: 14 } },
      ...{ color: ink.palette[steps.indexOf(name) % ink.palette.length], triggerLineEvent: true },
      data: [[begin, name], [end, name]], // prettier-ignore
    })),
  };
  return { show: 'plot', option, notes: few(table, stepsMax) };
}

/** Events along the time, a line for each combination of names; the range can be narrowed. */
export function timePivot(table: ResultTable, properties: RenderProperties, ink: ChartInk): Chart {
  const { columns } = table;
  const time =
    properties.xColumn === undefined
      ? columns.findIndex(({ type }) => type === 'datetime')
      : columns.findIndex(({ name }) => name === properties.xColumn);
  if (columns[time]?.type !== 'datetime') throw new NotDrawn('timepivot needs a datetime column.');
  const named = properties.series.map((name) => columns.findIndex((column) => column.name === name));
  if (named.includes(-1)) throw new NotDrawn('timepivot: a column that series names is not in the result.');
  const names = named.length > 0 ? named : columns.flatMap(({ type }, index) => (type === 'string' ? [index] : []));
  const points = table.rows.slice(0, eventsMax).flatMap((row) => {
    const at = cellNumber(row[time], 'datetime');
    const name = names.map((index) => textOf(row, index, columns[index]?.type)).join(', ') || 'events';
    return at === undefined ? [] : [[at, name]];
  });
  const lines = [...new Set(points.map(([, name]) => name))];
  const option: Option = {
    ...frame(properties, ink, false, 1, 'item'),
    grid: [{ left: 16, right: 24, top: properties.title === undefined ? 24 : 48, bottom: 88, containLabel: true }],
    xAxis: [axis('datetime', properties.xTitle ?? columns[time].name, ink)],
    yAxis: [stepAxis(lines.slice(0, stepsMax), ink)],
    dataZoom: [{ type: 'slider', xAxisIndex: 0, bottom: 8 }],
    series: [{ type: 'scatter', symbol: 'rect', symbolSize: [3, 14], data: points.map(([at, name]) => [at, name]) }],
  };
  return { show: 'plot', option, notes: few(table, eventsMax) };
}

const stepAxis = (steps: readonly unknown[], ink: ChartInk): Option => ({
  ...{ type: 'category', inverse: true, data: steps },
  axisLabel: { color: ink.text, width: 200, overflow: 'truncate' },
});

const stepsMax = 200;
const eventsMax = 20_000;

const few = ({ rows }: ResultTable, max: number): string[] =>
  rows.length > max ? [`Only the first ${String(max)} rows are drawn.`] : [];

const textOf = (row: Row, index: number, type: KqlType | undefined): string =>
  cellText(row[index], type ?? 'string') || '(empty)';

function axis(type: KqlType, name: string, ink: ChartInk): Option {
  const isTime = type === 'datetime';
  return {
    ...{ type: isTime ? 'time' : 'value', scale: true, name, nameLocation: 'middle', nameGap: 30 },
    ...{ nameTextStyle: { color: ink.text }, axisLabel: { ...(isTime ? timeLabels : {}), color: ink.text } },
  };
}
