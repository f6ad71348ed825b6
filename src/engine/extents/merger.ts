import { newGuid } from '../../base/guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { ExtentRecord, TableRecord } from '../catalog/records.ts';
import { dropHidden } from '../catalog/hidden-table.ts';
import type { OpenTable } from '../query-engine.ts';
import type { WrittenExtent } from './extent-writer.ts';
import { mergeable } from './merge-policy.ts';
import { isPastRetention } from './periods.ts';
import { openTable } from './table-sources.ts';
import type { TableStore } from './table-store.ts';
import { columnName, ingestionColumn } from './tail-table.ts';

export interface MergerParts {
  readonly store: TableStore;
  readonly randomBytes: RandomBytes;
}

const smallExtentsMin = 8;
/** Requests are remembered for so long. */
const requestsMs = 24 * 3_600_000;
const historyMs = 14 * 24 * 3_600_000;

/** Work in the background: the log becomes extents, small extents become larger ones, what is too old goes. */
export class Merger {
  readonly #parts: MergerParts;
  /** One merge of a cluster at a time: each takes memory and both cores. */
  #turn: Promise<unknown> = Promise.resolve();

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
    const { catalog, log, writer, files, now } = store.parts;
    log.closeSegments(table.tableId);
    await catalog.settled();
    const segments = log.segmentsOf(table.tableId).filter(({ record, open }) => !open && record.count > 0);
    if (segments.length === 0) return;
    const facts = {
      tableId: table.tableId,
      originalBytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
      minCreatedOn: Math.min(...segments.map(({ minAt }) => minAt)),
      maxCreatedOn: Math.max(...segments.map(({ maxAt }) => maxAt)),
      tags: [],
    };
    const source = await openTable({
      files,
      keys: () => catalog.keys,
      snapshot: () => ({ table, extents: [], segments }),
    });
    const extent = await this.#write(source, table, facts);
    const commit = catalog.change((draft) => {
      // Somebody may have cleared or dropped the table meanwhile: then its rows do not come back.
      const left = segments.filter(({ record }) => draft.get(`s/${record.segmentId}`) !== undefined);
      if (left.length < segments.length) return;
      for (const { record } of segments) draft.dropSegment(record);
      if (extent !== undefined) draft.put(writer.recordNow(extent));
      const requests = segments.flatMap((segment) => segment.requests);
      if (requests.length > 0) draft.put({ kind: 'requests', requestsId: newGuid(randomBytes), at: now(), requests });
    });
    await writer.committing(extent, commit);
    await this.#finish(extent);
  }

  /** Merges runs of small extents of one table. */
  merge(table: TableRecord): Promise<void> {
    return this.#inTurn(() => this.#parts.store.parts.writer.retried(() => this.#merge(table)));
  }

  async #merge(table: TableRecord): Promise<void> {
    const { store } = this.#parts;
    const { catalog, writer, files } = store.parts;
    const policies = { merge: store.policy(table, 'merge'), sharding: store.policy(table, 'sharding') };
    const extents = catalog.image.extentsOf(table.tableId);
    const chosen = mergeable(extents, policies, store.periods(table), store.parts.now());
    if (chosen.length < smallExtentsMin) return;
    const source = await openTable({
      files,
      keys: () => catalog.keys,
      snapshot: () => ({ table, extents: chosen, segments: [] }),
    });
    const extent = await this.#write(source, table, {
      tableId: table.tableId,
      originalBytes: chosen.reduce((sum, { originalBytes }) => sum + originalBytes, 0),
      minCreatedOn: Math.min(...chosen.map(({ minCreatedOn }) => minCreatedOn)),
      maxCreatedOn: Math.max(...chosen.map(({ maxCreatedOn }) => maxCreatedOn)),
      tags: [...new Set(chosen.flatMap(({ tags }) => tags))],
    });
    const commit = catalog.change((draft) => {
      if (chosen.some(({ extentId }) => draft.get(`e/${extentId}`) === undefined)) return false;
      for (const { extentId } of chosen) draft.delete(`e/${extentId}`);
      if (extent !== undefined) draft.put(writer.recordNow(extent));
      return true;
    });
    const done = await writer.committing(extent, commit);
    await this.#finish(extent);
    if (done) await writer.remove(chosen);
  }

  /** Drops what is past its retention and stored results that have expired, and forgets old requests, operations and failures. */
  async expire(): Promise<void> {
    const { store } = this.#parts;
    const { catalog, writer, requests, now } = store.parts;
    const at = now();
    const extents: ExtentRecord[] = [];
    const expired: TableRecord[] = [];
    const old: string[] = [];
    const forgotten: string[] = [];
    for (const record of catalog.image.all()) {
      if (record.kind === 'table' && record.stored !== undefined) {
        if (record.stored.expiresOn <= at) expired.push(record);
      } else if (record.kind === 'table') {
        const periods = store.periods(record);
        extents.push(
          ...catalog.image.extentsOf(record.tableId).filter((extent) => isPastRetention(extent, periods, at)),
        );
      } else if (record.kind === 'requests' && record.at + requestsMs <= at) {
        old.push(`r/${record.requestsId}`);
        forgotten.push(...record.requests.map(({ key }) => key));
      } else if (record.kind === 'operation' && record.operation.lastUpdatedOn + historyMs <= at)
        old.push(`o/${record.operation.operationId}`);
      else if (record.kind === 'failure' && record.failure.failedOn + historyMs <= at)
        old.push(`f/${record.failureId}`);
    }
    if (extents.length + expired.length + old.length === 0) return;
    extents.push(...expired.flatMap(({ tableId }) => catalog.image.extentsOf(tableId)));
    await catalog.change((draft) => {
      for (const { tableId } of expired) dropHidden(draft, tableId);
      for (const { extentId } of extents) draft.delete(`e/${extentId}`);
      for (const id of old) draft.delete(id);
    });
    for (const key of forgotten) requests.remove(key);
    await writer.remove(extents);
  }

  /** Removes blobs that nothing names. */
  async collect(): Promise<void> {
    const { catalog, writer } = this.#parts.store.parts;
    await writer.collect(async () => {
      await catalog.fence();
      const named = new Set<string>();
      for (const record of catalog.image.all()) if (record.kind === 'extent') named.add(record.sealed.blob);
      return named;
    });
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
      return await store.withConnection((connection) =>
        store.parts.writer.write(connection, select, table.columns, facts),
      );
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
