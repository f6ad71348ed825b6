import { newGuid } from '../base/new-guid.ts';
import type { RandomBytes } from '../base/random.ts';
import { instant } from '../clock/clock.ts';
import type { CatalogReader, StoredResultRecord } from './catalog/image.ts';
import { CatalogDraft } from './catalog/catalog-draft.ts';
import { dropHidden } from './catalog/hidden-table.ts';
import type { StoredResults, StoredResultView } from './catalog/stored-result.ts';
import { createStoredResult, findStored } from './catalog/stored-result.ts';
import type { IngestService } from './ingest/ingest-service.ts';
import { extentView } from './extents/extent-service.ts';
import { chunksOf } from './extents/sweeper.ts';
import type { TableStore } from './extents/table-store.ts';

/** Results of queries that their principals keep: sealed like the rows of tables, under names of their own. */
export function createStoredResults(
  store: TableStore,
  ingestion: Pick<IngestService, 'addRows'>,
  randomBytes: RandomBytes,
): StoredResults {
  const { catalog, sweeper, now } = store.parts;

  const view = (record: StoredResultRecord, database: string): StoredResultView => {
    return {
      storedResultId: record.tableId,
      database,
      name: record.name,
      principal: record.stored.principal,
      columns: record.columns,
      extents: catalog.image.extentsOf(record.tableId).map((extent) => extentView(store, extent, record)),
      createdOn: instant(record.stored.createdOn),
      expiresOn: instant(record.stored.expiresOn),
    };
  };

  return {
    async storeResult(request) {
      const { databaseId, name: database } = store.database(request.database);
      const { rows } = request;
      const { columns } = rows.kind === 'sql' ? rows : rows.statement;
      const ids = { databaseId, tableId: newGuid(randomBytes), now: now() };
      const change = (draft: CatalogDraft): StoredResultRecord => createStoredResult(draft, ids, request, columns);
      // What is wrong with name or columns is said before the query runs.
      const table = change(new CatalogDraft(catalog.image));
      const cleared = (reader: CatalogReader) => {
        const existing = findStored(reader.storedResultsOf(databaseId), request);
        return existing === undefined ? [] : [existing.tableId];
      };
      await ingestion.addRows(rows, { table, change, cleared }, {});
      return view(table, database);
    },

    storedResults(database) {
      const { databaseId, name } = store.database(database);
      const at = now();
      return catalog.image
        .storedResultsOf(databaseId)
        .filter(({ stored }) => stored.expiresOn > at)
        .map((record) => view(record, name))
        .sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
    },

    async dropStoredResults(storedResultIds) {
      for (const chunk of chunksOf(storedResultIds))
        await catalog.change((draft) => {
          for (const tableId of chunk) dropHidden(draft, tableId);
        });
      await sweeper.sweepSome();
    },
  };
}
