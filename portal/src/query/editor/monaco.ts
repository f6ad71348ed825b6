// The editor without its other languages; Azure's own explorer has the same editor and the same language service.
import 'monaco-editor/esm/vs/editor/edcore.main';
import './editor.css';
import * as monaco from 'monaco-editor/esm/vs/editor/editor.api';
import { getKustoWorker, kustoDefaults, themeNames } from '@kusto/monaco-kusto';
import { loadedWorker } from './loaded-worker.ts';
import type { ClusterSchema } from '../use-database-schema.ts';

/** Workers are files of this server: the content security policy lets no others be. */
self.MonacoEnvironment = {
  globalAPI: false,
  getWorker: (_: unknown, label: string): Promise<Worker> =>
    loadedWorker(() =>
      label === 'kusto'
        ? new Worker(new URL('./kusto-worker.ts', import.meta.url), { type: 'module' })
        : new Worker(new URL('./editor-worker.ts', import.meta.url), { type: 'module' }),
    ),
};

kustoDefaults.setLanguageSettings({
  ...kustoDefaults.languageSettings,
  enableHover: true,
  enableQueryWarnings: true,
  enableQuerySuggestions: false,
  openSuggestionDialogAfterPreviousSuggestionAccepted: false,
});

let told = 0;

/** Tells the language service what is there. It keeps what it read of a database until it is told of a higher major version, and a cluster
 * raises the minor one alone when a table or a function is made: each telling counts as a major version here. */
export async function useSchema(
  model: monaco.editor.ITextModel,
  schema: ClusterSchema,
  host: string,
  database: string,
) {
  told += 1;
  const versioned = Object.entries(schema.Databases).map(
    ([name, one]) => [name, { ...one, MajorVersion: told }] as const,
  );
  const workerOf = await getKustoWorker();
  const worker = await workerOf(model.uri);
  await worker.setSchemaFromShowSchema(
    { ...schema, Databases: Object.fromEntries(versioned) },
    `https://${host}`,
    database,
  );
}

export { monaco, themeNames };
