import type { ResultTable } from '../answer/answer.ts';
import type { Chart, ChartInk } from './chart.ts';
import { NotDrawn } from './chart.ts';
import { cartesian } from './cartesian.ts';
import { mapPies } from './map-pies.ts';
import { mapPoints } from './map-points.ts';
import { plotly } from './plotly-figure.ts';
import { ladder, timePivot } from './time-lines.ts';
import { pie, treemap } from './shares.ts';
import type { RenderProperties } from './render-properties.ts';
import { readRenderProperties } from './render-properties.ts';

type Draw = (table: ResultTable, properties: RenderProperties, ink: ChartInk) => Chart;

/** What each kind that `render` knows is drawn by. One that is not here is refused by its name.
 * @see the table of visualizations of the render operator in the KQL reference */
const kinds: Readonly<Record<string, Draw>> = {
  __proto__: null as never,
  table: () => ({ show: 'table' }),
  anomalychart: cartesian,
  areachart: cartesian,
  barchart: cartesian,
  card: cards,
  columnchart: cartesian,
  ladderchart: ladder,
  linechart: cartesian,
  piechart: (table, properties, ink) => (properties.kind === 'map' ? mapPies : pie)(table, properties, ink),
  pivotchart: () => ({ show: 'pivot' }),
  plotly,
  scatterchart: (table, properties, ink) => (properties.kind === 'map' ? mapPoints : cartesian)(table, properties, ink),
  stackedareachart: cartesian,
  timechart: cartesian,
  timepivot: timePivot,
  treemap,
};

/** @param table with the bag of its `render`, or without: then it is a table
 * @returns the chart, or the table with the reason why there is none */
export function chartOf(table: ResultTable, ink: ChartInk): Chart {
  if (table.visualization === undefined) return { show: 'table' };
  const properties = readRenderProperties(table.visualization);
  const draw = kinds[properties.visualization];
  try {
    if (draw === undefined) return notBuilt(properties.visualization);
    if (properties.visualization === 'table') return { show: 'table' };
    const unknown = unknownKind(properties);
    if (unknown !== undefined) throw new NotDrawn(unknown);
    if (table.rows.length === 0) throw new NotDrawn('There is no row to draw.');
    return draw(table, properties, ink);
  } catch (error) {
    if (error instanceof NotDrawn) return { show: 'table', reason: error.message };
    throw error;
  }
}

/** Names that the language knows and the reference does not list; the official package hides this one from its completions.
 * @see "Graph visualization with Kusto Explorer" in the KQL reference */
const notBuilt = (name: string): never => {
  throw new NotDrawn(undocumented[name] ?? `'render ${name}' is not drawn by this portal.`);
};
const undocumented: Readonly<Record<string, string>> = {
  __proto__: null as never,
  graph:
    "'render graph' is none of the documented visualizations: graphs are drawn by Kusto Explorer, of a query that ends with make-graph. The table has the rows.",
};

/** As documented: stacks are of areas, bars and columns, maps of points and pies. */
function unknownKind({ visualization, kind }: RenderProperties): string | undefined {
  const stacks = ['areachart', 'barchart', 'columnchart', 'stackedareachart'].includes(visualization);
  const known = ['default', ...(stacks ? ['unstacked', 'stacked', 'stacked100'] : [])];
  if (visualization === 'scatterchart' || visualization === 'piechart') known.push('map');
  return known.includes(kind) ? undefined : `'render ${visualization}' has no kind '${kind}'.`;
}

/** The first row, a card a column. */
function cards({ columns, rows }: ResultTable, { title }: RenderProperties): Chart {
  const row = rows[0] ?? [];
  const all = columns.map(({ name, type }, index) => ({ label: name, type, value: row[index] ?? null }));
  return { show: 'cards', ...(title === undefined ? {} : { title }), cards: all };
}
