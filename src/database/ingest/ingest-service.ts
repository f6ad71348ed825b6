import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/guid.ts';
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
import type { CatalogReader } from '../catalog/image.ts';
import { CatalogDraft } from '../catalog/image.ts';
import type { ExtentRecord, TableRecord } from '../catalog/records.ts';
import { requestKey } from '../catalog/request-index.ts';
import type { RowBatch } from '../catalog/row-batch.ts';
import { createTable, findTable, mergeColumns, recreateColumns, requireTable } from '../catalog/table-changes.ts';
import type { StatementConnection } from '../../kql/duckdb/engine-database.ts';
import type { ExtentFacts, WrittenExtent } from '../extents/extent-writer.ts';
import { stageBatch } from '../extents/staging.ts';
import type { TableStore } from '../extents/table-store.ts';
import { columnName } from '../extents/tail-table.ts';
import type { BoundValue } from '../../kql/sql/context.ts';
import type { Format } from './formats.ts';
import { formatOfName, requireFormat } from './formats.ts';
import type { MappedColumn } from './ingestion-mapping.ts';
import { mappingFor, requireKept } from './target-table.ts';
import { parquetFailure, parquetSelect } from './parquet-select.ts';
import { readBatch } from './read-batch.ts';
import { stageSources } from './source-stage.ts';

/** Streaming requests and inline data are at most this long; larger data comes another way. */
export const ingestBytesMax = 4 * 1024 * 1024;
const inlineBytesMax = 64 * 1024 * 1024;
/** Batches up to this many values of up to this many bytes of source go to the log. */
const logBytesMax = 128 * 1024;

export interface IngestServiceParts {
  readonly store: TableStore;
  readonly randomBytes: RandomBytes;
  readonly view: (extent: ExtentRecord, table: TableRecord) => ExtentView;
}

/** Where rows go. */
export interface Target {
  readonly table: TableRecord;
  /** Makes the table in the commit what it is here, or finds that it is. */
  readonly change: (draft: CatalogDraft) => TableRecord;
  /** Tables whose other rows the commit drops. */
  readonly cleared?: (reader: CatalogReader) => readonly Guid[];
}

/** What of a request says what its data means. */
const howRead = (
  { mappingName = '', mapping = '' }: Pick<IngestRequest, 'mapping' | 'mappingName'>,
  { name }: Format,
): readonly string[] => [...[name, mappingName, mapping]];

type Select = { readonly sql: string; readonly bound: readonly BoundValue[] };

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
    requireKept(this.#parts.store, table, request.creationTime);
    const format = requireFormat(request.format);
    const mapping = mappingFor(store, request, table, format);
    if (request.requestId === undefined) return this.#add(request, table, format, mapping, undefined);
    const key = requestKey(table.tableId, request.requestId, [request.body, ...howRead(request, format)]);
    return await this.#once(key, () => this.#add(request, table, format, mapping, key));
  }

  /** Reads sources, and puts the rows of all of them into one extent, in one commit. */
  async ingestFrom(request: SourcesRequest): Promise<SourcesResult> {
    const { store } = this.#parts;
    const table = store.table(request.database, request.table);
    requireKept(this.#parts.store, table, request.creationTime);
    const names = request.sources.map(({ name }) => name);
    const format = requireFormat(request.format ?? formatOfName(names[0] ?? '') ?? 'csv');
    const mapping = mappingFor(store, request, table, format);
    const { requestId } = request;
    const key = requestId && requestKey(table.tableId, requestId, [...names, ...howRead(request, format)]);
    let bytes = 0;
    const add = (): Promise<IngestResult> =>
      store.withConnection(async (connection) => {
        const ignoreFirstRecord = request.ignoreFirstRecord ?? false;
        const how = { ...request, format, mapping, ignoreFirstRecord, columns: table.columns, signal: request.signal };
        const staged = await stageSources(connection, store.parts.files, how);
        bytes = staged.bytes;
        try {
          return await this.#addExtent(connection, { sql: staged.sql, bound: [] }, request, table, key, bytes);
        } catch (error) {
          throw await staged.explain(error);
        } finally {
          await staged.discard();
        }
      });
    return { ...(await (key === undefined ? add() : this.#once(key, add))), bytes };
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
    const planned = this.#target(request);
    const { table } = planned;
    requireKept(this.#parts.store, table, request.creationTime);
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
    facts: Pick<AppendRequest, 'tags' | 'creationTime'>,
  ): Promise<ExtentRecord | undefined> {
    return this.#withRows(rows, (connection, select) =>
      this.#parts.store.parts.writer.retried(async () => {
        const { table } = target;
        const extent = await this.#write(connection, positional(table, select), table, this.#facts(table, 0, facts));
        return this.#commit(extent, target, undefined);
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
        const facts = this.#facts(table, 0, {});
        const extent = await this.#write(connection, positional(table, select), table, facts);
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

  /** The table that rows go to; or one that is only planned: a new one, or one with other columns. */
  #target({ database, table: name, change }: AppendRequest): Target {
    const { store, randomBytes } = this.#parts;
    const { databaseId } = store.database(database);
    const { image } = store.parts.catalog;
    const exists = findTable(image, databaseId, name) !== undefined;
    if (change === undefined || (change.how === 'create' && exists)) return this.#existing(store.table(database, name));
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

  #existing(table: TableRecord): Target {
    return { table, change: (draft) => this.#parts.store.current(draft, table) };
  }

  #requireAllowed({ kind, body }: IngestRequest, table: TableRecord): void {
    const bytesMax = kind === 'streaming' ? ingestBytesMax : inlineBytesMax;
    if (body.byteLength > bytesMax)
      throw dataError(
        'PayloadTooLarge',
        `The data has ${body.byteLength} bytes; at most ${bytesMax} can be sent in one request.`,
      );
    if (kind === 'streaming' && this.#parts.store.policy(table, 'streamingingestion')?.IsEnabled !== true)
      throw dataError('StreamingDisabled', table.name);
  }

  async #add(
    request: IngestRequest,
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
    });
    if (batch.rowCount === 0) return { rowCount: 0, extentId: undefined, repeated: false };
    const plain = request.kind === 'streaming' && request.tags === undefined && request.creationTime === undefined;
    if (plain && request.body.byteLength <= logBytesMax) return this.#addToLog(batch, table, key);
    return this.#parts.store.withConnection(async (connection) => {
      const select = { sql: await stageBatch(connection, batch), bound: [] };
      return this.#addExtent(connection, select, request, table, key, request.body.byteLength);
    });
  }

  async #addToLog(batch: RowBatch, table: TableRecord, key: string | undefined): Promise<IngestResult> {
    const { store } = this.#parts;
    const { catalog, now } = store.parts;
    await catalog.change((draft) => {
      store.current(draft, table);
      draft.appendLog({ tableId: table.tableId, batch, at: now(), ...(key === undefined ? {} : { request: key }) });
    });
    return { rowCount: batch.rowCount, extentId: undefined, repeated: false };
  }

  #addParquet(
    request: IngestRequest,
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
    request: Pick<IngestRequest, 'tags' | 'creationTime'>,
    table: TableRecord,
    key: string | undefined,
    bytes: number,
  ): Promise<IngestResult> {
    const added = await this.#parts.store.parts.writer.retried(async () => {
      const extent = await this.#write(connection, select, table, this.#facts(table, bytes, request));
      return extent && this.#commit(extent, this.#existing(table), key);
    });
    return { rowCount: added?.rowCount ?? 0, extentId: added?.extentId, repeated: false };
  }

  #write(
    connection: StatementConnection,
    select: Select,
    table: TableRecord,
    facts: ExtentFacts,
  ): Promise<WrittenExtent | undefined> {
    const { writer, now } = this.#parts.store.parts;
    return writer.write(connection, select, table, facts, now());
  }

  /** The blob is durable; now the one commit that names it, together with the request id. */
  async #commit(
    extent: WrittenExtent | undefined,
    target: Target,
    key: string | undefined,
  ): Promise<ExtentRecord | undefined> {
    const { catalog, writer, sweeper, requests } = this.#parts.store.parts;
    try {
      const record = await catalog.change((draft) => {
        for (const tableId of target.cleared?.(draft) ?? []) draft.clearTable(tableId);
        const { tableId } = target.change(draft);
        if (extent === undefined) return undefined;
        const now = { ...writer.recordNow(extent), tableId };
        draft.put(now);
        if (key !== undefined) this.#putRequest(draft, key, now);
        return now;
      });
      if (extent !== undefined) writer.settled(extent);
      if (extent !== undefined && key !== undefined)
        requests.add({ key, rowCount: extent.record.rowCount, extentId: extent.record.extentId });
      if (target.cleared !== undefined) await sweeper.sweepSome();
      return record;
    } catch (error) {
      // Whether the commit was made may be unknown then: the blob is left to the next collection, which asks the catalog.
      if (extent !== undefined) writer.settled(extent);
      throw error;
    }
  }

  #putRequest(draft: CatalogDraft, key: string, { rowCount, extentId }: ExtentRecord): void {
    const requestsId: Guid = newGuid(this.#parts.randomBytes);
    draft.put({
      kind: 'requests',
      requestsId,
      at: this.#parts.store.parts.now(),
      requests: [{ key, rowCount, extentId }],
    });
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

/** Somebody may have made or changed the table since it was planned: rows for the one must fit the other.
 * @throws DataError `EntityExists` */
function requireAlike(table: TableRecord, planned: TableRecord): TableRecord {
  const ids = ({ columns }: TableRecord): string => columns.map(({ columnId, type }) => `${columnId} ${type}`).join();
  if (ids(table) !== ids(planned)) throw dataError('EntityExists', planned.name);
  return table;
}

/** Columns of a query become the table's by their order. */
function positional(table: TableRecord, { sql, bound }: Select): Select {
  const names = table.columns.map((_column, index) => `q${index}`);
  const outputs = table.columns.map(
    ({ columnId, type }, index) =>
      `${type === 'string' ? `coalesce(q${index}, '')` : `q${index}`} AS ${columnName(columnId)}`,
  );
  return { sql: `SELECT ${outputs.join(', ')} FROM (${sql}) AS query(${names.join(', ')})`, bound };
}
