import { MessageBar, MessageBarBody } from '@fluentui/react-components';
import { useEffect, useMemo, useRef } from 'react';
import library from 'plotly.js-strict-dist-min';
import type { PlotlyFigure } from './plotly-figure.ts';
import { withoutWebGl } from './plotly-figure.ts';

/** Without buttons: one of them makes pictures, which the content security policy refuses, another sends the figure away. */
const config = { displayModeBar: false, displaylogo: false, responsive: true, editable: false, showTips: false, plotlyServerURL: '' }; // prettier-ignore

/** A context is kept by the browser, of which it has few: it is given back. */
function hasWebGl(): boolean {
  const context = document.createElement('canvas').getContext('webgl');
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return context !== null;
}

/** Draws a figure of Plotly; the default export, since the library (1.2 MB) is loaded with the first one. */
export default function PlotlyPlot({ figure, label }: { readonly figure: PlotlyFigure; readonly label: string }) {
  const place = useRef<HTMLDivElement>(null);
  const { figure: drawn, lost } = useMemo(() => {
    const without = withoutWebGl(figure);
    return without.lost.length === 0 || hasWebGl() ? { figure, lost: [] } : without;
  }, [figure]);
  const isDrawn = lost.length === 0 || drawn.data.length > 0;
  useEffect(() => {
    const element = place.current;
    if (element === null || !isDrawn) return;
    // It writes what it works out into what it is given.
    const { data, layout } = structuredClone(drawn);
    void library.newPlot(element, data, layout, config);
    return () => library.purge(element);
  }, [drawn, isDrawn]);
  return (
    <>
      {lost.length > 0 && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            Not drawn, since this browser has no WebGL: {lost.join(', ')}. The tab Table has the figure.
          </MessageBarBody>
        </MessageBar>
      )}
      {isDrawn && (
        <div role="img" aria-label={label} style={{ height: '100%', minHeight: 320 }}>
          <div ref={place} aria-hidden style={{ height: '100%' }} />
        </div>
      )}
    </>
  );
}
