import { useEffect, useRef } from 'react';
import library from 'plotly.js-strict-dist-min';
import type { PlotlyFigure } from './plotly-figure.ts';

/** Without buttons: one of them makes pictures, which the content security policy refuses, another sends the figure away. */
const config = { displayModeBar: false, displaylogo: false, responsive: true, editable: false, showTips: false, plotlyServerURL: '' }; // prettier-ignore

/** Draws a figure of Plotly; the default export, since the library (1.2 MB) is loaded with the first one. */
export default function PlotlyPlot({ figure, label }: { readonly figure: PlotlyFigure; readonly label: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    // It writes what it works out into what it is given.
    const { data, layout } = structuredClone(figure);
    void library.newPlot(element, data, layout, config);
    return () => library.purge(element);
  }, [figure]);
  return (
    <div role="img" aria-label={label} style={{ height: '100%', minHeight: 320 }}>
      <div ref={place} aria-hidden style={{ height: '100%' }} />
    </div>
  );
}
