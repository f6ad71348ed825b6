// The editor without its other languages; Azure's own explorer has the same editor and the same language service.
import 'monaco-editor/esm/vs/editor/edcore.main';
import './editor.css';
import * as monaco from 'monaco-editor/esm/vs/editor/editor.api';
import { getKustoWorker, kustoDefaults, themeNames } from '@kusto/monaco-kusto';

/** Workers are files of this server: the content security policy lets no others be. */
self.MonacoEnvironment = {
  globalAPI: false,
  getWorker: (_: unknown, label: string): Worker =>
    label === 'kusto'
      ? new Worker(new URL('./kusto-worker.ts', import.meta.url), { type: 'module' })
      : new Worker(new URL('./editor-worker.ts', import.meta.url), { type: 'module' }),
};

kustoDefaults.setLanguageSettings({
  ...kustoDefaults.languageSettings,
  enableHover: true,
  enableQueryWarnings: true,
  enableQuerySuggestions: false,
  openSuggestionDialogAfterPreviousSuggestionAccepted: false,
});

/** Tells the language service what is there. @param schema the answer of `.show databases schema as json` */
export async function useSchema(model: monaco.editor.ITextModel, schema: unknown, host: string, database: string) {
  const workerOf = await getKustoWorker();
  const worker = await workerOf(model.uri);
  await worker.setSchemaFromShowSchema(schema, `https://${host}`, database);
}

export { monaco, themeNames };
