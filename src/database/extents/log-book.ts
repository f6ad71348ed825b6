import type { KeyObject } from 'node:crypto';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { LogWriter, PreparedLog } from '../catalog/log-writer.ts';
import { CatalogDamagedError, tagOf } from '../catalog/catalog-seal.ts';
import type { SealedRecord } from '../catalog/catalog-store.ts';
import type { DataKeys } from '../catalog/data-keys.ts';
import type { FollowedCommits } from '../catalog/catalog-follow.ts';
import type { CatalogDraft } from '../catalog/catalog-draft.ts';
import type { CatalogReader } from '../catalog/image.ts';
import type { LogAppend } from '../catalog/log-append.ts';
import { ownerOf } from '../catalog/image.ts';
import type { IngestedAt } from '../catalog/ingestion-order.ts';
import { ingestionOf } from '../catalog/ingestion-order.ts';
import type { KnownRequest, SegmentRecord } from '../catalog/records.ts';
import { logRecordId } from '../catalog/records.ts';
import { batchFromJson, batchToJson } from '../catalog/row-batch.ts';
import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { openLogRecord, sealLogRecord } from './log-seal.ts';
import type { StoredColumn } from './tail-table.ts';
import { columnsOf, isSameColumns, TailTable } from './tail-table.ts';

/** A segment in use: its record as last committed, and its rows. */
export interface Segment {
  record: SegmentRecord;
  readonly key: KeyObject;
  readonly tail: TailTable;
  readonly requests: KnownRequest[];
  /** Takes more records. */
  open: boolean;
  bytes: number;
  minAt: number;
  maxAt: number;
  /** Of its newest rows. */
  ingestedTo: IngestedAt;
}

export interface LogBookOptions {
  readonly clusterId: string;
  readonly randomBytes: RandomBytes;
  readonly connect: () => Promise<EngineConnection>;
  /** @returns undefined for a table that is not there */
  readonly databaseOf: (tableId: Guid) => Guid | undefined;
  /** A request was ingested. */
  readonly known: (request: KnownRequest) => void;
}

const recordsPerSegmentMax = 1_000;
const bytesPerSegmentMax = 8 * 1024 * 1024;

interface LogPayload {
  readonly at: number;
  readonly isUntimed?: true;
  readonly batches: readonly unknown[];
  readonly requests: readonly KnownRequest[];
}

/** The log of small writes: rows are durable as a sealed record before they are in any extent. One record holds what one commit
 * adds to one table. A segment belongs to one table and one list of columns. */
export class LogBook implements LogWriter {
  readonly #options: LogBookOptions;
  readonly #segments = new Map<Guid, Segment>();
  readonly #openByTable = new Map<Guid, Segment>();
  /** Of databases whose own key is not here: kept as they are stored. */
  readonly #locked = new Map<Guid, { record: SegmentRecord; readonly log: ReadonlyMap<string, SealedRecord> }>();
  /** Data may be opened again over the same engine. */
  readonly #tablePrefix: string;
  #tails = 0;

  constructor(options: LogBookOptions) {
    this.#options = options;
    this.#tablePrefix = `tail_${Buffer.from(options.randomBytes(8)).toString('hex')}`;
  }

  /** Reads a segment that an earlier process wrote. It takes no more records: nobody knows what that process tried last.
   * @throws CatalogDamagedError */
  load(record: SegmentRecord, keys: DataKeys, log: ReadonlyMap<string, SealedRecord>): void {
    const databaseId = this.#options.databaseOf(record.tableId);
    if (databaseId === undefined) return; // its table has gone meanwhile
    if (keys.isLocked(databaseId)) {
      const ids = Array.from({ length: record.count }, (_, sequence) => logRecordId(record.segmentId, sequence));
      this.#locked.set(record.segmentId, { record, log: new Map(ids.flatMap((id) => entryOf(log, id))) });
      return;
    }
    const key = keys.openSegmentKey(Buffer.from(record.wrappedKey, 'base64url'), databaseId);
    this.#read(record, log, { key, from: 0, before: new Uint8Array() });
  }

  /** @throws CatalogDamagedError */
  #read(
    record: SegmentRecord,
    log: ReadonlyMap<string, SealedRecord>,
    { key, from, ...known }: { readonly key: KeyObject; readonly from: number; before: Uint8Array; segment?: Segment },
  ): void {
    let { segment, before } = known;
    for (let sequence = from; sequence < record.count; sequence += 1) {
      const sealed = log.get(logRecordId(record.segmentId, sequence));
      if (sealed === undefined) throw new CatalogDamagedError('a log record is missing');
      const place = { clusterId: this.#options.clusterId, segmentId: record.segmentId, sequence, before };
      const payload = JSON.parse(openLogRecord(key, place, sealed.bytes).toString('utf8')) as LogPayload;
      before = tagOf(sealed.bytes);
      for (const json of payload.batches) {
        const batch = batchFromJson(json);
        segment ??= this.#segment(record, key, columnsOf(batch.columns), false);
        add(segment, { ...payload, batch }, sealed.bytes.byteLength);
      }
      segment?.requests.push(...payload.requests);
      for (const request of payload.requests) this.#options.known(request);
    }
    if (Buffer.from(before).toString('base64url') !== record.head)
      throw new CatalogDamagedError('the log has another end');
  }

  /** Takes over what another process has committed, which the catalog has already. This one logs nothing itself.
   * @throws CatalogDamagedError: then it is to be read anew from its beginning */
  follow(
    { records, log }: Pick<FollowedCommits, 'records' | 'log'>,
    image: Pick<CatalogReader, 'get'>,
    keys: DataKeys,
  ): void {
    const isGone = (segmentId: Guid): boolean => image.get(`s/${segmentId}`) === undefined;
    for (const segment of [...this.#segments.values()]) if (isGone(segment.record.segmentId)) this.#drop(segment);
    for (const segmentId of [...this.#locked.keys()]) if (isGone(segmentId)) this.#locked.delete(segmentId);
    for (const record of records.values()) {
      if (record?.kind !== 'segment' || isGone(record.segmentId)) continue;
      const segment = this.#segments.get(record.segmentId);
      const locked = this.#locked.get(record.segmentId);
      if (segment === undefined) {
        this.#locked.delete(record.segmentId);
        this.load(record, keys, locked === undefined ? log : new Map([...locked.log, ...log]));
        continue;
      }
      const before = Buffer.from(segment.record.head, 'base64url');
      this.#read(record, log, { key: segment.key, from: segment.record.count, before, segment });
      segment.record = record;
    }
  }

  /** Reads the segments of databases whose keys have come since. @throws CatalogDamagedError */
  unlock(keys: DataKeys): void {
    for (const [segmentId, { record, log }] of [...this.#locked]) {
      const databaseId = this.#options.databaseOf(record.tableId);
      if (databaseId !== undefined && keys.isLocked(databaseId)) continue;
      this.#locked.delete(segmentId);
      this.load(record, keys, log);
    }
  }

  segmentsOf(tableId: Guid): Segment[] {
    return [...this.#segments.values()].filter(({ record }) => record.tableId === tableId);
  }

  all(): Iterable<Segment> {
    return this.#segments.values();
  }

  /** Tables that have segments, read or not. */
  tables(): ReadonlySet<Guid> {
    return new Set([...this.#segments.values(), ...this.#locked.values()].map(({ record }) => record.tableId));
  }

  /** Rows that come from now on go to other segments. */
  closeSegments(tableId: Guid): void {
    const open = this.#openByTable.get(tableId);
    if (open !== undefined) open.open = false;
    this.#openByTable.delete(tableId);
  }

  prepare(draft: CatalogDraft, keys: DataKeys): PreparedLog {
    const writes = new Map<string, SealedRecord>();
    const written: {
      readonly segment: Segment;
      readonly record: SegmentRecord;
      readonly appends: readonly LogAppend[];
      readonly bytes: number;
    }[] = [];
    for (const tableId of draft.clearedTables) this.closeSegments(tableId);
    for (const appends of grouped(draft.logAppends)) {
      const [first] = appends;
      if (first === undefined) continue;
      const segment = this.#openSegment(first, draft, keys);
      const { record } = segment;
      const place = {
        clusterId: this.#options.clusterId,
        segmentId: record.segmentId,
        sequence: record.count,
        before: Buffer.from(record.head, 'base64url'),
      };
      const bytes = sealLogRecord(segment.key, place, encoded(appends));
      const next = { ...record, count: record.count + 1, head: tagOf(bytes).toString('base64url') };
      draft.put(next);
      writes.set(logRecordId(record.segmentId, record.count), {
        generation: keys.generation,
        revision: record.count + 1,
        bytes,
      });
      written.push({ segment, record: next, appends, bytes: bytes.byteLength });
    }
    return {
      writes,
      committed: () => {
        for (const { segment, record, appends, bytes } of written) {
          segment.record = record;
          segment.bytes += bytes;
          for (const append of appends) add(segment, append, 0);
          const requests = requestsOf(appends);
          segment.requests.push(...requests);
          for (const request of requests) this.#options.known(request);
          if (record.count >= recordsPerSegmentMax || segment.bytes >= bytesPerSegmentMax)
            this.closeSegments(record.tableId);
        }
        for (const { record } of [...this.#locked.values()])
          if (draft.changes.get(`s/${record.segmentId}`) === null) this.#locked.delete(record.segmentId);
        const dropped = ({ record }: Segment): boolean => draft.changes.get(`s/${record.segmentId}`) === null;
        // What a group logs for a table that it empties comes after that.
        const kept = new Set(written.map(({ segment }) => segment));
        for (const segment of [...this.#segments.values()])
          if (dropped(segment) || (draft.clearedTables.has(segment.record.tableId) && !kept.has(segment)))
            this.#drop(segment);
      },
      failed: () => {
        // The sequence number is used up: the next attempt goes to another segment under another key.
        for (const { segment } of written) {
          this.closeSegments(segment.record.tableId);
          if (segment.record.count === 0) this.#drop(segment);
        }
      },
    };
  }

  #openSegment({ tableId, batch }: LogAppend, draft: CatalogDraft, keys: DataKeys): Segment {
    const columns = columnsOf(batch.columns);
    const open = this.#openByTable.get(tableId);
    if (open !== undefined && isSameColumns(open.tail.columns, columns)) return open;
    this.closeSegments(tableId);
    const table = ownerOf(draft, tableId);
    invariant(table !== undefined, 'rows are logged for a table');
    const { key, wrapped } = keys.makeSegmentKey(table.databaseId);
    const segmentId = newGuid(this.#options.randomBytes);
    const wrappedKey = Buffer.from(wrapped).toString('base64url');
    const segment = this.#segment(
      { kind: 'segment', segmentId, tableId, wrappedKey, count: 0, head: '' },
      key,
      columns,
      true,
    );
    this.#openByTable.set(tableId, segment);
    return segment;
  }

  #segment(record: SegmentRecord, key: KeyObject, columns: readonly StoredColumn[], open: boolean): Segment {
    this.#tails += 1;
    const tail = new TailTable(`${this.#tablePrefix}_${this.#tails}`, columns, this.#options.connect);
    const segment: Segment = {
      record,
      key,
      tail,
      requests: [],
      open,
      bytes: 0,
      minAt: Infinity,
      maxAt: 0,
      ingestedTo: 0,
    };
    this.#segments.set(record.segmentId, segment);
    return segment;
  }

  /** Gives back the tables of all rows, as soon as nobody reads them. */
  close(): void {
    for (const segment of [...this.#segments.values()]) this.#drop(segment);
  }

  /** After a change of custody: the records name newly wrapped keys. */
  rewrapped(records: Iterable<SegmentRecord>): void {
    for (const record of records) {
      const segment = this.#segments.get(record.segmentId);
      if (segment !== undefined) segment.record = record;
      const locked = this.#locked.get(record.segmentId);
      if (locked !== undefined) locked.record = record;
    }
  }

  #drop(segment: Segment): void {
    const { segmentId, tableId } = segment.record;
    if (this.#openByTable.get(tableId) === segment) this.#openByTable.delete(tableId);
    this.#segments.delete(segmentId);
    segment.tail.drop();
  }
}

const entryOf = (log: ReadonlyMap<string, SealedRecord>, id: string): [string, SealedRecord][] => {
  const found = log.get(id);
  return found === undefined ? [] : [[id, found]];
};

function add(
  segment: Segment,
  { batch, at, isUntimed }: Pick<LogAppend, 'batch' | 'at' | 'isUntimed'>,
  bytes: number,
): void {
  segment.tail.add(batch, isUntimed === true ? undefined : at);
  segment.bytes += bytes;
  segment.minAt = Math.min(segment.minAt, Math.trunc(at));
  segment.maxAt = Math.max(segment.maxAt, Math.trunc(at));
  if (isUntimed !== true) segment.ingestedTo = Math.max(segment.ingestedTo, ingestionOf(at));
}

/** By table and list of columns. */
function grouped(appends: readonly LogAppend[]): LogAppend[][] {
  const groups = new Map<string, LogAppend[]>();
  for (const append of appends) {
    const key = `${append.tableId} ${append.batch.columns.map(({ columnId }) => columnId).join()}`;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(append);
  }
  return [...groups.values()];
}

const requestsOf = (appends: readonly LogAppend[]): KnownRequest[] =>
  appends.flatMap(({ request, batch }) => (request === undefined ? [] : [{ key: request, rowCount: batch.rowCount }]));

function encoded(appends: readonly LogAppend[]): Buffer {
  const payload: LogPayload = {
    at: Math.max(...appends.map(({ at }) => at)),
    // All of one commit and one table, and so of one policy.
    ...(appends.some(({ isUntimed }) => isUntimed === true) && { isUntimed: true }),
    batches: appends.map(({ batch }) => batchToJson(batch)),
    requests: requestsOf(appends),
  };
  return Buffer.from(JSON.stringify(payload));
}
