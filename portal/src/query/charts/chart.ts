import type { Cell, KqlType } from '../answer/answer.ts';
import type { PlotlyFigure } from './plotly-figure.ts';

/** An option of ECharts, as data: what is pure here does not load the library. */
export type Option = Readonly<Record<string, unknown>>;

/** How a result is to be shown. Only `plot` needs ECharts; its option holds data alone, no functions of the page. */
export type Chart =
  | { readonly show: 'plot'; readonly option: Option; readonly notes: readonly string[] }
  /** Drawn by Plotly, which is loaded with the first one. */
  | { readonly show: 'plotly'; readonly figure: PlotlyFigure; readonly notes: readonly string[] }
  | { readonly show: 'cards'; readonly title?: string; readonly cards: readonly Card[] }
  /** What goes where is chosen by who looks. */
  | { readonly show: 'pivot' }
  /** @property reason why no chart is drawn; absent if none was asked for */
  | { readonly show: 'table'; readonly reason?: string };

export interface Card {
  readonly label: string;
  readonly value: Cell;
  readonly type: KqlType;
}

/** Why something asked for cannot be drawn; shown above the table. */
export class NotDrawn extends Error {}

/** Colours of the page: charts take no colour from anywhere else. */
export interface ChartInk {
  readonly text: string;
  readonly line: string;
  readonly surface: string;
  readonly palette: readonly string[];
}

/** What a chart may hold, so that a browser can draw it; the rest is said in a note. */
export const seriesMax = 100;
export const pointsMax = 200_000;
export const categoriesMax = 5_000;
