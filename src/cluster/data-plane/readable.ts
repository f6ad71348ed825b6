import { withRight } from '../../database/commands/readable-catalog.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import type { Barred } from '../../database/commands/barred-tables.ts';
import { requireUnbarred } from '../../database/commands/barred-tables.ts';
import type { SourceOf } from '../../database/ingest/data-source.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import { externalDataOf, externalTableOf, inlineExternalTableOf } from '../../kql/plan/external-data.ts';
import type { EngineSources } from '../../kql/query-request.ts';
import { refusalToRead } from '../../database/commands/restricted-view.ts';
import { kustoError } from './errors/kusto-error.ts';
import { requireDatabase } from './database-access.ts';
import type { AllowedRequest } from '../messages/data-plane-calls.ts';

/** What of a cluster's data a caller's query may know of and open. Whoever may not read a database does not learn what is in it
 * either, so the catalog leaves it out; and no table of it opens, however a query came to name it.
 * @returns sources whose `open` throws KustoError `forbidden` | `databaseNotFound` */
export function readable(
  access: AllowedRequest,
  data: Pick<
    ClusterData,
    'database' | 'kqlCatalog' | 'sources' | 'readExternal' | 'readExternalTable' | 'readInlineTable'
  >,
  sourceOf: SourceOf,
  barred: Barred = {},
): { readonly catalog: KqlCatalog; readonly sources: EngineSources } {
  const principal = access.caller.fqn;
  const sources = data.sources(principal);
  return {
    catalog: withRight(data.kqlCatalog(principal), access, 'read'),
    sources: {
      open: async (database, table, uses, signal, turn) => {
        requireUnbarred(barred, data, database, table);
        const external = externalDataOf(table);
        if (external !== undefined) {
          await turn;
          return data.readExternal({ data: external, database, sourceOf, signal });
        }
        const inline = inlineExternalTableOf(table);
        if (inline !== undefined) {
          await turn;
          return data.readInlineTable({ inline, database, uses, sourceOf, signal });
        }
        requireDatabase(access, database, 'read');
        const named = externalTableOf(table);
        if (named !== undefined) {
          await turn;
          return data.readExternalTable(database, { named, uses, sourceOf, signal });
        }
        const refusal = refusalToRead(access, data, database, table, principal);
        if (refusal !== undefined) throw kustoError('forbidden', refusal);
        return sources.open(database, table, uses, signal, turn);
      },
    },
  };
}
