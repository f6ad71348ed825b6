import type { Guid } from '../base/guid.ts';
import { newGuid } from '../base/new-guid.ts';
import type { RandomBytes } from '../base/random.ts';
import type { Instant } from '../clock/clock.ts';
import { instant } from '../clock/clock.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import type { EngineDatabase } from '../kql/duckdb/engine-database.ts';
import type { ExtentExchange } from './extents/extent-exchange.ts';
import type { ExtentFiles } from './extents/extent-files.ts';
import { createExtentMoves } from './extents/extent-moves.ts';
import { createExtentService, extentView } from './extents/extent-service.ts';
import { ExtentWriter } from './extents/extent-writer.ts';
import { createDroppedTables } from './dropped-tables.ts';
import { createGraphModels } from './graph-models.ts';
import type { HotLimits } from './extents/hot-extents.ts';
import { HotExtents } from './extents/hot-extents.ts';
import { LogBook } from './extents/log-book.ts';
import { Merger } from './extents/merger.ts';
import { packExtents } from './extents/pack-extents.ts';
import { createStoredResults } from './stored-results.ts';
import { chunksOf, Sweeper } from './extents/sweeper.ts';
import { TableStore } from './extents/table-store.ts';
import { createMaterializedViews } from './views/view-service.ts';
import { Materializer } from './views/materializer.ts';
import { Upkeep } from './extents/upkeep.ts';
import { journalOf } from './catalog/journal.ts';
import { createOperationsUnderWay } from './operations-under-way.ts';
import { createContinuousExports, forgetExports } from './exports/continuous-exports.ts';
import { exportRows } from './exports/export-rows.ts';
import { openExternalData } from './ingest/external-table.ts';
import { openInlineTable } from './ingest/inline-external-table.ts';
import { readDeltaTable } from './ingest/delta-log.ts';
import { externalSourceOf } from './ingest/external-table-request.ts';
import { externalFiles, openExternalTable } from './ingest/named-external-table.ts';
import type { SourceOf } from './ingest/data-source.ts';
import { parseMapping } from './ingest/ingestion-mapping.ts';
import { IngestService } from './ingest/ingest-service.ts';
import { createRowChanges } from './ingest/row-changes.ts';
import { UpdatePolicies } from './ingest/update-policies.ts';
import type { DataQueries } from './ingest/update-query.ts';
import type { KqlCatalog } from '../kql/plan/catalog.ts';
import type { DatabaseView } from './catalog/catalog-view.ts';
import { requireCallout } from './catalog/callout-policy.ts';
import { Catalog } from './catalog/catalog.ts';
import type { CatalogRewrap } from './catalog/catalog.ts';
import type { FollowedRecord } from './catalog/catalog-follow.ts';
import { ticksOfIngestion } from './catalog/ingestion-order.ts';
import { dropHidden } from './catalog/hidden-table.ts';
import { forget } from './catalog/dropped-tables.ts';
import type { CatalogReader } from './catalog/image.ts';
import { ownerOf } from './catalog/image.ts';
import type { CatalogStore } from './catalog/catalog-store.ts';
import type { ClusterData } from './cluster-data.ts';
import type { DataKeys, Rewrap } from './catalog/data-keys.ts';
import { DataOperations, dataOperationsOf } from './catalog/data-operations.ts';
import { createExternalTables } from './catalog/external-tables.ts';
import { createHistory } from './catalog/history.ts';
import type { KnownRequest, TableRecord } from './catalog/records.ts';
import { recordId } from './catalog/records.ts';
import { bytesAtRest } from './catalog/sealed-extent.ts';
import { RequestIndex } from './catalog/request-index.ts';
import { createSchemaService } from './catalog/schema-service.ts';
import { createQueuedStorage } from './queued/queued-storage.ts';
import { followCommits } from './follow-commits.ts';
import { keepAccess } from './keep-access.ts';
import { clusterSettingsOf, createClusterSettings } from './catalog/cluster-settings.ts';
import { createWorkloadGroups } from './catalog/workload-groups.ts';
import { databaseView, kqlCatalogOf, tableView, withStoredResults } from './catalog/views.ts';

export interface ClusterDataOptions {
  readonly clusterId: Guid;
  /** The host name of the cluster: `current_cluster_endpoint()`, and what `cluster()` knows. */
  readonly endpoint: string;
  readonly keys: DataKeys;
  readonly store: CatalogStore;
  readonly blobs: BlobStore;
  readonly files: ExtentFiles;
  readonly exchange: (parts: {
    readonly keys: () => DataKeys;
    readonly writer: ExtentWriter;
    readonly tables: TableStore;
  }) => ExtentExchange;
  /** Shared with the query engine: rows of the log are tables in it. */
  readonly engine: EngineDatabase;
  /** Of the same engine, for what tables are filled with when others are. */
  readonly queries: DataQueries;
  /** Of the engine's memory, for tables of extents that are read often; absent: there are none. */
  readonly hot?: HotLimits;
  readonly now: () => Instant;
  readonly randomBytes: RandomBytes;
  /** See `CatalogOptions`; so is the next. */
  readonly pause: () => Promise<void>;
  readonly extentsPerPage?: number;
  /** See `DataOperationParts`. */
  readonly processorsUsed?: () => number;
}

/** What the owner of the process needs besides `ClusterData`. */
export interface OpenedClusterData extends ClusterData {
  /** Change of custody: see `Catalog.rewrap`. */
  rewrap(next: DataKeys, rewrap: Rewrap, change: Guid): Promise<CatalogRewrap>;
  readonly generation: number;
  /** Keys of databases have come: their rows in the log are read. @throws CatalogDamagedError */
  unlock(): void;
  /** See `followCommits`: where this process only reads. */
  follow(changed: readonly FollowedRecord[]): void;
  /** Nobody uses it any more: what it has in the engine goes. Nothing is written. */
  abandon(): void;
  /** Extents that are tables in the engine's memory. */
  readonly hot: HotExtents | undefined;
  /** It can make no change any more, because nobody knows what is stored: open the data anew. */
  readonly broken: boolean;
}

/** @throws CatalogDamagedError */
export async function openClusterData(options: ClusterDataOptions): Promise<OpenedClusterData> {
  const { clusterId, randomBytes, engine, queries, now, blobs, files } = options;
  const { catalog, log: logRecords } = await Catalog.open(options);
  const requests = new RequestIndex();
  const connect = () => engine.connect();
  const databaseOf = (tableId: Guid): Guid | undefined => ownerOf(catalog.image, tableId)?.databaseId;
  const known = (request: KnownRequest): void => requests.add(request);
  const log = new LogBook({ ...{ clusterId, randomBytes, connect, known }, databaseOf });
  for (const record of catalog.image.all()) {
    if (record.kind === 'requests') for (const request of record.requests) requests.add(request);
    if (record.kind === 'segment') log.load(record, catalog.keys, logRecords);
  }
  catalog.useLog(log);
  await keepAccess({ ...options, catalog });
  const hot = options.hot && new HotExtents({ files, connect, ...options.hot });
  const writer = new ExtentWriter({ clusterId, files, blobs, randomBytes, hot, keys: () => catalog.keys });
  const sweeper = new Sweeper(catalog, writer);
  const operations = new DataOperations({ image: catalog.image, ...options });
  const tables = new TableStore({ catalog, log, writer, sweeper, files, requests, connect, hot, now, operations });
  const merger = new Merger({ store: tables, randomBytes });
  const removeDatabases = (databaseIds: readonly Guid[]): Promise<void> => removeDropped(catalog, sweeper, databaseIds);
  const upkeep = new Upkeep({
    expireQueued: () => queued.expire(),
    packExtents: (table) => packExtents(tables, table, options.extentsPerPage),
    ...{ merger, sweeper, removeDatabases, now },
    materialize: async (table) => {
      if (table.view !== undefined) await materializer.run({ ...table, view: table.view });
    },
    tables: () => openTables(catalog),
  });
  const materializer = new Materializer({
    ...{ store: tables, queries, randomBytes },
    catalog: () => views.kqlCatalog(undefined),
  });
  const exchange = options.exchange({ keys: () => catalog.keys, writer, tables });
  const history = createHistory(catalog, randomBytes);
  const views = new Views(catalog, tables, options.endpoint, newGuid(randomBytes));
  const updates = new UpdatePolicies({
    ...{ store: tables, queries, randomBytes },
    catalog: () => views.kqlCatalog(undefined),
    recordFailure: (failure) => history.recordIngestionFailure(failure),
  });
  const ingestion = new IngestService({
    store: tables,
    randomBytes,
    updates,
    view: (extent, table) => extentView(tables, extent, table),
  });
  /** By what the callout policy says when it is read. */
  const calledOut = <Request extends { readonly sourceOf: SourceOf }>(request: Request): Request => ({
    ...request,
    sourceOf: (address, use) => {
      const source = request.sourceOf(address, use);
      requireCallout(clusterSettingsOf(catalog.image), 'external_data', source.name);
      return source;
    },
  });
  const queued = createQueuedStorage({
    ...{ clusterId, catalog, writer, randomBytes, now, store: tables, ingestion },
    databaseNamed: (name) =>
      tables.databases().find((one) => one.name.toLowerCase() === name.toLowerCase())?.databaseId,
  });
  const schema = createSchemaService({
    catalog,
    randomBytes,
    now,
    sweep: () => sweeper.sweepSome(),
    requireMapping: parseMapping,
    databaseId: (name) => tables.database(name).databaseId,
  });

  const externalTables = createExternalTables(catalog, (name) => tables.database(name).databaseId);
  const continuousExports = createContinuousExports(tables, randomBytes);

  return {
    ...schema,
    ...createExtentService(tables, merger, exchange),
    ...createExtentMoves(tables, merger, randomBytes),
    ...createRowChanges({ store: tables, merger, updates, randomBytes }),
    ...createDroppedTables(tables, merger),
    ...createStoredResults(tables, ingestion, randomBytes),
    ...createGraphModels(tables, ingestion, randomBytes),
    ...createMaterializedViews(
      { store: tables, queries, randomBytes, catalog: () => views.kqlCatalog(undefined) },
      materializer,
      merger,
    ),
    ...continuousExports,
    setDatabases: (databases) => {
      tables.setDatabases(databases);
      views.changed();
      return Promise.resolve();
    },
    removeDatabases,
    holdsDatabase: (databaseId) =>
      catalog.image.get(`d/${databaseId}`) !== undefined || heldTables(catalog.image, databaseId).length > 0,
    databaseBytes: (databaseId) => {
      const held = heldTables(catalog.image, databaseId);
      const extents = held
        .flatMap(({ tableId }) => catalog.image.extentsAndPagesOf(tableId))
        .reduce((sum, one) => sum + (one.kind === 'extent' ? bytesAtRest(one.sealed) : one.facts.bytesAtRest), 0);
      return (
        extents + held.flatMap(({ tableId }) => log.segmentsOf(tableId)).reduce((sum, { bytes }) => sum + bytes, 0)
      );
    },
    databases: () => views.databases(),
    database: (name) => databaseView(catalog.image, tables.database(name)),
    table: (database, table) => tableView(tables.table(database, table), tables.database(database).name),
    cursor: () => ticksOfIngestion(catalog.ingestedTo),
    kqlCatalog: (principal) => views.kqlCatalog(principal),
    sources: (principal) => ({
      open: (database, table, uses, _signal, turn) =>
        tables.openNamed(database, table, principal, uses, undefined, turn),
    }),
    ingest: (request) => ingestion.ingest(request),
    ingestFrom: (request) => ingestion.ingestFrom(request),
    queued,
    readExternal: (request) => openExternalData({ connect, files }, calledOut(request)),
    readInlineTable: (request) => openInlineTable({ connect, files }, calledOut(request)),
    readExternalTable: async (database, request) =>
      openExternalTable(
        { connect, files },
        { ...calledOut(request), database, table: externalTables.externalTable(database, request.named.name) },
      ),
    externalFiles: (database, name, request) =>
      externalFiles(
        { connect, files },
        { ...calledOut(request), database, table: externalTables.externalTable(database, name) },
      ),
    deltaSchema: async (database, address, request) => {
      const folder = externalSourceOf(calledOut(request).sourceOf, database)(address);
      return (await readDeltaTable({ connect, files }, folder, request.signal)).schema;
    },
    exportRows: (request) => exportRows({ connect, files }, request),
    append: (request) => ingestion.append(request),
    ...history,
    journal: () => journalOf(catalog.image),
    dataOperations: () => dataOperationsOf(catalog.image),
    underWay: createOperationsUnderWay(),
    ...createWorkloadGroups(catalog),
    ...createClusterSettings(catalog),
    ...externalTables,
    maintain: (options) => upkeep.run(options),
    upkeepDueAt: () => {
      const isDue = openTables(catalog).some(
        (table) => table.view !== undefined && materializer.isDue({ ...table, view: table.view }),
      );
      const exportOn = continuousExports.exportsDueOn();
      return earliest(
        ...[merger.dueAt(), queued.dueOn(), isDue ? now() : undefined],
        exportOn === undefined ? undefined : instant(exportOn),
      );
    },
    upkeepProblems: () => upkeep.problems,
    close: async () => {
      for (const table of openTables(catalog)) await merger.flush(table);
      await catalog.close();
    },
    abandon: () => {
      hot?.dispose();
      log.close();
    },
    hot,
    follow: (changed) => followCommits({ catalog, log, writer }, changed),
    unlock: () => log.unlock(catalog.keys),
    rewrap: async (next, how, change) => {
      const planned = await catalog.rewrap(next, how, change);
      return {
        ...planned,
        adopt: () => {
          planned.adopt();
          log.rewrapped([...log.tables()].flatMap((tableId) => catalog.image.segmentsOf(tableId)));
        },
      };
    },
    get generation() {
      return catalog.keys.generation;
    },
    get broken() {
      return catalog.broken;
    },
  };
}

const earliest = (...times: readonly (Instant | undefined)[]): Instant | undefined =>
  times.reduce(
    (least, time) => (least === undefined || (time !== undefined && time < least) ? time : least),
    undefined,
  );

interface MadeViews {
  readonly version: string;
  readonly databases: readonly DatabaseView[];
  readonly kql: KqlCatalog;
}

/** What commands and the parser see, made once for each version of the schema. */
class Views {
  readonly #catalog: Catalog;
  readonly #tables: TableStore;
  readonly #cluster: string;
  readonly #nonce: string;
  #changes = 0;
  #made: MadeViews | undefined;

  constructor(catalog: Catalog, tables: TableStore, cluster: string, nonce: string) {
    this.#catalog = catalog;
    this.#tables = tables;
    this.#cluster = cluster;
    this.#nonce = nonce;
  }

  changed(): void {
    this.#changes += 1;
  }

  databases(): readonly DatabaseView[] {
    return this.#current().databases;
  }

  kqlCatalog(principal: string | undefined): KqlCatalog {
    const { kql } = this.#current();
    const now = this.#tables.parts.now();
    const stored = this.#tables
      .databases()
      .flatMap(({ databaseId, name }) =>
        this.#catalog.image.storedResultsOf(databaseId).map((record) => ({ database: name, ...record })),
      )
      .filter((record) => record.stored.principal === principal && record.stored.expiresOn > now);
    return stored.length === 0 ? kql : withStoredResults(kql, stored);
  }

  #current(): MadeViews {
    const version = `${this.#nonce}.${this.#changes}.${this.#catalog.schemaVersion}`;
    if (this.#made?.version === version) return this.#made;
    const databases = this.#tables.databases().map((database) => databaseView(this.#catalog.image, database));
    const { disabledPlugins } = clusterSettingsOf(this.#catalog.image);
    this.#made = { version, databases, kql: kqlCatalogOf(version, this.#cluster, databases, disabledPlugins) };
    return this.#made;
  }
}

/** Whatever has rows, under a name or under none any more. */
const heldTables = (image: CatalogReader, databaseId: Guid): TableRecord[] => [
  ...image.tablesOf(databaseId),
  ...image.hiddenTablesOf(databaseId),
  ...image.droppedTablesOf(databaseId).map(({ table }) => table),
];

/** But those of databases whose own key is not here: they are left as they are. */
function openTables({ image, keys }: Catalog): TableRecord[] {
  return [...image.all()].flatMap((record) => {
    const table = record.kind === 'droppedTable' ? record.table : record.kind === 'table' ? record : undefined;
    return table === undefined || keys.isLocked(table.databaseId) ? [] : [table];
  });
}

/** What belongs to databases that the resource manager has deleted goes, too. Only what it says was deleted: a list may be late.
 * Order: their tables, so many a commit → what the journal and the data operations have of them → the records of the databases → rows. */
async function removeDropped(catalog: Catalog, sweeper: Sweeper, dropped: readonly Guid[]): Promise<void> {
  for (const chunk of chunksOf(dropped.flatMap((databaseId) => heldTables(catalog.image, databaseId))))
    await catalog.change((draft) => {
      for (const { tableId } of chunk) {
        const record = draft.get(`x/${tableId}`);
        if (record?.kind === 'droppedTable') forget(draft, record);
        else dropHidden(draft, tableId);
      }
    });
  const told = [...journalOf(catalog.image), ...dataOperationsOf(catalog.image)];
  for (const chunk of chunksOf(
    told.filter(({ databaseId }) => databaseId !== undefined && dropped.includes(databaseId)),
  ))
    await catalog.change((draft) => {
      for (const record of chunk) draft.delete(recordId(record));
    });
  const known = dropped.filter((databaseId) => catalog.image.get(`d/${databaseId}`) !== undefined);
  for (const chunk of chunksOf(known))
    await catalog.change((draft) => {
      for (const databaseId of chunk) {
        forgetExports(draft, databaseId);
        draft.delete(`d/${databaseId}`);
      }
    });
  await sweeper.sweepSome();
}
