import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type {
  AppendRequest,
  AppendResult,
  IngestRequest,
  IngestResult,
  SourcesRequest,
  SourcesResult,
} from './ingest-request.ts';
import type { AppendRows } from '../catalog/append-rows.ts';
import type { ExtentView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { CatalogDraft } from '../catalog/catalog-draft.ts';
import type { ExtentRecord, KnownRequest, TableRecord } from '../catalog/records.ts';
import { requestKey } from '../catalog/request-index.ts';
import type { RowBatch } from '../catalog/row-batch.ts';
import type { StatementConnection } from '../../kql/duckdb/engine-database.ts';
import type { ExtentFacts, WrittenExtent } from '../extents/extent-writer.ts';
import { stageBatch } from '../extents/staging.ts';
import type { TableStore } from '../extents/table-store.ts';
import type { Noted } from './begin-read.ts';
import { beginRead } from './begin-read.ts';
import type { Format } from './formats.ts';
import { formatOfName, requireFormat } from './formats.ts';
import type { MappedColumn } from './ingestion-mapping.ts';
import { mappingFor, requireKept } from './target-table.ts';
import { parquetFailure, parquetSelect } from './parquet-select.ts';
import type { Select } from './positional.ts';
import { positional } from './positional.ts';
import type { Target } from './append-target.ts';
import { existingTarget, planTarget } from './append-target.ts';
import type { Derived, DeriveOptions, UpdatePolicies } from './update-policies.ts';
import { deriveOptions } from './update-policies.ts';
import { readBatch } from './read-batch.ts';
import { rowsOf, writeSources } from './source-extents.ts';

/** Streaming requests and inline data are at most this long; larger data comes another way. */
export const ingestBytesMax = 4 * 1024 * 1024;
const inlineBytesMax = 64 * 1024 * 1024;
/** Batches up to this many values of up to this many bytes of source go to the log. */
const logBytesMax = 128 * 1024;

export interface IngestServiceParts {
  readonly store: TableStore;
  readonly randomBytes: RandomBytes;
  readonly updates: UpdatePolicies;
  readonly view: (extent: ExtentRecord, table: TableRecord) => ExtentView;
}

/** What of a request says what its data means. */
const howRead = (
  { mappingName = '', mapping = '' }: Pick<IngestRequest, 'mapping' | 'mappingName'>,
  { name }: Format,
): readonly string[] => [...[name, mappingName, mapping]];

/** Ingestion: all rows of a request or none, once for each request id and content. */
export class IngestService {
  readonly #parts: IngestServiceParts;
  /** Requests under way, so that the same one sent twice at the same time is ingested once. */
  readonly #underWay = new Map<string, Promise<IngestResult>>();

  constructor(parts: IngestServiceParts) {
    this.#parts = parts;
  }

  async ingest(request: IngestRequest): Promise<IngestResult> {
    const { store } = this.#parts;
    const table = store.table(request.database, request.table);
    this.#requireAllowed(request, table);
    this.#requireKept(request, table);
    const format = requireFormat(request.format);
    const mapping = mappingFor(store, request, table, format);
    const asked = { ...request, note: beginRead(store, request, format, 1) };
    if (request.requestId === undefined) return this.#add(asked, table, format, mapping, undefined);
    const content = request.kind === 'recorded' ? [] : [request.body, ...howRead(request, format)];
    const key = requestKey(table.tableId, request.requestId, content);
    return await this.#once(key, () => this.#add(asked, table, format, mapping, key));
  }

  /** Reads sources, and puts the rows of all of them into extents, in one commit. */
  async ingestFrom(request: SourcesRequest): Promise<SourcesResult> {
    const { store } = this.#parts;
    const table = store.table(request.database, request.table);
    this.#requireKept(request, table);
    if (request.kind === 'streaming') this.#requireStreaming(table);
    const names = request.sources.map(({ name }) => name);
    const format = requireFormat(request.format ?? formatOfName(names[0] ?? '') ?? 'csv');
    const mapping = mappingFor(store, request, table, format);
    const { requestId } = request;
    const key = requestId && requestKey(table.tableId, requestId, [...names, ...howRead(request, format)]);
    let bytes = 0;
    const asked = { ...request, note: beginRead(store, request, format, names.length) };
    let extentIds: readonly Guid[] = [];
    const how = {
      ...{ format, mapping, table, facts: (some: number): ExtentFacts => this.#facts(table, some, request) },
      ignoreFirstRecord: request.ignoreFirstRecord ?? false,
    };
    const addOnce = (): Promise<IngestResult> =>
      store.parts.writer.retried(async () => {
        const written = await writeSources(store, { ...request, ...how });
        ({ bytes } = written);
        extentIds = written.extents.map(({ record }) => record.extentId);
        return this.#addExtents(written.extents, asked, table, key);
      });
    const result = await (key === undefined ? addOnce() : this.#once(key, addOnce));
    return { ...result, extentIds, bytes };
  }

  /** @param key of a request that is ingested once, however often it comes */
  async #once(key: string, add: () => Promise<IngestResult>): Promise<IngestResult> {
    const known = this.#parts.store.parts.requests.get(key);
    if (known !== undefined) return { rowCount: known.rowCount, extentId: known.extentId, repeated: true };
    const other = this.#underWay.get(key);
    if (other !== undefined) return { ...(await other), repeated: true };
    const work = add();
    this.#underWay.set(key, work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    const planned = planTarget(this.#parts.store, this.#parts.randomBytes, request);
    const { table } = planned;
    this.#requireKept(request, table);
    const { rows } = request;
    const { columns } = rows.kind === 'sql' ? rows : rows.statement;
    if (
      columns.length !== table.columns.length ||
      columns.some(({ type }, index) => type !== table.columns[index]?.type)
    ) {
      throw dataError(
        'InvalidSchema',
        `The query's columns do not match those of the table '${table.name}' in number and type.`,
      );
    }
    const target = { ...planned, ...(request.replace ? { cleared: () => [table.tableId] } : {}) };
    const added = await this.addRows(rows, target, request);
    return { extent: added && this.#parts.view(added, table) };
  }

  /** Rows of a query that fit the target's table, and what the target asks for, in one commit.
   * @returns undefined when there were no rows */
  addRows(
    rows: AppendRows,
    target: Target,
    facts: Partial<Pick<AppendRequest, 'tags' | 'creationTime' | 'replace' | 'by' | 'signal'>>,
  ): Promise<ExtentRecord | undefined> {
    const note = this.#parts.store.parts.operations.begin('SetOrAppend', facts.by);
    return this.#withRows(rows, (connection, select) =>
      this.#parts.store.parts.writer.retried(async () => {
        const { table } = target;
        const extent = await this.#write(connection, positional(table, select), table, facts);
        const extents = extent === undefined ? [] : [extent];
        return (await this.#commit(extents, { ...target, note }, undefined, deriveOptions(facts))).records[0];
      }),
    );
  }

  /** Rows of several queries, each for a table of its own, and what `change` does, in one commit. Order: a blob for each → the commit.
   * @param change told how many rows each table gets */
  async addTables<T>(
    parts: readonly { readonly rows: AppendRows; readonly table: TableRecord }[],
    change: (draft: CatalogDraft, counts: readonly number[]) => T,
  ): Promise<T> {
    const { catalog, writer } = this.#parts.store.parts;
    const write = (at: number, written: readonly (WrittenExtent | undefined)[]): Promise<T> => {
      const part = parts[at];
      if (part === undefined)
        return catalog.change((draft) => {
          const made = change(
            draft,
            written.map((extent) => extent?.record.rowCount ?? 0),
          );
          for (const extent of written) if (extent !== undefined) draft.put(writer.recordNow(extent));
          return made;
        });
      const { rows, table } = part;
      return this.#withRows(rows, async (connection, select) => {
        const extent = await this.#write(connection, positional(table, select), table, {});
        try {
          return await write(at + 1, [...written, extent]);
        } finally {
          // Without a commit the next collection removes the blob.
          if (extent !== undefined) writer.settled(extent);
        }
      });
    };
    return await writer.retried(() => write(0, []));
  }

  async #withRows<T>(
    rows: AppendRows,
    use: (connection: StatementConnection, select: Select) => Promise<T>,
  ): Promise<T> {
    if (rows.kind === 'statement') return await rows.statement.run(use);
    return await this.#parts.store.withConnection((connection) => use(connection, rows));
  }

  /** Rows that would be gone at once are not taken, unless update policies take them. */
  #requireKept({ creationTime }: Pick<IngestRequest, 'creationTime'>, table: TableRecord): void {
    if (!this.#parts.updates.isPassedOn(table)) requireKept(this.#parts.store, table, creationTime);
  }

  #requireAllowed({ kind, body }: IngestRequest, table: TableRecord): void {
    const bytesMax = kind === 'streaming' ? ingestBytesMax : inlineBytesMax;
    if (body.byteLength > bytesMax)
      throw dataError(
        'PayloadTooLarge',
        `The data has ${body.byteLength} bytes; at most ${bytesMax} can be sent in one request.`,
      );
    if (kind === 'streaming') this.#requireStreaming(table);
  }

  #requireStreaming(table: TableRecord): void {
    if (this.#parts.store.policy(table, 'streamingingestion')?.IsEnabled !== true)
      throw dataError('StreamingDisabled', table.name);
  }

  async #add(
    request: IngestRequest & Noted,
    table: TableRecord,
    format: Format,
    mapping: readonly MappedColumn[] | undefined,
    key: string | undefined,
  ): Promise<IngestResult> {
    const { reader } = format;
    if (reader.kind === 'parquet') return this.#addParquet(request, table, mapping, key);
    const batch = await readBatch(request.body, {
      format: { ...format, reader },
      columns: table.columns,
      mapping,
      ignoreFirstRecord: request.ignoreFirstRecord ?? false,
      constantFields: request.constantFields ?? false,
    });
    if (batch.rowCount === 0) return { rowCount: 0, extentId: undefined, repeated: false };
    const plain = request.kind !== 'inline' && request.tags === undefined && request.creationTime === undefined;
    if (plain && request.body.byteLength <= logBytesMax) return this.#addToLog(batch, table, key, request);
    return this.#parts.store.withConnection(async (connection) => {
      const select = { sql: await stageBatch(connection, batch), bound: [] };
      return this.#addExtent(connection, select, request, table, key, request.body.byteLength);
    });
  }

  async #addToLog(
    batch: RowBatch,
    table: TableRecord,
    key: string | undefined,
    request: IngestRequest,
  ): Promise<IngestResult> {
    const { store, updates } = this.#parts;
    const { catalog, now, writer, requests } = store.parts;
    const { rowCount } = batch;
    const at = now();
    const isPassedOn = updates.isPassedOn(table);
    const derived = await writer.retried(async () => {
      const made = await updates.derive(table, { table, batch, at }, deriveOptions(request));
      const commit = catalog.change((draft) => {
        store.current(draft, table);
        made.apply(draft);
        if (!isPassedOn)
          draft.appendLog({ tableId: table.tableId, batch, at, ...(key === undefined ? {} : { request: key }) });
        else if (key !== undefined) this.#putRequest(draft, { key, rowCount });
      });
      await commit.finally(() => made.settled());
      return made;
    });
    if (isPassedOn && key !== undefined) requests.add({ key, rowCount });
    return { rowCount, extentId: undefined, repeated: false, ...derived.told() };
  }

  #addParquet(
    request: IngestRequest & Noted,
    table: TableRecord,
    mapping: readonly MappedColumn[] | undefined,
    key: string | undefined,
  ): Promise<IngestResult> {
    const { store } = this.#parts;
    return store.withConnection(async (connection) => {
      const file = await store.parts.files.create();
      try {
        const sql = await parquetSelect(connection, file.path, request.body, table.columns, mapping);
        const select = { sql, bound: [] };
        try {
          return await this.#addExtent(connection, select, request, table, key, request.body.byteLength);
        } catch (error) {
          throw await parquetFailure(connection, file.path, error);
        }
      } finally {
        await file.discard();
      }
    });
  }

  async #addExtent(
    connection: StatementConnection,
    select: Select,
    request: Parameters<typeof deriveOptions>[0] & Pick<SourcesRequest, 'also'> & Noted,
    table: TableRecord,
    key: string | undefined,
    bytes: number,
  ): Promise<IngestResult> {
    const { store } = this.#parts;
    return store.parts.writer.retried(async () => {
      const extent = await this.#write(connection, select, table, request, bytes);
      return this.#addExtents(extent === undefined ? [] : [extent], request, table, key);
    });
  }

  async #addExtents(
    extents: readonly WrittenExtent[],
    request: Parameters<typeof deriveOptions>[0] & Pick<SourcesRequest, 'also'> & Noted,
    table: TableRecord,
    key: string | undefined,
  ): Promise<IngestResult> {
    const [first] = extents;
    if (first === undefined) return { rowCount: 0, extentId: undefined, repeated: false };
    const { note, also } = request;
    const target = { ...existingTarget(this.#parts.store, table), note, ...(also && { also }) };
    const { derived } = await this.#commit(extents, target, key, deriveOptions(request));
    return { rowCount: rowsOf(extents), extentId: first.record.extentId, repeated: false, ...derived.told() };
  }

  #write(
    connection: StatementConnection,
    select: Select,
    table: TableRecord,
    asked: Partial<Pick<AppendRequest, 'tags' | 'creationTime' | 'signal'>>,
    originalBytes = 0,
  ): Promise<WrittenExtent | undefined> {
    const { writer, now } = this.#parts.store.parts;
    return writer.write(connection, select, table, this.#facts(table, originalBytes, asked), now(), asked.signal);
  }

  /** The blobs are durable. Order: blobs of what update policies make of them → the one commit that names them all, together with the
   * request id. A table that keeps no rows has those of the others alone. */
  async #commit(
    extents: readonly WrittenExtent[],
    target: Target & Pick<SourcesRequest, 'also'> & Noted,
    key: string | undefined,
    options: DeriveOptions,
  ): Promise<{ readonly records: readonly ExtentRecord[]; readonly derived: Derived }> {
    const { store, updates } = this.#parts;
    const { catalog, writer, sweeper, requests } = store.parts;
    const { table } = target;
    const [first] = extents;
    const known = key && first && { key, rowCount: rowsOf(extents), extentId: first.record.extentId };
    let derived: Derived | undefined;
    try {
      const isPassedOn = updates.isPassedOn(table);
      const made = (derived = await updates.derive(table, first && { table, extents }, options));
      const records = await catalog.change((draft) => {
        if (target.also?.(draft) === false) return [];
        for (const tableId of target.cleared?.(draft) ?? []) draft.clearTable(tableId);
        const changed = target.change(draft);
        made.apply(draft);
        const now = extents.map((extent) => ({ ...writer.recordNow(extent), tableId: changed.tableId }));
        if (!isPassedOn && first !== undefined) {
          for (const record of now) draft.put(record);
          target.note(draft, changed, now);
        }
        if (known) this.#putRequest(draft, known);
        return now;
      });
      if (isPassedOn) for (const extent of extents) await writer.abandon(extent);
      if (known) requests.add(known);
      if (target.cleared !== undefined) await sweeper.sweepSome();
      return { records, derived };
    } finally {
      // Whether the commit was made may be unknown then: blobs are left to the next collection, which asks the catalog.
      for (const extent of extents) writer.settled(extent);
      derived?.settled();
    }
  }

  #putRequest(draft: CatalogDraft, request: KnownRequest): void {
    const requestsId: Guid = newGuid(this.#parts.randomBytes);
    draft.put({ kind: 'requests', requestsId, at: this.#parts.store.parts.now(), requests: [request] });
  }

  #facts(
    table: TableRecord,
    originalBytes: number,
    { tags, creationTime }: Pick<IngestRequest, 'tags' | 'creationTime'>,
  ): ExtentFacts {
    const createdOn = creationTime ?? this.#parts.store.parts.now();
    return {
      tableId: table.tableId,
      originalBytes,
      minCreatedOn: createdOn,
      maxCreatedOn: createdOn,
      tags: tags ?? [],
    };
  }
}
