// What the editor computes beside the language: links, words, differences.
import 'monaco-editor/esm/vs/editor/editor.worker';

// @see loaded-worker.ts
postMessage('loaded');
