import type { ResultTable } from '../answer/answer.ts';
import type { Chart, ChartInk, Option } from './chart.ts';
import { categoriesMax } from './chart.ts';
import { chartColumns } from './chart-columns.ts';
import type { ChartSeries, SeriesSet } from './chart-series.ts';
import { chartSeries } from './chart-series.ts';
import { frame, timeLabels } from './chart-frame.ts';
import type { RenderProperties } from './render-properties.ts';

/** Charts between two axes: bars, columns, lines, areas, points; with time below or not.
 * @throws NotDrawn when the result has no columns for it */
export function cartesian(table: ResultTable, properties: RenderProperties, ink: ChartInk): Chart {
  const columns = chartColumns(table, properties);
  const set = chartSeries(table, columns, properties);
  const mark = markOf(properties);
  const categories = set.axis === 'category' ? categoriesOf(set) : undefined;
  const panels = properties.ySplit === 'panels' ? Math.min(columns.y.length, panelsMax) : 1;
  const shown = set.series.filter(({ yIndex }) => properties.ySplit !== 'panels' || yIndex < panels);
  const axes = properties.ySplit === 'axes' ? Math.min(shown.length, axesMax) : panels;
  const place = (series: ChartSeries, index: number): number =>
    properties.ySplit === 'axes' ? Math.min(index, axes - 1) : properties.ySplit === 'panels' ? series.yIndex : 0;
  const totals = mark.share ? sumsAt(shown) : undefined;
  const xName = properties.xTitle ?? table.columns[columns.x]?.name ?? '';
  const yNames = Array.from({ length: axes }, (_, index) => {
    if (properties.ySplit === 'axes') return shown[index]?.name ?? '';
    const named = panels > 1 || columns.y.length === 1 ? table.columns[columns.y[index] ?? -1]?.name : undefined;
    return (panels === 1 ? properties.yTitle : undefined) ?? named ?? '';
  });
  const xAxes = Array.from({ length: panels }, (_, index) =>
    xAxis(set.axis, categories, properties, ink, xName, index),
  );
  const yAxes = yNames.map((name, index) => yAxis(properties, ink, name, index, panels > 1 ? index : 0, mark.share));
  const series = [
    ...shown.map((one, index) => seriesOption(one, mark, place(one, index), panels, categories, totals)),
    ...set.anomalies.map((one) => anomalyOption(one, panels > 1 ? one.yIndex : 0, ink)),
  ];
  const option: Option = {
    ...frame(properties, ink, shown.length > 1 || set.anomalies.length > 0, axes),
    grid: grids(panels, properties, axes),
    xAxis: mark.turned ? yAxes : xAxes,
    yAxis: mark.turned ? xAxes.map((axis) => ({ ...axis, inverse: true })) : yAxes,
    series,
  };
  return { show: 'plot', option, notes: [...set.notes, ...notesOf(properties, set, columns.y.length, categories)] };
}

const panelsMax = 5; // as documented of ysplit
const axesMax = 5;

interface Mark {
  readonly type: 'bar' | 'line' | 'scatter';
  readonly area: boolean;
  readonly stack: boolean;
  readonly share: boolean;
  readonly turned: boolean;
}

function markOf({ visualization, kind }: RenderProperties): Mark {
  const type = /^(bar|column)chart$/.test(visualization)
    ? 'bar'
    : visualization === 'scatterchart'
      ? 'scatter'
      : 'line';
  const area = visualization.endsWith('areachart');
  const stacks = area || type === 'bar';
  const stack = visualization === 'stackedareachart' || (stacks && (kind === 'stacked' || kind === 'stacked100'));
  return { type, area, stack, share: stacks && kind === 'stacked100', turned: visualization === 'barchart' };
}

function seriesOption(
  { name, points }: ChartSeries,
  { type, area, stack, share, turned }: Mark,
  axis: number,
  panels: number,
  categories: ReadonlyMap<string, number> | undefined,
  totals: ReadonlyMap<number | string, number> | undefined,
): Option {
  const value = (x: number | string, y: number | null): number | null =>
    y === null || !share ? y : (100 * y) / (totals?.get(x) || 1);
  const kept = categories === undefined ? points : points.filter(({ x }) => categories.has(String(x)));
  // Of the horizontal kind the values lie along the x-axis.
  const data = kept.map(({ x, y }) => (turned ? [value(x, y), x] : [x, value(x, y)]));
  const axes = panels > 1 ? { xAxisIndex: axis, yAxisIndex: axis } : axis > 0 ? { yAxisIndex: axis } : {};
  const common = { name, data, ...axes, ...(stack ? { stack: `stack ${String(axis)}` } : {}) };
  if (type === 'scatter') return { ...common, type, symbolSize: 7, large: data.length > 5_000 };
  if (type === 'bar') return { ...common, type, barMaxWidth: 48 };
  return {
    ...common,
    type,
    showSymbol: data.length < 2,
    ...(stack ? {} : { sampling: 'lttb' }),
    ...(area ? { areaStyle: { opacity: stack ? 0.7 : 0.35 } } : {}),
    connectNulls: false,
  };
}

const anomalyOption = ({ name, points }: ChartSeries, axis: number, ink: ChartInk): Option => ({
  type: 'scatter',
  name,
  data: points.map(({ x, y }) => [x, y]),
  symbolSize: 10,
  itemStyle: { color: ink.palette[1] ?? '#d13438', borderColor: ink.surface, borderWidth: 1 },
  z: 5,
  ...(axis > 0 ? { xAxisIndex: axis, yAxisIndex: axis } : {}),
});

/** Each name once, in the order of its first row. */
function categoriesOf({ series }: SeriesSet): Map<string, number> {
  const places = new Map<string, number>();
  for (const { points } of series) {
    for (const { x } of points) {
      if (places.size < categoriesMax && !places.has(String(x))) places.set(String(x), places.size);
    }
  }
  return places;
}

function sumsAt(series: readonly ChartSeries[]): Map<number | string, number> {
  const sums = new Map<number | string, number>();
  for (const { x, y } of series.flatMap(({ points }) => points)) sums.set(x, (sums.get(x) ?? 0) + Math.abs(y ?? 0));
  return sums;
}

function xAxis(
  axis: SeriesSet['axis'],
  categories: ReadonlyMap<string, number> | undefined,
  properties: RenderProperties,
  ink: ChartInk,
  name: string,
  index: number,
): Option {
  const common = { name, nameLocation: 'middle', nameGap: 30, gridIndex: index, ...lines(ink) };
  if (axis === 'category')
    return {
      ...common,
      type: 'category',
      data: [...(categories?.keys() ?? [])],
      axisLabel: { ...shortLabels, color: ink.text },
    };
  const limits = {
    ...(properties.xMin === undefined ? {} : { min: properties.xMin }),
    ...(properties.xMax === undefined ? {} : { max: properties.xMax }),
  };
  if (axis === 'time') return { ...common, type: 'time', axisLabel: { ...timeLabels, color: ink.text }, ...limits };
  return properties.xLog ? { ...common, type: 'log', ...limits } : { ...common, type: 'value', scale: true, ...limits };
}

function yAxis(
  properties: RenderProperties,
  ink: ChartInk,
  name: string,
  index: number,
  gridIndex: number,
  share: boolean,
): Option {
  const limits = {
    ...(properties.yMin === undefined ? {} : { min: properties.yMin }),
    ...(properties.yMax === undefined ? (share ? { max: 100 } : {}) : { max: properties.yMax }),
  };
  const along = properties.visualization === 'barchart';
  const beside = properties.ySplit === 'axes' && index > 0 ? { position: 'right', offset: (index - 1) * 64 } : {};
  const common = {
    ...{ name: share ? `${name} (%)` : name, nameLocation: 'middle', nameGap: along ? 30 : 56, gridIndex },
    ...{ ...lines(ink), ...limits, ...(along ? {} : beside) },
  };
  return properties.yLog ? { ...common, type: 'log' } : { ...common, type: 'value' };
}

/** Names may be long: the tip and the table have all of them. */
const shortLabels = { width: 140, overflow: 'truncate', hideOverlap: true };

const lines = (ink: ChartInk) => ({
  nameTextStyle: { color: ink.text },
  axisLabel: { color: ink.text, hideOverlap: true },
  axisLine: { lineStyle: { color: ink.line } },
  splitLine: { lineStyle: { color: ink.line, opacity: 0.5 } },
});

/** One below the other, each as high as the others; room for axes at the right. */
function grids(panels: number, { title, legendHidden }: RenderProperties, axes: number): Option[] {
  const right = panels > 1 ? 24 : 24 + Math.max(0, axes - 1) * 64;
  const top = (title === undefined ? 24 : 48) + (legendHidden ? 0 : 24);
  if (panels === 1) return [{ left: 80, right, top, bottom: 64 }];
  const height = 80 / panels;
  return Array.from({ length: panels }, (_, index) => ({
    ...{ left: 80, right, top: `${String(12 + index * height)}%`, height: `${String(height - 9)}%` },
  }));
}

function notesOf(
  properties: RenderProperties,
  { axis, series, anomalies }: SeriesSet,
  yColumns: number,
  categories: ReadonlyMap<string, number> | undefined,
): string[] {
  const { visualization, ySplit, xLog, anomalyColumns } = properties;
  return [
    ...(visualization === 'anomalychart' && anomalyColumns.length === 0
      ? ['The query names no anomalycolumns, so no anomaly is marked.']
      : []),
    ...(anomalyColumns.length > 0 && anomalies.length === 0 ? ['No anomaly is among the values.'] : []),
    ...(ySplit === 'panels' && yColumns > panelsMax
      ? [`Only the first ${String(panelsMax)} columns have panels.`]
      : []),
    ...(ySplit === 'axes' && series.length > axesMax ? [`Series beyond the ${String(axesMax)}th share its axis.`] : []),
    ...(xLog && axis !== 'value' ? ['A logarithmic x-axis needs numbers; this one is linear.'] : []),
    ...((categories?.size ?? 0) >= categoriesMax ? [`Only the first ${String(categoriesMax)} names are drawn.`] : []),
  ];
}
