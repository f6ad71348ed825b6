import type { ResultTable } from '../answer/answer.ts';
import { isRecord } from '../answer/exact-json.ts';
import type { Chart, ChartInk } from './chart.ts';
import { NotDrawn, seriesMax } from './chart.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What Plotly draws: data alone, and nothing in it leads anywhere. */
export interface PlotlyFigure {
  readonly data: readonly Fields[];
  readonly layout: Fields;
}

/** Kinds of traces that need nothing but the figure. Maps and pictures are loaded from other hosts. */
const traceTypes: ReadonlySet<unknown> = new Set([
  ...['bar', 'barpolar', 'box', 'candlestick', 'carpet', 'cone', 'contour', 'contourcarpet', 'funnel', 'funnelarea'],
  ...['heatmap', 'histogram', 'histogram2d', 'histogram2dcontour', 'icicle', 'indicator', 'isosurface', 'mesh3d'],
  ...['ohlc', 'parcats', 'parcoords', 'pie', 'sankey', 'scatter', 'scatter3d', 'scattercarpet', 'scattergl'],
  ...['scatterpolar', 'scatterpolargl', 'scattersmith', 'scatterternary', 'splom', 'streamtube', 'sunburst'],
  ...['surface', 'table', 'treemap', 'violin', 'volume', 'waterfall'],
]);
/** Those among them that are drawn by WebGL, which a browser may not have; everything else that is drawn here needs none. */
const webGlTypes: ReadonlySet<unknown> = new Set([
  ...['cone', 'isosurface', 'mesh3d', 'parcoords', 'scatter3d', 'scattergl', 'scatterpolargl', 'splom', 'streamtube'],
  ...['surface', 'volume'],
]);
/** What of a layout loads something, or does something when it is pressed; sizes are the page's. */
const leftOut = ['images', 'updatemenus', 'sliders', 'geo', 'map', 'mapbox'] as const;

const charactersMax = 10_000_000;
const depthMax = 60;

/** `render plotly`: one row of one column, a text with the JSON of a figure of Plotly.
 * @see "Plotly (preview)" in the KQL reference */
export function plotly({ columns, rows }: ResultTable, _: unknown, ink: ChartInk): Chart {
  const [column, ...others] = columns;
  const text = rows[0]?.[0];
  if (rows.length !== 1 || others.length > 0 || column?.type !== 'string' || typeof text !== 'string') {
    throw new NotDrawn("'render plotly' is not drawn: it needs one row of one column, a text of Plotly JSON.");
  }
  if (text.length > charactersMax) throw new NotDrawn('The figure has more than 10,000,000 characters.');
  const figure = parsed(text);
  const data = isRecord(figure) ? figure['data'] : undefined;
  if (!isRecord(figure) || !Array.isArray(data) || !data.every(isRecord)) {
    throw new NotDrawn('The text is no figure of Plotly: an object with a list of data.');
  }
  const unknown = data.map(({ type }) => type ?? 'scatter').find((type) => !traceTypes.has(type));
  if (unknown !== undefined) {
    throw new NotDrawn(
      `Plotly's ${typeof unknown === 'string' ? `'${unknown}'` : 'trace'} is not drawn by this portal.`,
    );
  }
  const layout = isRecord(figure['layout']) ? harmless(figure['layout']) : {};
  const { template } = layout as { readonly template?: { readonly layout?: Fields } };
  const inks = { paper_bgcolor: ink.surface, plot_bgcolor: ink.surface, font: { color: ink.text }, colorway: ink.palette }; // prettier-ignore
  const isDressed = 'paper_bgcolor' in layout || template?.layout?.['paper_bgcolor'] !== undefined;
  const kept = Object.entries(layout).filter(([name]) => !isLeftOut(name) && name !== 'width' && name !== 'height');
  const lost = Object.keys(layout).filter(isLeftOut);
  return {
    show: 'plotly',
    figure: {
      data: data.slice(0, seriesMax).map((trace) => harmless(trace)),
      layout: { ...(isDressed ? {} : inks), ...Object.fromEntries(kept), autosize: true },
    },
    notes: [
      ...(data.length > seriesMax ? [`Only the first ${String(seriesMax)} traces are drawn.`] : []),
      ...(lost.length > 0 ? [`Left out, since it loads or does something: ${lost.join(', ')}.`] : []),
    ],
  };
}

/** What can be drawn without WebGL. @returns also the kinds of traces that cannot, each once */
export function withoutWebGl({ data, layout }: PlotlyFigure): { figure: PlotlyFigure; lost: readonly string[] } {
  const lost = data.filter(({ type }) => webGlTypes.has(type));
  const drawn = data.filter((trace) => !lost.includes(trace));
  return { figure: { data: drawn, layout }, lost: [...new Set(lost.map(({ type }) => String(type)))] };
}

/** Also `mapbox2` and the like. */
const isLeftOut = (name: string): boolean => leftOut.some((one) => new RegExp(`^${one}\\d*$`).test(name));

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new NotDrawn('The text is no JSON.');
  }
}

/** Plotly makes bold words, lines and links of what looks like HTML in its texts. Links go: nothing of the data leads anywhere. */
function harmless(fields: Fields, depth = 0): Fields {
  if (depth > depthMax) throw new NotDrawn('The figure is nested too deeply.');
  const of = (value: unknown): unknown =>
    typeof value === 'string'
      ? unlinked(value)
      : Array.isArray(value)
        ? harmlessList(value, depth)
        : isRecord(value)
          ? harmless(value, depth + 1)
          : value;
  const names = Object.entries(fields).filter(([name]) => !['__proto__', 'constructor', 'prototype'].includes(name));
  return Object.fromEntries(names.map(([name, value]) => [name, of(value)]));
}

const harmlessList = (list: readonly unknown[], depth: number): unknown =>
  Object.values(harmless(Object.fromEntries(list.entries()), depth + 1));

const link = /<\s*\/?\s*a\b[^>]*>?/gi;

function unlinked(text: string): string {
  let [before, after] = ['', text];
  // What is left may make another one: `<<a>a href=…>`.
  while (before !== after && after.includes('<')) [before, after] = [after, after.replace(link, '')];
  return after;
}
