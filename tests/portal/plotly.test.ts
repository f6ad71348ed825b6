import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cell, KqlType, ResultTable } from '../../portal/src/query/answer/answer.ts';
import type { Chart } from '../../portal/src/query/charts/chart.ts';
import { chartOf } from '../../portal/src/query/charts/chart-of.ts';
import { withoutWebGl } from '../../portal/src/query/charts/plotly-figure.ts';
import type { Page } from '../support/portal-browser.ts';
import { openPortal, portalCanBeSeen } from '../support/portal-browser.ts';

const ink = { text: '#000', line: '#ccc', surface: '#fff', palette: ['#0f6cbd', '#d13438'] };

/** The chart of a result of one cell. */
const draw = (cell: Cell, type: KqlType = 'string', rows = 1): Chart =>
  chartOf(
    {
      name: 'PrimaryResult',
      columns: [{ name: 'plotly', type }],
      rows: Array.from({ length: rows }, () => [cell]),
      visualization: { Visualization: 'plotly' },
    } satisfies ResultTable,
    ink,
  );
const figure = (given: object): ReturnType<typeof figureOf> => figureOf(draw(JSON.stringify(given)));
function figureOf(chart: Chart) {
  if (chart.show !== 'plotly') throw new Error(`Not a figure: ${JSON.stringify(chart)}`);
  return chart;
}

describe('render plotly', () => {
  it('draws the figure in the one cell, in the colors of the page where it has none', () => {
    const { figure: drawn, notes } = figure({ data: [{ x: [1, 2], y: [3, 4] }], layout: { title: { text: 'Two' }, width: 9000 } }); // prettier-ignore
    expect(drawn.data).toEqual([{ x: [1, 2], y: [3, 4] }]);
    expect(drawn.layout).toMatchObject({ title: { text: 'Two' }, paper_bgcolor: '#fff', font: { color: '#000' }, autosize: true }); // prettier-ignore
    expect(drawn.layout).not.toHaveProperty('width');
    expect(notes).toEqual([]);
    const own = figure({ data: [], layout: { template: { layout: { paper_bgcolor: 'white' } } } });
    expect(own.figure.layout).not.toHaveProperty('font');
  });

  it.each<[string, Chart, string]>([
    ['two rows', draw('{}', 'string', 2), "'render plotly' is not drawn: it needs one row of one column"],
    ['what is no text', draw({ data: [] }, 'dynamic'), "'render plotly' is not drawn: it needs one row of one column"],
    ['what is no JSON', draw('{'), 'The text is no JSON.'],
    ['what is no figure', draw('{"data": {}}'), 'The text is no figure of Plotly'],
    ['a map', draw('{"data": [{"type": "scattermap"}]}'), "Plotly's 'scattermap' is not drawn by this portal."],
    ['a picture', draw('{"data": [{"type": "image"}]}'), "Plotly's 'image' is not drawn by this portal."],
    ['an inherited name', draw('{"data": [{"type": "constructor"}]}'), "Plotly's 'constructor' is not drawn by this portal."], // prettier-ignore
    ['what is nested too deeply', draw(`{"data": [], "layout": {"x": ${'['.repeat(80)}${']'.repeat(80)}}}`), 'The figure is nested too deeply.'], // prettier-ignore
  ])('shows a table for %s, and says why', (_, chart, reason) => {
    expect(chart).toEqual({ show: 'table', reason: expect.stringContaining(reason) as string });
  });

  it('leaves links out of every text, also those that are made of what is left', () => {
    const link = '<a href="javascript:window.touched=1">press</a>';
    const { figure: drawn } = figure({
      data: [{ type: 'bar', x: [link], y: [1], hovertemplate: `<b>%{y}</b>${link}`, customdata: [[link]] }],
      layout: { title: { text: '<<a>a href="https://example.org">b</a>' }, annotations: [{ text: '<A\nHREF=x>c' }] },
    });
    expect(JSON.stringify(drawn)).not.toMatch(/<\s*a/i);
    expect(drawn.data[0]).toMatchObject({ x: ['press'], hovertemplate: '<b>%{y}</b>press', customdata: [['press']] });
    expect(drawn.layout).toMatchObject({ annotations: [{ text: 'c' }] });
  });

  it('leaves out what loads or does something, and says so', () => {
    const chart = figureOf(draw('{"data": [{}], "layout": {"images": [{"source": "https://example.org/x.png"}], "updatemenus": [], "mapbox2": {}, "__proto__": {"x": 1}}}')); // prettier-ignore
    expect(Object.keys(chart.figure.layout)).not.toEqual(expect.arrayContaining(['images']));
    expect(Object.keys(chart.figure.layout)).not.toContain('__proto__');
    expect(chart.notes).toEqual(['Left out, since it loads or does something: images, updatemenus, mapbox2.']);
  });

  it('knows which of its traces need WebGL', () => {
    const { figure: given } = figure({ data: [{ type: 'surface' }, { y: [1] }, { type: 'scattergl' }, { type: 'surface' }], layout: {} }); // prettier-ignore
    const { figure: drawn, lost } = withoutWebGl(given);
    expect([drawn.data, lost]).toEqual([[{ y: [1] }], ['surface', 'scattergl']]);
  });

  it('draws a hundred traces, and says that there are more', () => {
    const { figure: drawn, notes } = figure({ data: Array.from({ length: 120 }, () => ({ y: [1] })) });
    expect(drawn.data).toHaveLength(100);
    expect(notes).toEqual(['Only the first 100 traces are drawn.']);
  });
});

describe.skipIf(!portalCanBeSeen)('a figure of Plotly in the query page', () => {
  let portal: Awaited<ReturnType<typeof openPortal>>;
  let page: Page;

  beforeAll(async () => {
    portal = await openPortal('/query');
    page = portal.page;
    await page.locator('.monaco-editor textarea').waitFor();
  });
  afterAll(() => portal.close());

  async function run(given: object, selector: string): Promise<void> {
    await page.locator('.monaco-editor textarea').first().focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(`print plotly = '${JSON.stringify(given).replaceAll(/[\\']/g, '\\$&')}' | render plotly`); // prettier-ignore
    for (const key of ['Escape', 'Home', 'End']) await page.keyboard.press(key); // no list of completions, nor a late one
    await page.keyboard.press('Shift+Enter');
    await page.locator(`section[aria-label=Result] ${selector}`).first().waitFor();
  }

  it('is drawn under the content security policy, light and dark, with no rule of accessibility broken', async () => {
    const y = [3, 1, 2];
    await run({ data: [{ type: 'bar', x: ['a', 'b', 'c'], y }, { type: 'scatter', y }], layout: { title: { text: 'Storms' } } }, '.js-plotly-plot .bars path'); // prettier-ignore
    await page.locator('.js-plotly-plot .gtitle:has-text("Storms")').waitFor();
    for (const scheme of ['dark', 'light']) {
      await page.getByRole('button', { name: `Use ${scheme} colors` }).click();
      await page.locator('.js-plotly-plot .bars path').first().waitFor();
      expect(await portal.violations(), scheme).toEqual([]);
    }
    expect(portal.complaints).toEqual([]);
  });

  it('names what it cannot draw in a browser without WebGL, and draws the rest', async () => {
    await page.evaluate(`HTMLCanvasElement.prototype.getContext = new Proxy(HTMLCanvasElement.prototype.getContext, {
      apply: (get, canvas, given) => (String(given[0]).includes('webgl') ? null : Reflect.apply(get, canvas, given)) })`);
    const told = (kinds: string) => `:text("Not drawn, since this browser has no WebGL: ${kinds}.")`;
    const [x, y, z] = [[1, 2], [3, 4], [[5, 6], [7, 8]]]; // prettier-ignore
    await run(
      {
        data: [
          { type: 'surface', z },
          { type: 'scattergl', x, y },
        ],
      },
      told('surface, scattergl'),
    );
    expect(await page.locator('.js-plotly-plot').count()).toBe(0);
    await run(
      {
        data: [
          { type: 'scatter3d', x, y, z: x },
          { type: 'bar', x, y },
        ],
      },
      told('scatter3d'),
    );
    await page.locator('.js-plotly-plot .bars path').first().waitFor();
    expect(await portal.violations()).toEqual([]);
    expect(portal.complaints).toEqual([]);
  });

  it('renders nothing of the data as HTML, and links nowhere', async () => {
    const hostile = '<img src=x onerror="window.touched=1"><script>window.touched=1</script><a href="javascript:window.touched=1">p</a>'; // prettier-ignore
    await run(
      {
        data: [{ type: 'bar', x: [hostile], y: [1], name: hostile, text: [hostile], hovertemplate: hostile }],
        layout: {
          title: { text: `second ${hostile}` },
          showlegend: true,
          annotations: [{ text: hostile, x: 0, y: 1 }],
        },
      },
      '.js-plotly-plot .gtitle:has-text("second")',
    );
    const box = await page.locator('.js-plotly-plot .bars path').first().boundingBox();
    await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2);
    await page.locator('.js-plotly-plot .hoverlayer text').first().waitFor();
    const found = await page.evaluate(
      `[window.touched ?? 'no', document.querySelectorAll('.js-plotly-plot :is(a, img, script, image, iframe)').length]`,
    );
    expect(found).toEqual(['no', 0]);
  });
});
