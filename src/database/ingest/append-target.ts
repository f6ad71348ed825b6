import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import { entityExists } from '../catalog/data-error.ts';
import type { CatalogReader } from '../catalog/image.ts';
import { CatalogDraft } from '../catalog/catalog-draft.ts';
import type { TableRecord } from '../catalog/records.ts';
import { createTable, findTable, mergeColumns, recreateColumns, requireTable } from '../catalog/table-changes.ts';
import type { TableStore } from '../extents/table-store.ts';
import type { AppendRequest } from './ingest-request.ts';

/** Where rows go. */
export interface Target {
  readonly table: TableRecord;
  /** Makes the table in the commit what it is here, or finds that it is. */
  readonly change: (draft: CatalogDraft) => TableRecord;
  /** Tables whose other rows the commit drops. */
  readonly cleared?: (reader: CatalogReader) => readonly Guid[];
}

export const existingTarget = (store: TableStore, table: TableRecord): Target => ({
  table,
  change: (draft) => store.current(draft, table),
});

/** The table that rows go to; or one that is only planned: a new one, or one with other columns. */
export function planTarget(
  store: TableStore,
  randomBytes: RandomBytes,
  { database, table: name, change }: AppendRequest,
): Target {
  const { databaseId } = store.database(database);
  const { image } = store.parts.catalog;
  const exists = findTable(image, databaseId, name) !== undefined;
  if (change === undefined || (change.how === 'create' && exists))
    return existingTarget(store, store.table(database, name));
  const tableId = change.how === 'create' ? newGuid(randomBytes) : store.table(database, name).tableId;
  const apply = (draft: CatalogDraft): TableRecord => {
    const schema = { ...change.schema, name };
    if (change.how === 'create') return createTable(draft, databaseId, tableId, schema);
    const current = requireTable(draft, databaseId, name);
    return change.how === 'extend' ? mergeColumns(draft, current, schema) : recreateColumns(draft, current, schema);
  };
  const planned = apply(new CatalogDraft(image));
  return { table: planned, change: (draft) => requireAlike(apply(draft), planned) };
}

/** Somebody may have made or changed the table since it was planned: rows for the one must fit the other.
 * @throws DataError `EntityExists` */
function requireAlike(table: TableRecord, planned: TableRecord): TableRecord {
  const ids = ({ columns }: TableRecord): string => columns.map(({ columnId, type }) => `${columnId} ${type}`).join();
  if (ids(table) !== ids(planned)) throw entityExists('Table', planned.name);
  return table;
}
