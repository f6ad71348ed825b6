import { useCallback } from 'react';
import { mgmt } from '../api/kusto.ts';
import type { Answer } from '../shell/use-answer.ts';
import { useAnswer } from '../shell/use-answer.ts';

/** What `.show databases schema as json` tells: `{ Databases: { name: { Tables, ExternalTables, MaterializedViews, Functions … } } }`. */
export interface ClusterSchema {
  readonly Plugins: readonly unknown[];
  readonly Databases: Readonly<Record<string, DatabaseSchema>>;
}

export interface DatabaseSchema {
  readonly Tables?: Readonly<Record<string, TableSchema>>;
  readonly ExternalTables?: Readonly<Record<string, TableSchema>>;
  readonly MaterializedViews?: Readonly<Record<string, TableSchema>>;
  readonly Functions?: Readonly<Record<string, FunctionSchema>>;
}

export interface TableSchema {
  readonly Name: string;
  readonly OrderedColumns?: readonly { readonly Name: string; readonly CslType?: string; readonly Type: string }[];
  readonly DocString?: string;
}

export interface FunctionSchema {
  readonly Name: string;
  readonly Body?: string;
  readonly DocString?: string;
}

/** All that the cluster shows of its databases; one that cannot answer has a failure. */
export function useDatabaseSchema(host: string, database: string): Answer<ClusterSchema | undefined> {
  return useAnswer(
    useCallback(
      async (signal: AbortSignal) => {
        if (host === '' || database === '') return undefined;
        const [table] = await mgmt({ host, database }, '.show databases schema as json', { signal });
        const text = table?.Rows[0]?.[0];
        const value: unknown = typeof text === 'string' ? JSON.parse(text) : text;
        return { Plugins: [], ...(value as Partial<ClusterSchema>) } as ClusterSchema;
      },
      [host, database],
    ),
  );
}
