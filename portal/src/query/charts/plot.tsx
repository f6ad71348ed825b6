import { BarChart, LineChart, PieChart, ScatterChart, TreemapChart } from 'echarts/charts';
import {
  AriaComponent,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  TitleComponent,
  TooltipComponent,
} from 'echarts/components';
import type { EChartsCoreOption } from 'echarts/core';
import { init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';
import type { Option } from './chart.ts';

use([BarChart, LineChart, PieChart, ScatterChart, TreemapChart]);
use([
  AriaComponent,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  TitleComponent,
  TooltipComponent,
  CanvasRenderer,
]);

/** Draws one option; the default export, since the library is loaded with the first chart. */
export default function Plot({ option, label }: { readonly option: Option; readonly label: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current === null) return;
    const chart = init(place.current);
    chart.setOption(option as EChartsCoreOption);
    const watching = new ResizeObserver(() => chart.resize());
    watching.observe(place.current);
    return () => {
      watching.disconnect();
      chart.dispose();
    };
  }, [option]);
  return (
    <div role="img" aria-label={label} style={{ height: '100%', minHeight: 240 }}>
      <div ref={place} aria-hidden style={{ height: '100%' }} />
    </div>
  );
}
