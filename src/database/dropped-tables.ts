import type { Guid } from '../base/guid.ts';
import { instant } from '../clock/clock.ts';
import type { DroppedTables } from './catalog/dropped-tables.ts';
import { forget, oldestFirst, recoverableUntil, undoDrop } from './catalog/dropped-tables.ts';
import { eachExtent, everyExtent } from './extents/chosen-extents.ts';
import { chunksOf } from './extents/sweeper.ts';
import type { Merger } from './extents/merger.ts';
import type { TableStore } from './extents/table-store.ts';

/** Tables that were dropped and can be had back. */
export function createDroppedTables(store: TableStore, merger: Merger): DroppedTables {
  const { catalog, sweeper, now } = store.parts;
  return {
    droppedTables: (database) =>
      oldestFirst(catalog.image.droppedTablesOf(store.database(database).databaseId)).map((record) => ({
        name: record.table.name,
        schemaVersion: record.schemaVersion,
        droppedOn: instant(record.droppedOn),
        recoverableUntil: instant(recoverableUntil(record)),
      })),

    async undoDropTable(database, name, schemaVersion, as = name) {
      const { databaseId } = store.database(database);
      const wanted = { name, schemaVersion, as, now: now() };
      const table = await catalog.change((draft) => undoDrop(draft, databaseId, wanted));
      await merger.flush(table);
      const found: { readonly extentId: Guid; readonly rowCount: number }[] = [];
      const { image } = catalog;
      const all = eachExtent(image.extentsAndPagesOf(table.tableId), everyExtent, (page) => image.pages.opened(page));
      for (const { extentId, rowCount } of all) found.push({ extentId, rowCount });
      return found;
    },

    async forgetDroppedTables(database) {
      const { databaseId } = store.database(database);
      for (const chunk of chunksOf(catalog.image.droppedTablesOf(databaseId)))
        await catalog.change((draft) => {
          for (const record of chunk) if (draft.get(`x/${record.table.tableId}`) !== undefined) forget(draft, record);
        });
      await sweeper.sweep();
    },
  };
}
