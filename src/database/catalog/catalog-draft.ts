import type { Guid } from '../../base/guid.ts';
import type { CatalogReader, StoredResultRecord } from './image.ts';
import { hasOneOf, isSeen, isStored, ofKind, ownerOf } from './image.ts';
import { ingestedOn, untimed } from './ingested-extent.ts';
import type { IngestedAt } from './ingestion-order.ts';
import { millisecondsOf } from './ingestion-order.ts';
import type { LogAppend } from './log-append.ts';
import type { RowRecord } from './record-groups.ts';
import { isHidden, isRows } from './record-groups.ts';
import type { CatalogRecord, DroppedTableRecord, ExtentRecord, SegmentRecord, TableRecord } from './records.ts';
import { ingestedInCommit, logRecordId, recordId } from './records.ts';

/** Changes on top of a catalog that are not durable yet. */
export class CatalogDraft implements CatalogReader {
  readonly #base: CatalogReader;
  readonly #changes = new Map<string, CatalogRecord | null>();
  readonly #logDeletes = new Set<string>();
  readonly #clearedTables = new Set<Guid>();
  readonly #packed: string[] = [];
  #logAppends: LogAppend[] = [];
  #fenced = false;

  constructor(base: CatalogReader) {
    this.#base = base;
  }

  get changes(): ReadonlyMap<string, CatalogRecord | null> {
    return this.#changes;
  }

  get(id: string): CatalogRecord | undefined {
    const changed = this.#changes.get(id);
    const found = changed === undefined ? this.#base.get(id) : (changed ?? undefined);
    return found !== undefined && isSeen(found, this) ? found : undefined;
  }

  /** Rows get the epoch that their table has in this draft. */
  put(record: CatalogRecord): void {
    const epoch = isRows(record) ? ownerOf(this, record.tableId)?.epoch : undefined;
    this.#changes.set(recordId(record), epoch !== undefined && isRows(record) ? { ...record, epoch } : record);
  }

  /** Removes rows that are not seen any more. */
  sweep(record: RowRecord): void {
    this.#changes.set(recordId(record), null);
    if (record.kind === 'segment') this.#dropLog(record);
  }

  delete(id: string): void {
    if (this.get(id) === undefined) return;
    this.#changes.set(id, null);
  }

  /** Extents, by the ids of their records, that are to lie in pages if they are still there. To whoever reads the catalog nothing changes. */
  pack(ids: readonly string[]): void {
    this.#packed.push(...ids);
  }

  get packed(): readonly string[] {
    return this.#packed;
  }

  fence(): void {
    this.#fenced = true;
  }

  get fenced(): boolean {
    return this.#fenced;
  }

  /** Which record they land in is decided when the commit is put together. */
  appendLog(append: LogAppend): void {
    this.#logAppends.push(append);
  }

  /** Says of the rows that this change adds when they were ingested, by the policy that their table has now. @param next gives the time, if there are any */
  ingested(next: () => IngestedAt): void {
    const news = [...this.#changes].flatMap(([id, record]) =>
      record?.kind === 'extent' && record.ingestedAt === ingestedInCommit ? [{ id, record }] : [],
    );
    if (news.length + this.#logAppends.length === 0) return;
    const at = next();
    for (const { id, record } of news)
      this.#changes.set(id, this.#isUntimed(record) ? untimed(record) : ingestedOn(record, at));
    this.#logAppends = this.#logAppends.map((append) => ({
      ...{ ...append, at: millisecondsOf(at) },
      ...(this.#isUntimed(append) && { isUntimed: true }),
    }));
  }

  #isUntimed({ tableId }: { readonly tableId: Guid }): boolean {
    return ownerOf(this, tableId)?.policies.ingestiontime?.IsEnabled === false;
  }

  get logAppends(): readonly LogAppend[] {
    return this.#logAppends;
  }

  /** Whether rows wait to be logged for a table, here or in what this is on top of. */
  logsRowsOf(tableId: Guid): boolean {
    const isBelow = this.#base instanceof CatalogDraft && this.#base.logsRowsOf(tableId);
    return isBelow || this.#logAppends.some((append) => append.tableId === tableId);
  }

  get logDeletes(): ReadonlySet<string> {
    return this.#logDeletes;
  }

  /** Removes a segment with its log records; nobody may append to it any more. */
  dropSegment(segment: SegmentRecord): void {
    this.delete(recordId(segment));
    this.#dropLog(segment);
  }

  #dropLog({ segmentId, count }: SegmentRecord): void {
    for (let sequence = 0; sequence < count; sequence += 1) this.#logDeletes.add(logRecordId(segmentId, sequence));
  }

  /** Empties a table: extents, segments, and what waits to be logged are its rows no more. Their records wait to be swept. */
  clearTable(tableId: Guid): void {
    const table = this.get(`t/${tableId}`);
    if (table?.kind === 'table') this.put({ ...table, epoch: (table.epoch ?? 0) + 1 });
    this.#logAppends = this.#logAppends.filter((append) => append.tableId !== tableId);
    this.#clearedTables.add(tableId);
  }

  get clearedTables(): ReadonlySet<Guid> {
    return this.#clearedTables;
  }

  /** Takes over what another draft on top of this one has changed, as the later change. */
  merge(other: CatalogDraft): void {
    for (const [id, record] of other.#changes) this.#changes.set(id, record);
    this.#fenced ||= other.#fenced;
    this.#packed.push(...other.#packed);
    for (const id of other.#logDeletes) this.#logDeletes.add(id);
    for (const tableId of other.#clearedTables) this.#clearedTables.add(tableId);
    this.#logAppends = [
      ...this.#logAppends.filter((append) => !other.#clearedTables.has(append.tableId)),
      ...other.#logAppends,
    ];
  }

  tablesOf(databaseId: Guid): TableRecord[] {
    const belongs = (record: TableRecord): boolean => record.databaseId === databaseId && !isHidden(record);
    return this.#members(this.#base.tablesOf(databaseId), 'table', belongs);
  }

  tableNamed(databaseId: Guid, name: string): TableRecord | undefined {
    for (const record of this.#changes.values())
      if (record?.kind === 'table' && record.databaseId === databaseId && record.name === name && !isHidden(record))
        return record;
    const below = this.#base.tableNamed(databaseId, name);
    return below !== undefined && !this.#changes.has(recordId(below)) ? below : undefined;
  }

  hiddenTablesOf(databaseId: Guid): TableRecord[] {
    const belongs = (record: TableRecord): boolean => record.databaseId === databaseId && isHidden(record);
    return this.#members(this.#base.hiddenTablesOf(databaseId), 'table', belongs);
  }

  storedResultsOf(databaseId: Guid): StoredResultRecord[] {
    return this.hiddenTablesOf(databaseId).filter(isStored);
  }

  droppedTablesOf(databaseId: Guid): DroppedTableRecord[] {
    const belongs = ({ table }: DroppedTableRecord): boolean => table.databaseId === databaseId;
    return this.#members(this.#base.droppedTablesOf(databaseId), 'droppedTable', belongs);
  }

  extentsOf(tableId: Guid): ExtentRecord[] {
    return this.#members(this.#base.extentsOf(tableId), 'extent', (record) => record.tableId === tableId);
  }

  extentsTagged(tableId: Guid, tags: readonly string[]): ExtentRecord[] {
    const belongs = (record: ExtentRecord): boolean => record.tableId === tableId && hasOneOf(record, tags);
    return this.#members(this.#base.extentsTagged(tableId, tags), 'extent', belongs);
  }

  segmentsOf(tableId: Guid): SegmentRecord[] {
    return this.#members(this.#base.segmentsOf(tableId), 'segment', (record) => record.tableId === tableId);
  }

  #members<Kind extends CatalogRecord['kind']>(
    base: readonly Extract<CatalogRecord, { kind: Kind }>[],
    kind: Kind,
    belongs: (record: Extract<CatalogRecord, { kind: Kind }>) => boolean,
  ): Extract<CatalogRecord, { kind: Kind }>[] {
    const kept = base.filter((record) => !this.#changes.has(recordId(record)));
    const changed = [...this.#changes.values()].flatMap((record) => ofKind(record ?? undefined, kind)).filter(belongs);
    return [...kept, ...changed].filter((record) => isSeen(record, this));
  }
}
