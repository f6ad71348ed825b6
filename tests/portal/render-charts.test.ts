import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Cell, KqlType, ResultTable } from '../../portal/src/query/answer/answer.ts';
import type { Chart, Option } from '../../portal/src/query/charts/chart.ts';
import { chartOf } from '../../portal/src/query/charts/chart-of.ts';
import type { Aggregate } from '../../portal/src/query/charts/pivot.ts';
import { firstChoice, pivoted } from '../../portal/src/query/charts/pivot.ts';
import { portalCanBeSeen } from '../support/portal-browser.ts';

/** Examples of the pages of the KQL reference on `render` and its visualizations, over a few rows of the shape that each gives. */
describe('render is drawn as documented:', () => {
  it('a column chart of events by state', () => {
    const option = plot(byState, { Visualization: 'columnchart' });
    expect(at(option, 'xAxis.0')).toMatchObject({ type: 'category', data: ['TEXAS', 'KANSAS', 'IOWA'], name: 'State' });
    expect(series(option)).toMatchObject([
      { type: 'bar', name: 'event_count', data: [['TEXAS', 4701], ['KANSAS', 3166], ['IOWA', 2337]] }, // prettier-ignore
    ]);
  });

  it('a bar chart lies on its side, the first row on top', () => {
    const option = plot(byState, { Visualization: 'barchart', Title: 'Storm count by state', YTitle: 'Storms' });
    expect(at(option, 'yAxis.0')).toMatchObject({ type: 'category', inverse: true, data: ['TEXAS', 'KANSAS', 'IOWA'] });
    expect(at(option, 'xAxis.0')).toMatchObject({ type: 'value', name: 'Storms' });
    expect(series(option)[0]?.['data']).toContainEqual([4701, 'TEXAS']);
    expect(at(option, 'title')).toMatchObject({ text: 'Storm count by state' });
  });

  it('a stacked bar chart has one stack', () => {
    const option = plot(byStateAndType, { Visualization: 'barchart', Kind: 'stacked' });
    expect(series(option).map(({ name, stack }) => [name, stack])).toEqual([
      ['Hail', 'stack 0'],
      ['Flood', 'stack 0'],
    ]);
  });

  it('a column chart of stacked100 has shares that sum up to a hundred', () => {
    const option = plot(byStateAndType, { Visualization: 'columnchart', Kind: 'stacked100' });
    const [hail, flood] = series(option).map(({ data }) => (data as [string, number][])[0]?.[1] ?? 0);
    expect([hail, flood]).toEqual([75, 25]);
    expect(at(option, 'yAxis.0')).toMatchObject({ max: 100 });
  });

  it('an unstacked column chart has its bars side by side', () => {
    const option = plot(byStateAndType, { Visualization: 'columnchart', Kind: 'unstacked' });
    expect(series(option).every(({ stack }) => stack === undefined)).toBe(true);
  });

  it('a line chart of sine and cosine has a line for each numeric column', () => {
    const rows = [0, 0.5, 1].map((x) => [x, Math.sin(x), Math.cos(x)]);
    const option = plot(table({ x: 'real', sine: 'real', cosine: 'real' }, rows), { Visualization: 'linechart' });
    expect(at(option, 'xAxis.0')).toMatchObject({ type: 'value' });
    expect(series(option).map(({ name, type }) => [name, type])).toEqual([
      ['sine', 'line'],
      ['cosine', 'line'],
    ]);
    expect(at(option, 'legend')).toBeDefined();
  });

  it('a line chart with a logarithmic axis leaves out what is not above zero, and says so', () => {
    const chart = draw(table({ x: 'long', y: 'long' }, [[1, 10], [2, 0], [3, 1000]]), { Visualization: 'linechart', YAxis: 'log' }); // prettier-ignore
    expect(at(optionOf(chart), 'yAxis.0')).toMatchObject({ type: 'log' });
    expect(series(optionOf(chart))[0]?.['data']).toEqual([[1, 10], [2, null], [3, 1000]]); // prettier-ignore
    expect(chart).toMatchObject({ notes: [expect.stringContaining('logarithmic')] });
  });

  it('a time chart of a series over bins has time below, in the order of time', () => {
    const option = plot(perDay, { Visualization: 'timechart' });
    expect(at(option, 'xAxis.0')).toMatchObject({ type: 'time', name: 'StartTime' });
    const times = (series(option)[0]?.['data'] as [number, number][]).map(([x]) => x);
    expect(times).toEqual(['2007-01-01', '2007-01-02', '2007-01-03'].map((day) => Date.parse(day)));
  });

  it.skipIf(!portalCanBeSeen).each(['timechart', 'timepivot'])(
    'the days below a %s have their month and their year',
    (kind) => {
      const days = table({ When: 'datetime', n: 'long' }, [['2026-11-24T00:00:00Z', 1], ['2026-12-03T00:00:00Z', 2]]); // prettier-ignore
      const labels = labelsBelow(plot(days, { Visualization: kind }));
      expect(labels).toEqual(expect.arrayContaining(['2026-11-25', '2026-12-01', '2026-12-02']));
      expect(labels.filter((label) => !/^2026-1[12]-\d\d$/.test(label))).toEqual([]);
    },
  );

  it('a time chart has a line for each combination of its series columns', () => {
    const day = '2007-01-01T00:00:00.0000000Z';
    const rows = [[day, 'TEXAS', 'Hail', 4], [day, 'TEXAS', 'Flood', 2], [day, 'IOWA', 'Hail', 1]]; // prettier-ignore
    const wide = table({ StartTime: 'datetime', State: 'string', EventType: 'string', n: 'long' }, rows);
    const named = plot(wide, { Visualization: 'timechart', Series: 'State,EventType' });
    expect(series(named).map(({ name }) => name)).toEqual(['TEXAS, Hail', 'TEXAS, Flood', 'IOWA, Hail']);
    const one = plot(wide, { Visualization: 'timechart', Series: 'State' });
    expect(series(one).map(({ name }) => name)).toEqual(['TEXAS', 'IOWA']);
  });

  it('a time chart of make-series takes arrays apart', () => {
    const times = ['2017-01-05T00:00:00.0000000Z', '2017-01-05T02:00:00.0000000Z'];
    const rows = [['US', times, [10, 12]], ['UK', times, [3, 4]]]; // prettier-ignore
    const made = table({ Country: 'string', TimeStamp: 'dynamic', num: 'dynamic' }, rows);
    const option = plot(made, { Visualization: 'timechart', Title: 'Web app traffic' });
    expect(at(option, 'xAxis.0')).toMatchObject({ type: 'time' });
    expect(series(option)).toMatchObject([
      { name: 'US', data: [[Date.parse(times[0] ?? ''), 10], [Date.parse(times[1] ?? ''), 12]] }, // prettier-ignore
      { name: 'UK' },
    ]);
  });

  it('multiple y-axes: ysplit=axes gives each series one of its own', () => {
    const option = plot(minMax, { Visualization: 'timechart', YColumns: 'min,max', YSplit: 'axes' });
    expect((option['yAxis'] as Option[]).map(({ name }) => name)).toEqual(['min', 'max']);
    expect(series(option).map(({ yAxisIndex }) => yAxisIndex)).toEqual([undefined, 1]);
  });

  it('ysplit=panels gives each y column a chart of its own', () => {
    const option = plot(minMax, { Visualization: 'timechart', YColumns: 'min,max', YSplit: 'panels' });
    expect(option['grid']).toHaveLength(2);
    expect(series(option)).toMatchObject([{ xAxisIndex: 0, yAxisIndex: 0 }, { xAxisIndex: 1, yAxisIndex: 1 }]); // prettier-ignore
  });

  it('an anomaly chart marks the points whose flag is not zero', () => {
    const times = [0, 2, 4].map((hour) => `2017-01-05T0${String(hour)}:00:00.0000000Z`);
    const made = table(
      { TimeStamp: 'dynamic', num: 'dynamic', anomalies: 'dynamic', score: 'dynamic', baseline: 'dynamic' },
      [[times, [10, 99, 11], [0, 1, 0], [0, 8.5, 0], [10, 10, 11]]],
    );
    const option = plot(made, {
      ...{ Visualization: 'anomalychart', AnomalyColumns: 'anomalies', YColumns: 'num', Title: 'Web app traffic' },
    });
    expect(series(option)).toMatchObject([
      { type: 'line', name: 'num' },
      { type: 'scatter', name: 'num (anomalies)', data: [[Date.parse(times[1] ?? ''), 99]] },
    ]);
  });

  it('an area chart accumulates when asked to', () => {
    const option = plot(perDay, { Visualization: 'areachart', Accumulate: true });
    expect((series(option)[0]?.['data'] as [number, number][]).map(([, y]) => y)).toEqual([10, 30, 60]);
    expect(series(option)[0]).toHaveProperty('areaStyle');
  });

  it('a stacked area chart stacks', () => {
    const option = plot(minMax, { Visualization: 'stackedareachart', Legend: 'hidden' });
    expect(series(option).map(({ stack }) => stack)).toEqual(['stack 0', 'stack 0']);
    expect(option).not.toHaveProperty('legend');
  });

  it('a pie chart has a slice for each name', () => {
    const option = plot(byState, { Visualization: 'piechart', Title: 'Storm events' });
    expect(series(option)[0]).toMatchObject({ type: 'pie', data: [{ name: 'TEXAS', value: 4701 }, { name: 'KANSAS' }, { name: 'IOWA' }] }); // prettier-ignore
  });

  it('a scatter chart keeps within the limits that it was given', () => {
    const option = plot(table({ x: 'long', y: 'long' }, [[1, 2], [3, 4]]), { Visualization: 'scatterchart', Ymin: 0, Ymax: 50, XTitle: 'Injuries' }); // prettier-ignore
    expect(series(option)).toMatchObject([{ type: 'scatter', data: [[1, 2], [3, 4]] }]); // prettier-ignore
    expect(at(option, 'yAxis.0')).toMatchObject({ min: 0, max: 50 });
    expect(at(option, 'xAxis.0')).toMatchObject({ name: 'Injuries' });
  });

  it('points on a map, from columns or from GeoJSON', () => {
    const columns = table({ BeginLon: 'real', BeginLat: 'real', EventType: 'string' }, [[-98.3, 26.4, 'Hail']]);
    expect(series(plot(columns, { Visualization: 'scatterchart', Kind: 'map' }))).toMatchObject([
      { name: 'Hail', data: [[-98.3, 26.4]] },
    ]);
    const geo = table({ point: 'dynamic' }, [[{ type: 'Point', coordinates: [12.5, 41.9] }]]);
    const chart = draw(geo, { Visualization: 'scatterchart', Kind: 'map' });
    expect(series(optionOf(chart))).toMatchObject([{ data: [[12.5, 41.9]] }]);
    expect(chart).toMatchObject({ notes: [expect.stringContaining('no map')] });
  });

  it('pies on a map, one a place, as large as what is there', () => {
    const columns = { lon: 'real', lat: 'real', EventType: 'string', n: 'long' } as const;
    const rows = [[-90, 30, 'Hail', 3], [-90, 30, 'Flood', 1], [-90, 30, 'Hail', 1], [-80, 40, 'Hail', 1.25], [null, 1, 'Hail', 9]]; // prettier-ignore
    const chart = draw(table(columns, rows), { Visualization: 'piechart', Kind: 'map' });
    const [first, second] = series(optionOf(chart));
    expect(first).toMatchObject({
      type: 'pie',
      data: [
        { name: 'Hail', value: 4 },
        { name: 'Flood', value: 1 },
      ],
    });
    expect(second).toMatchObject({ data: [{ name: 'Hail', value: 1.25 }] });
    expect([first?.['radius'], second?.['radius']]).toEqual([34, 21]);
    // Both at a tenth of the axes, whose ends are an eighth of the places' distance farther out.
    expect(first?.['center']).toEqual(['16.8%', '79%']);
    expect(second?.['center']).toEqual(['87.2%', '23%']);
    expect(at(optionOf(chart), 'xAxis.0')).toMatchObject({ min: -91.25, max: -78.75 });
    expect(chart).toMatchObject({ notes: [expect.stringContaining('no map'), expect.stringContaining('1 rows')] });
    const colors = series(optionOf(chart)).map(({ data }) => (data as Option[])[0]?.['itemStyle']);
    expect(colors[0]).toEqual(colors[1]);
  });

  it('a pivot chart is a table to pivot: sums of a column, by one down and one across', () => {
    expect(draw(byStateAndType, { Visualization: 'pivotchart' })).toEqual({ show: 'pivot' });
    const first = firstChoice(byStateAndType);
    expect(first).toEqual({ rows: 0, columns: 1, values: 2, aggregate: 'Sum' });
    const { table: made, left } = pivoted(byStateAndType, first);
    expect(made.columns.map(({ name }) => name)).toEqual(['State', 'Hail', 'Flood']);
    expect(made.rows).toEqual([['TEXAS', 3, 1], ['IOWA', 2, null]]); // prettier-ignore
    expect(left).toBe(0);
    const of = (aggregate: Aggregate): readonly unknown[] =>
      pivoted(byStateAndType, { rows: 1, columns: undefined, values: 2, aggregate }).table.rows;
    expect(of('Count')).toEqual([['Hail', 2], ['Flood', 1]]); // prettier-ignore
    expect(of('Average')).toEqual([['Hail', 2.5], ['Flood', 1]]); // prettier-ignore
    expect([of('Least')[0], of('Most')[0]]).toEqual([['Hail', 2], ['Hail', 3]]); // prettier-ignore
    const many = table(
      { a: 'string', b: 'string' },
      Array.from({ length: 130 }, (_, n) => ['x', `b${String(n)}`]),
    );
    expect(pivoted(many, firstChoice(many)).left).toBe(30);
  });

  it('a card shows the first row', () => {
    const one = table({ Events: 'long', Last: 'datetime' }, [[59066, '2007-12-31T23:53:00.0000000Z'], [1, null]]); // prettier-ignore
    expect(draw(one, { Visualization: 'card', Title: 'Storms' })).toMatchObject({
      ...{ show: 'cards', title: 'Storms' },
      cards: [{ label: 'Events', value: 59066 }, { label: 'Last' }],
    });
  });

  it('a treemap nests its columns', () => {
    const option = plot(byStateAndType, { Visualization: 'treemap', Title: 'Storm Events by EventType and State' });
    expect(series(option)[0]).toMatchObject({
      type: 'treemap',
      data: [{ name: 'TEXAS', value: 4, children: [{ name: 'Hail', value: 3 }, { name: 'Flood', value: 1 }] }, { name: 'IOWA' }], // prettier-ignore
    });
  });

  it('a ladder chart spans from the one of its last two columns to the other', () => {
    const day = (n: number): string => `2007-01-0${String(n)}T00:00:00.0000000Z`;
    const spans = table({ State: 'string', Begin: 'datetime', End: 'datetime' }, [['TEXAS', day(1), day(3)]]);
    const option = plot(spans, { Visualization: 'ladderchart' });
    const [begin, end] = [Date.parse(day(1)), Date.parse(day(3))];
    expect(series(option)).toMatchObject([{ name: 'TEXAS', data: [[begin, 'TEXAS'], [end, 'TEXAS']] }]); // prettier-ignore
  });

  it('a time pivot has a line of events for each name', () => {
    const events = table({ At: 'datetime', Level: 'string' }, [['2026-01-01T00:00:00Z', 'Info'], ['2026-01-01T00:01:00Z', 'Error']]); // prettier-ignore
    const option = plot(events, { Visualization: 'timepivot' });
    expect(at(option, 'yAxis.0')).toMatchObject({ data: ['Info', 'Error'] });
    expect(option).toHaveProperty('dataZoom');
  });
});

describe('what cannot be drawn is a table that says why:', () => {
  it.each([
    [
      { Visualization: 'graph' },
      "'render graph' is none of the documented visualizations: graphs are drawn by Kusto Explorer, of a query that ends with make-graph. The table has the rows.",
    ],
    [
      { Visualization: 'plotly' },
      "'render plotly' is not drawn: it needs one row of one column, a text of Plotly JSON.",
    ],
    [{ Visualization: 'constructor' }, "'render constructor' is not drawn by this portal."],
    [{ Visualization: 'piechart', Kind: 'map' }, 'piechart with kind=map needs columns longitude and latitude, or GeoJSON points.'], // prettier-ignore
    [{ Visualization: 'timechart' }, 'timechart needs a datetime column for its x-axis.'],
    [{ Visualization: 'linechart', XColumn: 'Nothing' }, "There is no column 'Nothing' in the result."],
    [{ Visualization: 'linechart', Kind: 'stacked' }, "'render linechart' has no kind 'stacked'."],
    [{ Visualization: 'columnchart', YColumns: 'event_count', Kind: 'map' }, "'render columnchart' has no kind 'map'."],
  ])('%o', (bag, reason) => {
    expect(draw(byState, bag)).toEqual({ show: 'table', reason });
  });

  it('no rows, and no numbers', () => {
    expect(draw({ ...byState, rows: [] }, { Visualization: 'piechart' })).toHaveProperty('reason');
    expect(draw(table({ a: 'string', b: 'string' }, [['x', 'y']]), { Visualization: 'barchart' })).toEqual({
      show: 'table',
      reason: 'barchart needs a numeric column for its values.',
    });
  });

  it('a table, and a query without render, have no reason', () => {
    expect(draw(byState, { Visualization: 'table' })).toEqual({ show: 'table' });
    expect(chartOf(byState, ink)).toEqual({ show: 'table' });
  });
});

describe('charts are bounded, and nothing in them is HTML:', () => {
  it('series beyond a hundred are said to be left out', () => {
    const rows = Array.from({ length: 300 }, (_, n) => ['2026-01-01T00:00:00Z', `series ${String(n)}`, n]);
    const chart = draw(table({ At: 'datetime', Name: 'string', n: 'long' }, rows), { Visualization: 'timechart' });
    expect(series(optionOf(chart))).toHaveLength(100);
    expect(chart).toMatchObject({ notes: ['Only the first 100 series are drawn.'] });
  });

  it('every tip is drawn as text', () => {
    for (const Visualization of ['columnchart', 'linechart', 'piechart', 'treemap', 'scatterchart']) {
      expect(at(plot(byState, { Visualization }), 'tooltip')).toMatchObject({ renderMode: 'richText' });
    }
  });
});

const ink = { text: '#000', line: '#ccc', surface: '#fff', palette: ['#0f6cbd', '#d13438'] };

function table(columns: Readonly<Record<string, KqlType>>, rows: readonly (readonly Cell[])[]): ResultTable {
  return { name: 'PrimaryResult', columns: Object.entries(columns).map(([name, type]) => ({ name, type })), rows };
}

/** @param given what differs from the bag of a query that names only its kind */
function draw(result: ResultTable, given: Readonly<Record<string, unknown>>): Chart {
  const empty = { Title: null, XColumn: null, Series: null, YColumns: null, Accumulate: false, Kind: null };
  return chartOf({ ...result, visualization: { ...empty, Ymin: 'NaN', Ymax: 'NaN', ...given } }, ink);
}

function optionOf(chart: Chart): Option {
  if (chart.show !== 'plot') throw new Error(`Not a plot: ${JSON.stringify(chart)}`);
  return chart.option;
}

const plot = (result: ResultTable, given: Readonly<Record<string, unknown>>): Option => optionOf(draw(result, given));
const series = (option: Option): Option[] => option['series'] as Option[];
const at = (option: Option, path: string): unknown =>
  path.split('.').reduce<unknown>((value, name) => (value as Option | undefined)?.[name], option);

interface Drawing {
  setOption(option: Option): void;
  renderToSVGString(): string;
  dispose(): void;
}

/** What the library writes along the x-axis of 900 pixels. */
function labelsBelow(option: Option): string[] {
  const echarts = createRequire(join(import.meta.dirname, '../../portal/package.json'))('echarts') as {
    init(at: null, theme: null, options: object): Drawing;
  };
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 900, height: 300 });
  try {
    chart.setOption({ ...option, series: series(option), yAxis: [{ type: 'value', show: false }], dataZoom: [] });
    return [...chart.renderToSVGString().matchAll(/<text[^>]*>([^<]*\d[^<]*)</g)].map(([, label = '']) => label);
  } finally {
    chart.dispose();
  }
}

const byState = table({ State: 'string', event_count: 'long' }, [['TEXAS', 4701], ['KANSAS', 3166], ['IOWA', 2337]]); // prettier-ignore
const byStateAndType = table({ State: 'string', EventType: 'string', n: 'long' }, [
  ['TEXAS', 'Hail', 3],
  ['TEXAS', 'Flood', 1],
  ['IOWA', 'Hail', 2],
]);
const perDay = table({ StartTime: 'datetime', event_count: 'long' }, [
  ['2007-01-01T00:00:00.0000000Z', 10],
  ['2007-01-03T00:00:00.0000000Z', 30],
  ['2007-01-02T00:00:00.0000000Z', 20],
]);
const minMax = table({ At: 'datetime', min: 'real', max: 'real' }, [
  ['2007-01-01T00:00:00.0000000Z', 1, 9],
  ['2007-01-02T00:00:00.0000000Z', 2, 8],
]);
