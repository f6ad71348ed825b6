import type { ResultTable } from '../answer/answer.ts';
import { cellNumber, cellText, isNumeric } from '../answer/cell-text.ts';
import type { Chart, ChartInk } from './chart.ts';
import { NotDrawn, seriesMax } from './chart.ts';
import { chartColumns } from './chart-columns.ts';
import { frame } from './chart-frame.ts';
import { categoryText } from './chart-series.ts';
import type { RenderProperties } from './render-properties.ts';

/** The first column names the slices, the numeric one is their size; slices of one name are one. */
export function pie(table: ResultTable, properties: RenderProperties, ink: ChartInk): Chart {
  const { x, y, series } = chartColumns(table, { ...properties, visualization: 'piechart' });
  const [value = -1] = y;
  const named = [...new Set([x, ...(properties.series.length > 0 ? series : [])])];
  const sizes = new Map<string, number>();
  for (const row of table.rows) {
    const name = named
      .map((index) => categoryText(row[index] ?? null, table.columns[index]?.type ?? 'string'))
      .join(', ');
    const size = cellNumber(row[value], table.columns[value]?.type ?? 'real');
    if (size !== undefined && size > 0) sizes.set(name, (sizes.get(name) ?? 0) + size);
  }
  if (sizes.size === 0) throw new NotDrawn('piechart needs values above zero.');
  const slices = [...sizes].map(([name, size]) => ({ name, value: size }));
  const option = {
    ...frame(properties, ink, true, 1, 'item'),
    series: [
      {
        ...{ type: 'pie', name: table.columns[value]?.name ?? '', radius: '65%', center: ['50%', '58%'] },
        ...{ data: slices.slice(0, seriesMax), label: { color: ink.text, formatter: '{b}: {d}%' } },
      },
    ],
  };
  const few = slices.length > seriesMax ? [`Only the first ${String(seriesMax)} slices are drawn.`] : [];
  return {
    show: 'plot',
    option,
    notes: [...few, ...(y.length > 1 ? ['Only the first numeric column is drawn.'] : [])],
  };
}

interface Branch {
  readonly name: string;
  value: number;
  readonly children: Branch[];
}

/** Columns that are no numbers are levels, from the left; the first numeric column is the size. */
export function treemap(table: ResultTable, properties: RenderProperties, ink: ChartInk): Chart {
  const index = table.columns.findIndex(({ type }) => isNumeric(type));
  const { series, y } =
    properties.series.length > 0 || properties.yColumns.length > 0
      ? chartColumns(table, { ...properties, visualization: 'treemap' })
      : { series: table.columns.flatMap(({ type }, at) => (isNumeric(type) ? [] : [at])), y: [index] };
  const [value = -1] = y;
  if (value < 0) throw new NotDrawn('treemap needs a numeric column for its sizes.');
  const levels = series.length > 0 ? series : [table.columns.findIndex((_, at) => at !== value)];
  const root: Branch = { name: '', value: 0, children: [] };
  const found = new Map<string, Branch>();
  for (const row of table.rows.slice(0, leavesMax)) {
    const size = cellNumber(row[value], table.columns[value]?.type ?? 'real') ?? 0;
    let [branch, path] = [root, ''];
    for (const level of levels) {
      const name = cellText(row[level], table.columns[level]?.type ?? 'string') || '(empty)';
      path += `\u0000${name}`;
      const known = found.get(path) ?? { name, value: 0, children: [] };
      if (!found.has(path)) {
        found.set(path, known);
        branch.children.push(known);
      }
      branch = known;
      branch.value += Math.max(0, size);
    }
  }
  const common = { type: 'treemap', name: table.columns[value]?.name ?? '', data: root.children };
  const look = {
    ...{ roam: false, nodeClick: false, breadcrumb: { show: false }, top: properties.title === undefined ? 8 : 48 },
    ...{ left: 8, right: 8, bottom: 8, label: { formatter: '{b}' } },
    upperLabel: { show: levels.length > 1, height: 22, color: ink.text },
    levels: [{ itemStyle: { gapWidth: 4 } }, { colorSaturation: [0.35, 0.6], itemStyle: { gapWidth: 1 } }],
  };
  const notes = table.rows.length > leavesMax ? [`Only the first ${String(leavesMax)} rows are drawn.`] : [];
  return {
    show: 'plot',
    option: { ...frame(properties, ink, false, 1, 'item'), series: [{ ...common, ...look }] },
    notes,
  };
}

const leavesMax = 5_000;
