import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import { dataError, entityExists } from './data-error.ts';
import { requireEntityName } from './entity-name.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import { databaseOf } from './image.ts';
import type { DroppedTableRecord, TableRecord } from './records.ts';
import { recordId } from './records.ts';
import { findTable, saveTable, touch } from './table-changes.ts';

/** So long a dropped table can be had back, where its retention policy says that it can. @see Kusto "Retention policy", Recoverability */
const recoverableMs = 14 * 24 * 3_600_000;
/** So many of a database, the last ones; whoever makes and drops tables all the time does not keep them all. */
const droppedMax = 1_000;

/** A table that can be had back. */
export interface DroppedTableView {
  readonly name: string;
  /** Of the schema of the database, right before: `.undo drop table` asks for it. */
  readonly schemaVersion: number;
  readonly droppedOn: Instant;
  readonly recoverableUntil: Instant;
}

export interface DroppedTables {
  /** Oldest first. */
  droppedTables(database: string): readonly DroppedTableView[];
  /** @param as its name from now on
   * @returns its extents, those of rows that were in the log among them
   * @throws DataError `TableNotFound`, `NotRecoverable`, `EntityExists` */
  undoDropTable(
    database: string,
    table: string,
    schemaVersion: number,
    as?: string,
  ): Promise<readonly { readonly extentId: Guid; readonly rowCount: number }[]>;
  /** After a purge nothing comes back that it would have reached: rows of dropped tables are gone. */
  forgetDroppedTables(database: string): Promise<void>;
}

export const recoverableUntil = ({ droppedOn }: Pick<DroppedTableRecord, 'droppedOn'>): number =>
  droppedOn + recoverableMs;

/** By one record, whatever the table holds: its rows stay sealed as they are, and no name leads to them, or they are seen no more. */
export function dropTable(draft: CatalogDraft, table: TableRecord, now: Instant): void {
  const { policies, schemaVersion } = databaseOf(draft, table.databaseId);
  const isRecoverable = (table.policies.retention ?? policies.retention)?.Recoverability !== 'Disabled';
  if (!isRecoverable) draft.clearTable(table.tableId);
  draft.delete(recordId(table));
  if (isRecoverable) {
    draft.put({ kind: 'droppedTable', table, droppedOn: now, schemaVersion });
    for (const old of oldestFirst(draft.droppedTablesOf(table.databaseId)).slice(0, -droppedMax)) forget(draft, old);
  }
  touch(draft, table.databaseId);
}

export const oldestFirst = (dropped: readonly DroppedTableRecord[]): DroppedTableRecord[] =>
  [...dropped].sort((left, right) => left.droppedOn - right.droppedOn || left.schemaVersion - right.schemaVersion);

/** Its rows are seen no more, and swept later. */
export function forget(draft: CatalogDraft, dropped: DroppedTableRecord): void {
  draft.clearTable(dropped.table.tableId);
  draft.delete(recordId(dropped));
}

/** @returns the table, as it was */
export function undoDrop(
  draft: CatalogDraft,
  databaseId: Guid,
  wanted: { readonly name: string; readonly schemaVersion: number; readonly as: string; readonly now: Instant },
): TableRecord {
  const { name, schemaVersion, as, now } = wanted;
  const last = oldestFirst(draft.droppedTablesOf(databaseId))
    .filter(({ table }) => table.name === name)
    .at(-1);
  if (last === undefined) throw dataError('TableNotFound', name.slice(0, 200));
  if (last.schemaVersion !== schemaVersion || recoverableUntil(last) <= now) throw dataError('NotRecoverable', name);
  requireEntityName(as);
  if (findTable(draft, databaseId, as) !== undefined) throw entityExists('Table', as);
  if (databaseOf(draft, databaseId).functions.some((fn) => fn.name === as))
    throw entityExists('ExpressionFunction', as);
  const table = saveTable(draft, { ...last.table, name: as });
  draft.delete(recordId(last));
  return table;
}
