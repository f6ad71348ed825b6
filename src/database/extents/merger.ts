import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { CatalogRecord, ExtentRecord, TableRecord } from '../catalog/records.ts';
import { recordId } from '../catalog/records.ts';
import type { CatalogReader } from '../catalog/image.ts';
import { dropTable, forget, recoverableUntil } from '../catalog/dropped-tables.ts';
import { dropHidden } from '../catalog/hidden-table.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { OpenTable } from '../../kql/query-request.ts';
import type { WrittenExtent } from './extent-writer.ts';
import { eachExtent } from './chosen-extents.ts';
import { mergeable } from './merge-policy.ts';
import { MergeablePages } from './mergeable-pages.ts';
import { namedBlobs } from './named-blobs.ts';
import { goneBy } from './periods.ts';
import { autoDeleteAt, oldestOf, tagged, tagGoesAt } from './aging.ts';
import { removalChunks } from './removals.ts';
import { commitExtents, dropExtents, ExtentsGoneError, replaceExtents, retagged } from './replace-extents.ts';
import { chunksOf } from './sweeper.ts';
import { openTable } from './table-sources.ts';
import type { TableStore } from './table-store.ts';
import { columnName, ingestionColumn } from './tail-table.ts';
import { UnreadableExtentsError } from './unreadable-extents-error.ts';

export interface MergerParts {
  readonly store: TableStore;
  readonly randomBytes: RandomBytes;
}

const smallExtentsMin = 8;
/** Requests are remembered for so long. */
const requestsMs = 24 * 3_600_000;
const dayMs = 24 * 3_600_000;
/** Of operations and failures; and of data operations. */
const [historyMs, dataOperationsMs] = [14 * dayMs, 30 * dayMs];

/** Work in the background: the log becomes extents, small extents become larger ones, what is too old goes. */
export class Merger {
  readonly #parts: MergerParts;
  /** One merge of a cluster at a time: each takes memory and both cores. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Extents that did not open: by table, with the class of the error. Tried again when the data is opened anew. */
  readonly #unreadable = new Map<Guid, Map<Guid, string>>();
  readonly #pages = new MergeablePages();

  constructor(parts: MergerParts) {
    this.#parts = parts;
  }

  /** All segments of a table become one extent. Order: no more rows go to the segments → rows as they are then → blob → one commit
   * with the extent, the request ids, and without the segments and their records. */
  flush(table: TableRecord): Promise<void> {
    return this.#inTurn(() => this.#parts.store.parts.writer.retried(() => this.#flush(table)));
  }

  async #flush(table: TableRecord): Promise<void> {
    const { store, randomBytes } = this.#parts;
    const { catalog, log, writer, files, now, operations } = store.parts;
    const note = operations.begin('RowStoreSeal');
    log.closeSegments(table.tableId);
    await catalog.settled();
    const segments = log.segmentsOf(table.tableId).filter(({ record, open }) => !open && record.count > 0);
    if (segments.length === 0) return;
    const facts = {
      tableId: table.tableId,
      originalBytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
      minCreatedOn: Math.min(...segments.map(({ minAt }) => minAt)),
      maxCreatedOn: Math.max(...segments.map(({ maxAt }) => maxAt)),
      ingestedTo: Math.max(...segments.map(({ ingestedTo }) => ingestedTo)),
      tags: [],
    };
    const source = await openTable({
      files,
      connect: store.parts.connect,
      keys: () => catalog.keys,
      snapshot: () => ({ table, extents: [], segments }),
    });
    const extent = await this.#write(source, table, facts);
    const commit = catalog.change((draft) => {
      // Somebody may have cleared or dropped the table meanwhile: then its rows do not come back.
      const left = segments.filter(({ record }) => draft.get(`s/${record.segmentId}`) !== undefined);
      if (left.length < segments.length) return;
      for (const { record } of segments) draft.dropSegment(record);
      if (extent !== undefined) {
        draft.put(writer.recordNow(extent));
        note(draft, table, [extent.record]);
      }
      const requests = segments.flatMap((segment) => segment.requests);
      if (requests.length > 0) draft.put({ kind: 'requests', requestsId: newGuid(randomBytes), at: now(), requests });
    });
    await writer.committing(extent, commit);
    await this.#finish(extent);
  }

  /** Merges runs of small extents of one table, those that open.
   * @throws UnreadableExtentsError when all others are merged, and some do not open */
  async merge(table: TableRecord): Promise<void> {
    await this.#inTurn(() => this.#parts.store.parts.writer.retried(() => this.#merge(table)));
    const found = this.#unreadable.get(table.tableId);
    const { image } = this.#parts.store.parts.catalog;
    for (const extentId of found?.keys() ?? []) if (image.get(`e/${extentId}`) === undefined) found?.delete(extentId);
    const [why] = found?.values() ?? [];
    if (why !== undefined) throw new UnreadableExtentsError(found?.size ?? 0, why);
  }

  async #merge(table: TableRecord): Promise<void> {
    const { store } = this.#parts;
    const { catalog, files } = store.parts;
    const policies = { merge: store.policy(table, 'merge'), sharding: store.policy(table, 'sharding') };
    const rules = { policies, periods: store.periods(table), now: store.parts.now() };
    const unreadable = this.#unreadable.get(table.tableId);
    const choose = (extents: readonly ExtentRecord[]): readonly ExtentRecord[] => {
      const readable = extents.filter(({ extentId }) => unreadable?.has(extentId) !== true);
      // What comes out is to be opened as well, beside the others.
      const fitting = firstWithin(mergeable(readable, policies, rules.periods, rules.now), files.mergedBytesMax);
      return fitting.length < smallExtentsMin ? [] : fitting;
    };
    const alone = choose(catalog.image.extentsAlone(table.tableId));
    const chosen = alone.length > 0 ? alone : this.#pages.chosen(catalog.image, table, rules, choose);
    if (chosen.length === 0) return;
    const opening = openTable({
      files,
      connect: store.parts.connect,
      keys: () => catalog.keys,
      snapshot: () => ({ table, extents: chosen, segments: [] }),
    });
    const source = await opening.catch((error: unknown) => this.#leaveOut(table, chosen, error));
    if (source === undefined) return this.#merge(table);
    await this.#replace(source, table, chosen);
  }

  /** Makes one extent of these, whatever the policies say.
   * @returns it; undefined when they have no rows @throws ExtentsGoneError when one of them is there no more */
  mergeThese(table: TableRecord, extents: readonly ExtentRecord[]): Promise<ExtentRecord | undefined> {
    const { store } = this.#parts;
    const { catalog, files, connect } = store.parts;
    // What comes out is to be opened as well.
    if (extents.reduce((sum, { sealed }) => sum + sealed.length, 0) > files.mergedBytesMax)
      throw new KqlError('limits', `Extents of more than ${files.mergedBytesMax} bytes together are not merged.`);
    return this.#inTurn(async () => {
      const source = await openTable({
        ...{ files, connect, keys: () => catalog.keys },
        snapshot: () => ({ table, extents, segments: [] }),
      });
      const { isDone, extent } = await this.#replace(source, table, extents);
      if (!isDone) throw new ExtentsGoneError();
      return extent?.record;
    });
  }

  /** Order: the blob of what they are together → one commit that puts it in their place → their blobs. */
  async #replace(
    source: OpenTable,
    table: TableRecord,
    chosen: readonly ExtentRecord[],
  ): Promise<{ readonly isDone: boolean; readonly extent: WrittenExtent | undefined }> {
    const { catalog, writer } = this.#parts.store.parts;
    const extent = await this.#write(source, table, {
      tableId: table.tableId,
      originalBytes: chosen.reduce((sum, { originalBytes }) => sum + originalBytes, 0),
      minCreatedOn: Math.min(...chosen.map(({ minCreatedOn }) => minCreatedOn)),
      maxCreatedOn: Math.max(...chosen.map(({ maxCreatedOn }) => maxCreatedOn)),
      tags: [...new Set(chosen.flatMap(({ tags }) => tags))],
      ...lastOf(chosen),
    });
    const commit = catalog.change((draft) =>
      replaceExtents(draft, chosen, extent === undefined ? [] : [writer.recordNow(extent)]),
    );
    const isDone = await writer.committing(extent, commit);
    await this.#finish(extent);
    if (isDone) await writer.remove(chosen);
    return { isDone, extent };
  }

  /** Drops extents of a table that are past its retention, a part in each commit, and the table itself where it is a stored result that
   * has expired. */
  async expire(table: TableRecord): Promise<void> {
    await this.#autoDelete(table);
    const { store } = this.#parts;
    const { catalog, writer, now } = store.parts;
    const at = now();
    const isOver = table.stored !== undefined && table.stored.expiresOn <= at;
    const periods = store.periods(table);
    if (isOver) {
      await catalog.change((draft) => dropHidden(draft, table.tableId));
      return; // the rows are swept
    }
    const { image } = catalog;
    const gone = eachExtent(image.extentsAndPagesOf(table.tableId), goneBy(periods, at), (page) =>
      image.pages.opened(page),
    );
    for (const chunk of removalChunks(image, gone))
      await writer.remove(await catalog.change((draft) => dropExtents(draft, chunk)));
  }

  /** A table whose day has come goes, as by `.drop table`; with rows only where its policy says so. */
  async #autoDelete({ tableId, policies }: TableRecord): Promise<void> {
    const { catalog, now } = this.#parts.store.parts;
    const at = now();
    const isOver = (reader: CatalogReader): TableRecord | undefined => {
      const table = reader.get(`t/${tableId}`);
      if (table?.kind !== 'table' || autoDeleteAt(table.policies) > at) return undefined;
      if (table.policies.auto_delete?.DeleteIfNotEmpty === true) return table;
      const hasRows = reader.extentsOf(tableId).length > 0 || reader.segmentsOf(tableId).some(({ count }) => count > 0);
      return hasRows ? undefined : table;
    };
    // Of a table that has rows that is found without opening pages.
    if (policies.auto_delete?.DeleteIfNotEmpty !== true && catalog.image.pagesOf(tableId).length > 0) return;
    if (isOver(catalog.image) === undefined) return;
    await catalog.change((draft) => {
      const table = isOver(draft);
      // Rows that wait to be logged are rows, too.
      if (table !== undefined && (table.policies.auto_delete?.DeleteIfNotEmpty === true || !draft.logsRowsOf(tableId)))
        dropTable(draft, table, at);
    });
  }

  /** Tags that are past their retention go: the extents are others with the same blobs. */
  async retag(table: TableRecord): Promise<void> {
    const { store, randomBytes } = this.#parts;
    const at = store.parts.now();
    const policy = store.policy(table, 'extent_tags_retention');
    if (policy === undefined) return;
    const isKept =
      (extent: ExtentRecord) =>
      (tag: string): boolean =>
        tagGoesAt(tag, extent, policy) > at;
    const { image } = store.parts.catalog;
    const old = tagged(image, table, (extent) => !extent.tags.every(isKept(extent)));
    for (const chunk of removalChunks(image, old))
      await commitExtents(
        store,
        chunk,
        chunk.map((extent) => retagged(extent, extent.tags.filter(isKept(extent)), randomBytes)),
      );
  }

  /** Tables that can be had back no more go, with all that they hold. */
  async expireDropped(): Promise<void> {
    const { catalog, now } = this.#parts.store.parts;
    const at = now();
    const over = [...catalog.image.all()].flatMap((record) =>
      record.kind === 'droppedTable' && recoverableUntil(record) <= at ? [record] : [],
    );
    for (const chunk of chunksOf(over))
      await catalog.change((draft) => {
        for (const record of chunk) if (draft.get(`x/${record.table.tableId}`) !== undefined) forget(draft, record);
      });
  }

  /** When something will have aged, or be to be flushed; undefined: never. Merges are not told of: who waits for a while has done them. */
  dueAt(): Instant | undefined {
    const { store } = this.#parts;
    const { catalog, log, now } = store.parts;
    let dueAt = Infinity;
    for (const record of catalog.image.all()) dueAt = Math.min(dueAt, this.#agesAt(record));
    if ([...log.all()].some(({ record }) => record.count > 0)) dueAt = Math.min(dueAt, now());
    return Number.isFinite(dueAt) ? instant(dueAt) : undefined;
  }

  #agesAt(record: CatalogRecord): number {
    const { store } = this.#parts;
    switch (record.kind) {
      case 'table': {
        if (record.stored !== undefined) return record.stored.expiresOn;
        const { softDeleteMs } = store.periods(record);
        const { image } = store.parts.catalog;
        const extents = image.extentsAndPagesOf(record.tableId);
        const tags = store.policy(record, 'extent_tags_retention');
        const goes = extents.length === 0 || record.policies.auto_delete?.DeleteIfNotEmpty === true;
        const autoDelete = goes ? autoDeleteAt(record.policies) : Infinity;
        const aged = extents.reduce((first, one) => Math.min(first, oldestOf(one) + softDeleteMs), autoDelete);
        if (tags === undefined) return aged;
        let first = aged;
        for (const extent of tagged(image, record, () => true))
          first = Math.min(first, ...extent.tags.map((tag) => tagGoesAt(tag, extent, tags)));
        return first;
      }
      case 'droppedTable':
        return Math.min(recoverableUntil(record), this.#agesAt(record.table));
      case 'requests':
        return record.at + requestsMs;
      case 'operation':
        return record.operation.lastUpdatedOn + historyMs;
      case 'failure':
        return record.failure.failedOn + historyMs;
      case 'dataOperation':
        return record.at + dataOperationsMs;
      default:
        return Infinity;
    }
  }

  /** Forgets old requests, operations and failures. */
  async forgetHistory(): Promise<void> {
    const { catalog, requests, now } = this.#parts.store.parts;
    const at = now();
    const old: string[] = [];
    const forgotten: string[] = [];
    for (const record of catalog.image.all()) {
      if (record.kind === 'requests' && record.at + requestsMs <= at) {
        old.push(`r/${record.requestsId}`);
        forgotten.push(...record.requests.map(({ key }) => key));
      } else if (record.kind === 'operation' && record.operation.lastUpdatedOn + historyMs <= at)
        old.push(`o/${record.operation.operationId}`);
      else if (record.kind === 'failure' && record.failure.failedOn + historyMs <= at)
        old.push(`f/${record.failureId}`);
      else if (record.kind === 'dataOperation' && record.at + dataOperationsMs <= at) old.push(recordId(record));
    }
    for (const chunk of chunksOf(old)) {
      await catalog.change((draft) => {
        for (const id of chunk) draft.delete(id);
      });
    }
    for (const key of forgotten) requests.remove(key);
  }

  /** Removes blobs that nothing names. */
  async collect(): Promise<void> {
    const { catalog, writer } = this.#parts.store.parts;
    await writer.collect(async () => {
      await catalog.fence();
      return namedBlobs(catalog.image);
    });
  }

  /** Finds which extents of a merge do not open, so that the next attempt does without them.
   * @throws `error` when each of them opens by itself */
  async #leaveOut(table: TableRecord, chosen: readonly ExtentRecord[], error: unknown): Promise<undefined> {
    const { files } = this.#parts.store.parts;
    const found = this.#unreadable.get(table.tableId) ?? new Map<Guid, string>();
    const before = found.size;
    for (const { extentId, sealed } of chosen) {
      try {
        (await files.open(sealed)).release();
      } catch (reason) {
        found.set(extentId, reason instanceof Error ? reason.name : 'unknown');
      }
    }
    if (found.size === before) throw error;
    this.#unreadable.set(table.tableId, found);
    return undefined;
  }

  async #write(
    source: OpenTable,
    table: TableRecord,
    facts: Parameters<TableStore['parts']['writer']['write']>[3],
  ): Promise<WrittenExtent | undefined> {
    const { store } = this.#parts;
    try {
      const names = [ingestionColumn, ...table.columns].map(({ columnId }) => columnName(columnId)).join(', ');
      const select = { sql: `SELECT ${names} FROM ${source.sql}`, bound: [] };
      return await store.withConnection((connection) => {
        connection.giveWay(); // whoever asks for something meanwhile does not compete with two threads
        return store.parts.writer.writeMerged(connection, select, table, facts);
      });
    } finally {
      source.release();
    }
  }

  /** The blob of an extent that no record names after all is deleted. */
  async #finish(extent: WrittenExtent | undefined): Promise<void> {
    if (extent === undefined) return;
    const { catalog, writer } = this.#parts.store.parts;
    if (catalog.image.get(`e/${extent.record.extentId}`) === undefined) await writer.abandon(extent);
    else writer.settled(extent);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** Unknown when it is of one of them. */
function lastOf(extents: readonly ExtentRecord[]): Pick<ExtentRecord, 'ingestedTo'> {
  const last = extents.map(({ ingestedAt, ingestedTo }) => ingestedAt ?? ingestedTo);
  const known = last.flatMap((at) => at ?? []);
  return known.length < last.length ? {} : { ingestedTo: Math.max(...known) };
}

function firstWithin(extents: readonly ExtentRecord[], bytesMax: number): readonly ExtentRecord[] {
  let bytes = 0;
  return extents.filter(({ sealed }) => (bytes += sealed.length) <= bytesMax);
}
