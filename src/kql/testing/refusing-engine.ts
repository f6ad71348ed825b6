import type { KqlCatalog } from '../plan/catalog.ts';
import type { LocalEngine } from './local-engine.ts';
import { openLocalEngine } from './local-engine.ts';
import { parserEntry } from './parser-entry.ts';

export interface RefusingEngine extends LocalEngine {
  /** `database.table`, in the order in which they were asked for; whoever looks empties it. */
  readonly opened: string[];
}

/** An engine whose tables all fail to open, with the error 'opened': for what a query comes to read. */
export async function openRefusingEngine(catalog: KqlCatalog): Promise<RefusingEngine> {
  const opened: string[] = [];
  const engine = await openLocalEngine(parserEntry, {
    catalog,
    sources: {
      open: (database, name) => {
        opened.push(`${database}.${name}`);
        return Promise.reject(new Error('opened'));
      },
    },
  });
  return { ...engine, opened };
}
