import type { ResultTable } from '../answer/answer.ts';
import { cellNumber, cellText, isNumeric } from '../answer/cell-text.ts';
import type { Chart, ChartInk, Option } from './chart.ts';
import { NotDrawn, seriesMax } from './chart.ts';
import { frame } from './chart-frame.ts';
import { placesIn } from './map-points.ts';
import type { RenderProperties } from './render-properties.ts';

/** Of the whole picture: pies are placed by shares of it, as axes are. */
const area = { left: 8, right: 4, top: 16, bottom: 14 };
/** Pies of more places hide each other. */
const placesMax = 100;
const radiusPx = { least: 8, most: 34 };

/** `piechart` of kind `map`: longitude and latitude, or GeoJSON points, a column that colors the slices, and a number that is their size.
 * The area of a pie is the sum at its place. */
export function mapPies(table: ResultTable, properties: RenderProperties, ink: ChartInk): Chart {
  const { place, taken, rest } = placesIn(table, properties, 'piechart');
  const size = table.columns.findIndex(({ type }, index) => isNumeric(type) && !taken.includes(index));
  if (size < 0) throw new NotDrawn('piechart with kind=map needs a numeric column for its sizes.');
  const pies = new Map<string, { at: [number, number]; slices: Map<string, number> }>();
  let left = 0;
  for (const row of table.rows) {
    const at = place(row);
    const value = cellNumber(row[size], table.columns[size]?.type ?? 'real');
    const name = rest.map((index) => cellText(row[index], table.columns[index]?.type ?? 'string')).join(', ');
    const known = at === undefined ? undefined : pies.get(at.join());
    if (at === undefined || value === undefined || value <= 0 || (known === undefined && pies.size >= placesMax)) {
      left += 1;
      continue;
    }
    const pie = known ?? { at, slices: new Map<string, number>() };
    pies.set(at.join(), pie);
    pie.slices.set(name, (pie.slices.get(name) ?? 0) + value);
  }
  const all = [...pies.values()].map((pie) => ({ ...pie, sum: [...pie.slices.values()].reduce((a, b) => a + b, 0) }));
  if (all.length === 0) throw new NotDrawn('piechart with kind=map needs values above zero, at places.');
  const names = [...new Set(all.flatMap(({ slices }) => [...slices.keys()]))];
  const [x, y] = [axisOf(all.map(({ at }) => at[0])), axisOf(all.map(({ at }) => at[1]))];
  const most = Math.max(...all.map(({ sum }) => sum));
  const degrees = { type: 'value', axisLabel: { color: ink.text, formatter: '{value}°' } };
  const named = { nameLocation: 'middle', nameGap: 30, nameTextStyle: { color: ink.text } };
  const option: Option = {
    ...frame(properties, ink, names.length > 1, 1, 'item'),
    grid: [Object.fromEntries(Object.entries(area).map(([side, share]) => [side, `${String(share)}%`]))],
    xAxis: [{ ...degrees, ...named, ...x, name: properties.xTitle ?? 'Longitude' }],
    yAxis: [{ ...degrees, ...named, ...y, nameGap: 48, name: properties.yTitle ?? 'Latitude' }],
    series: all.map(({ at, slices, sum }) => ({
      ...{ type: 'pie', name: at.map((degree) => `${String(degree)}°`).join(', ') },
      center: [
        share((at[0] - x.min) / (x.max - x.min), area.left, area.right),
        share((y.max - at[1]) / (y.max - y.min), area.top, area.bottom),
      ],
      radius: radiusPx.least + (radiusPx.most - radiusPx.least) * Math.sqrt(sum / most),
      label: { show: false },
      labelLine: { show: false },
      data: [...slices].slice(0, seriesMax).map(([name, value]) => ({
        ...{ name, value },
        itemStyle: { color: ink.palette[names.indexOf(name) % ink.palette.length] },
      })),
    })),
  };
  const lost = left === 0 ? [] : [`${String(left)} rows have no place or no size, or are beyond the ${String(placesMax)} places that are drawn.`]; // prettier-ignore
  return {
    show: 'plot',
    option,
    notes: ['There is no map beneath the pies: nothing is loaded from elsewhere.', ...lost],
  };
}

/** Room around all places, and some around a single one. */
function axisOf(values: readonly number[]): { readonly min: number; readonly max: number } {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const room = (max - min) / 8 || 1;
  return { min: Number((min - room).toFixed(4)), max: Number((max + room).toFixed(4)) };
}

const share = (part: number, before: number, after: number): string =>
  `${String(before + part * (100 - before - after))}%`;
