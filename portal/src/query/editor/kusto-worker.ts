// The language service runs here: what it knows of a schema and of a text stays in the browser.
import './worker-globals.ts';
import '@kusto/monaco-kusto/release/esm/kusto.worker';

// @see loaded-worker.ts
postMessage('loaded');
