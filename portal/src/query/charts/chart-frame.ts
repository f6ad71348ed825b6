import type { ChartInk, Option } from './chart.ts';
import type { RenderProperties } from './render-properties.ts';

const isoDay = '{yyyy}-{MM}-{dd}';

/** Of days the whole date, of shorter steps the time: a number alone would not say of which month. Hidden where one would lie on another. */
export const timeLabels: Option = {
  hideOverlap: true,
  formatter: { year: isoDay, month: isoDay, day: isoDay },
};

/** What is around every chart. Labels of tips are drawn as text on the canvas: the library's usual ones are HTML. */
export function frame(
  { title, legendHidden }: RenderProperties,
  ink: ChartInk,
  severalSeries: boolean,
  axes = 1,
  trigger: 'axis' | 'item' = 'axis',
): Option {
  return {
    color: [...ink.palette],
    textStyle: { color: ink.text, fontFamily: 'Segoe UI, system-ui, sans-serif' },
    animation: false,
    useUTC: true,
    aria: { enabled: true },
    ...(title === undefined
      ? {}
      : { title: { text: title, left: 'center', textStyle: { color: ink.text, fontSize: 16 } } }),
    ...(legendHidden || !severalSeries
      ? {}
      : { legend: { type: 'scroll', top: title === undefined ? 0 : 28, textStyle: { color: ink.text } } }),
    tooltip: {
      ...{ trigger, renderMode: 'richText', confine: true, axisPointer: { type: axes > 1 ? 'cross' : 'line' } },
      ...{ backgroundColor: ink.surface, borderColor: ink.line, textStyle: { color: ink.text } },
    },
  };
}
