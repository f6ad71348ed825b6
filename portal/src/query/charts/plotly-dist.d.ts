/** Of the library, what is used here; its package has no types. */
declare module 'plotly.js-strict-dist-min' {
  const library: {
    newPlot(place: HTMLElement, data: object, layout: object, config: object): Promise<unknown>;
    purge(place: HTMLElement): void;
  };
  export default library;
}
