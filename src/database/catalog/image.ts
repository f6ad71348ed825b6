import type { ExtentOrPage, ExtentPageRecord } from './records.ts';
import type { Guid } from '../../base/guid.ts';
import type {
  CatalogRecord,
  DatabaseRecord,
  DroppedTableRecord,
  ExtentRecord,
  SegmentRecord,
  StoredResultFacts,
  TableRecord,
} from './records.ts';
import { ExtentsByTable } from './extents-by-table.ts';
import { ExtentPages } from './extent-pages.ts';
import { mayHaveTag } from './page-facts.ts';
import { recordId } from './records.ts';
import type { RowRecord } from './record-groups.ts';
import { groupsOf, isRows, nameGroup } from './record-groups.ts';

/** What the catalog says: read by id, by table, by database. */
export interface CatalogReader {
  get(id: string): CatalogRecord | undefined;
  /** Those with a name of their own. */
  tablesOf(databaseId: Guid): TableRecord[];
  tableNamed(databaseId: Guid, name: string): TableRecord | undefined;
  /** Rows kept beside them: of stored query results, of snapshots of graphs, of materialized views. */
  hiddenTablesOf(databaseId: Guid): TableRecord[];
  storedResultsOf(databaseId: Guid): StoredResultRecord[];
  /** Those that may come back. */
  droppedTablesOf(databaseId: Guid): DroppedTableRecord[];
  extentsOf(tableId: Guid): ExtentRecord[];
  /** Those that have one of the tags. */
  extentsTagged(tableId: Guid, tags: readonly string[]): ExtentRecord[];
  segmentsOf(tableId: Guid): SegmentRecord[];
}

export const databaseOf = (reader: Pick<CatalogReader, 'get'>, databaseId: Guid): DatabaseRecord => {
  const found = reader.get(`d/${databaseId}`);
  if (found?.kind === 'database') return found;
  return { kind: 'database', databaseId, functions: [], mappings: [], policies: {}, schemaVersion: 0 };
};

/** The table that rows are of: also one that was dropped and may come back. */
export function ownerOf(reader: Pick<CatalogReader, 'get'>, tableId: Guid): TableRecord | undefined {
  const table = reader.get(`t/${tableId}`);
  if (table?.kind === 'table') return table;
  const dropped = reader.get(`x/${tableId}`);
  return dropped?.kind === 'droppedTable' ? dropped.table : undefined;
}

export type StoredResultRecord = TableRecord & { readonly stored: StoredResultFacts };
export const isStored = (record: TableRecord): record is StoredResultRecord => record.stored !== undefined;

/** Rows are seen as long as their table is there, or may come back, and has not been emptied since. So a table of any size is dropped or emptied by one
 * record; what is not seen any more is swept later, a part at a time. */
export function isSeen(record: CatalogRecord, reader: Pick<CatalogReader, 'get'>): boolean {
  if (!isRows(record)) return true;
  const table = ownerOf(reader, record.tableId);
  return table !== undefined && (table.epoch ?? 0) === (record.epoch ?? 0);
}

/** All records of a catalog in memory. Changes only by `apply`, after they are durable. An extent is read by its id wherever it lies, in a
 * record of its own or in a page. */
export class CatalogImage implements CatalogReader {
  /** Also those that are not seen any more; changed by `apply` alone. */
  readonly pages = new ExtentPages();
  readonly #records = new Map<string, CatalogRecord>();
  readonly #groups = new Map<string, Set<string>>();
  readonly #extents = new ExtentsByTable();
  readonly #unseen = new Set<string>();

  get(id: string): CatalogRecord | undefined {
    if (this.#unseen.has(id)) return undefined;
    return this.#records.get(id) ?? this.#paged(id, true);
  }

  /** An extent, also one that is not seen any more. */
  extentAt(id: string): ExtentRecord | undefined {
    const own = this.#records.get(id);
    return own === undefined ? this.#paged(id, false) : ofKind(own, 'extent')[0];
  }

  /** The page that an extent lies in. @param id of its record @returns undefined when it has a record of its own, or is not there */
  pageOf(id: string): ExtentPageRecord | undefined {
    return this.#records.has(id) ? undefined : this.pages.find(id)?.page;
  }

  #paged(id: string, isSeenOnly: boolean): ExtentRecord | undefined {
    const found = this.pages.find(id);
    if (found === undefined || (isSeenOnly && this.#unseen.has(recordId(found.page)))) return undefined;
    return this.pages.extent(found);
  }

  /** A record as it is stored: also what is not seen any more. */
  stored(id: string): CatalogRecord | undefined {
    return this.#records.get(id);
  }

  *all(): IterableIterator<CatalogRecord> {
    for (const [id, record] of this.#records) if (!this.#unseen.has(id)) yield record;
  }

  /** Also what is not seen any more. */
  everything(): IterableIterator<CatalogRecord> {
    return this.#records.values();
  }

  *unseen(): IterableIterator<RowRecord> {
    for (const id of this.#unseen) {
      const record = this.#records.get(id);
      if (record !== undefined && isRows(record)) yield record;
    }
  }

  group(name: string): ReadonlySet<string> {
    return this.#groups.get(name) ?? nothing;
  }

  tablesOf(databaseId: Guid): TableRecord[] {
    return [...this.group(`t/${databaseId}`)].flatMap((id) => ofKind(this.get(id), 'table'));
  }

  tableNamed(databaseId: Guid, name: string): TableRecord | undefined {
    const [id] = this.group(nameGroup(databaseId, name));
    return id === undefined ? undefined : ofKind(this.get(id), 'table')[0];
  }

  hiddenTablesOf(databaseId: Guid): TableRecord[] {
    return [...this.group(`h/${databaseId}`)].flatMap((id) => ofKind(this.get(id), 'table'));
  }

  storedResultsOf(databaseId: Guid): StoredResultRecord[] {
    return this.hiddenTablesOf(databaseId).filter(isStored);
  }

  droppedTablesOf(databaseId: Guid): DroppedTableRecord[] {
    return [...this.group(`x/${databaseId}`)].flatMap((id) => ofKind(this.get(id), 'droppedTable'));
  }

  extentsOf(tableId: Guid): ExtentRecord[] {
    const own = this.extentsAlone(tableId);
    const pages = this.pagesOf(tableId);
    return pages.length === 0 ? own : [...own, ...pages.flatMap((page) => this.pages.opened(page))];
  }

  extentsTagged(tableId: Guid, tags: readonly string[]): ExtentRecord[] {
    if (tags.length === 0) return [];
    const pages = this.pagesOf(tableId).filter(({ facts }) => tags.some((tag) => mayHaveTag(facts, tag)));
    const paged = pages.flatMap((page) => this.pages.opened(page).filter((extent) => hasOneOf(extent, tags)));
    return [...this.extentsAlone(tableId).filter((extent) => hasOneOf(extent, tags)), ...paged];
  }

  /** Those that have records of their own. */
  extentsAlone(tableId: Guid): ExtentRecord[] {
    const own = this.#extents.of(tableId);
    if (this.#unseen.size === 0) return [...own.values()];
    return [...own].flatMap(([id, extent]) => (this.#unseen.has(id) ? [] : [extent]));
  }

  pagesOf(tableId: Guid): ExtentPageRecord[] {
    return [...this.pages.of(tableId)].filter((page) => !this.#unseen.has(recordId(page)));
  }

  /** All extents of a table: for whoever opens pages only where it has to. */
  extentsAndPagesOf(tableId: Guid): ExtentOrPage[] {
    return [...this.extentsAlone(tableId), ...this.pagesOf(tableId)];
  }

  segmentsOf(tableId: Guid): SegmentRecord[] {
    return [...this.group(`s/${tableId}`)].flatMap((id) => ofKind(this.get(id), 'segment'));
  }

  apply(id: string, record: CatalogRecord | null): void {
    const before = this.#records.get(id);
    for (const left of before ? groupsOf(before) : []) this.#leave(left, id);
    if (before?.kind === 'extent') this.#extents.delete(id, before);
    if (before?.kind === 'extentPage') this.pages.delete(before);
    if (record === null) {
      this.#records.delete(id);
      this.#unseen.delete(id);
      if (before?.kind === 'table') this.#lookAgain(before.tableId);
      if (before?.kind === 'droppedTable') this.#lookAgain(before.table.tableId);
      return;
    }
    this.#records.set(id, record);
    for (const joined of groupsOf(record))
      this.#groups.set(joined, (this.#groups.get(joined) ?? new Set<string>()).add(id));
    if (record.kind === 'extent') this.#extents.set(id, record);
    if (record.kind === 'extentPage') this.pages.set(record);
    if (isRows(record)) this.#look(id, record);
    if (record.kind === 'table' && (before?.kind !== 'table' || before.epoch !== record.epoch))
      this.#lookAgain(record.tableId);
    if (record.kind === 'droppedTable') this.#lookAgain(record.table.tableId);
  }

  /** Records that differ from those with the same ids by the keys in them alone, and by what is kept of the values of rows. */
  rewrapped(records: ReadonlyMap<string, CatalogRecord>): void {
    for (const [id, record] of records) {
      this.#records.set(id, record);
      if (record.kind === 'extent') this.#extents.set(id, record);
      if (record.kind === 'extentPage') this.pages.set(record);
    }
  }

  #leave(name: string, id: string): void {
    const group = this.#groups.get(name);
    group?.delete(id);
    if (group?.size === 0) this.#groups.delete(name);
  }

  #lookAgain(tableId: Guid): void {
    for (const [id, extent] of this.#extents.of(tableId)) this.#look(id, extent);
    for (const page of this.pages.of(tableId)) this.#look(recordId(page), page);
    for (const id of this.group(`s/${tableId}`)) {
      const record = this.#records.get(id);
      if (record !== undefined) this.#look(id, record);
    }
  }

  #look(id: string, record: CatalogRecord): void {
    if (isSeen(record, this)) this.#unseen.delete(id);
    else this.#unseen.add(id);
  }
}

const nothing: ReadonlySet<string> = new Set();

export const hasOneOf = (extent: Pick<ExtentRecord, 'tags'>, tags: readonly string[]): boolean =>
  tags.some((tag) => extent.tags.includes(tag));

/** @returns the record in a list of one, or nothing when it is of another kind */
export function ofKind<Kind extends CatalogRecord['kind']>(
  record: CatalogRecord | undefined,
  kind: Kind,
): Extract<CatalogRecord, { kind: Kind }>[] {
  return record?.kind === kind ? [record as Extract<CatalogRecord, { kind: Kind }>] : [];
}
