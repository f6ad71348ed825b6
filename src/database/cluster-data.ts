import type { Guid } from '../base/guid.ts';
import type { Instant } from '../clock/clock.ts';
import type { KqlCatalog } from '../kql/plan/catalog.ts';
import type { EngineSources, OpenTable } from '../kql/query-request.ts';
import type { TableUses } from '../kql/scan-ranges.ts';
import type { ClusterDatabase, DatabaseView, TableView } from './catalog/catalog-view.ts';
import type { DroppedTables } from './catalog/dropped-tables.ts';
import type { ClusterSettingsChanges } from './catalog/cluster-settings.ts';
import type { ExternalTables } from './catalog/external-tables.ts';
import type { GraphModels } from './catalog/graph-models.ts';
import type { JournalRecord } from './catalog/journal-record.ts';
import type { DataOperationRecord } from './catalog/data-operation-record.ts';
import type { History } from './catalog/history.ts';
import type { SchemaChanges } from './catalog/schema-service.ts';
import type { StoredResults } from './catalog/stored-result.ts';
import type { WorkloadGroups } from './catalog/workload-groups.ts';
import type { ExtentChanges } from './extents/extent-service.ts';
import type { ExtentMoves } from './extents/extent-moves.ts';
import type { UpkeepOptions, UpkeepProblem } from './extents/upkeep.ts';
import type { ContinuousExports } from './exports/continuous-exports.ts';
import type { ExportRequest } from './exports/export-rows.ts';
import type { ExportedBlob } from './exports/export-target.ts';
import type { ExternalDataRequest } from './ingest/external-table.ts';
import type { DeltaSchema } from './ingest/delta-schema.ts';
import type { InlineTableRequest } from './ingest/inline-external-table.ts';
import type { ExternalFile, ExternalTableRequest } from './ingest/external-table-request.ts';
import type {
  AppendRequest,
  AppendResult,
  IngestRequest,
  IngestResult,
  SourcesRequest,
  SourcesResult,
} from './ingest/ingest-request.ts';
import type { RowChanges } from './ingest/row-changes.ts';
import type { MaterializedViews } from './views/materialized-views.ts';
import type { OperationsUnderWay } from './operations-under-way.ts';
import type { QueuedStorage } from './queued/queued-storage.ts';

/** Everything one cluster holds. Lives in the cluster's own process. Every change is durable, and still permitted by the lease,
 * when its promise resolves. Names are compared as Kusto does: databases without case, everything else with case.
 * All methods throw DataError for what a client did wrong (see data-error.ts), CommitRefusedError when the lease has ended or the
 * cluster was suspended meanwhile (nothing happened), and anything else for our own faults. */
export interface ClusterData
  extends
    SchemaChanges,
    ExternalTables,
    DroppedTables,
    ExtentChanges,
    ExtentMoves,
    RowChanges,
    StoredResults,
    GraphModels,
    MaterializedViews,
    ContinuousExports,
    History,
    WorkloadGroups,
    ClusterSettingsChanges {
  /** Called with what the resource manager knows, before the first request and whenever it has changed. */
  setDatabases(databases: readonly ClusterDatabase[]): Promise<void>;
  /** Removes what databases held that were deleted. */
  removeDatabases(databaseIds: readonly Guid[]): Promise<void>;
  /** Whether anything is left of a database, be it known or deleted. */
  holdsDatabase(databaseId: Guid): boolean;
  /** Bytes at rest of one database. */
  databaseBytes(databaseId: Guid): number;
  /** As of now; immutable. */
  databases(): readonly DatabaseView[];
  /** @throws DataError `DatabaseNotFound` */
  database(name: string): DatabaseView;
  /** @throws DataError `DatabaseNotFound` | `TableNotFound` */
  table(database: string, table: string): TableView;
  /** When the newest rows were ingested that can be read, in ticks: whatever comes is later. */
  cursor(): bigint;
  /** For the engine: what names mean to a principal; the same object until the schema changes, for
   * principals without stored results and for nobody in particular. */
  kqlCatalog(principal?: string): KqlCatalog;
  /** Where queries of a principal read rows: a snapshot of each table as of `open`. */
  sources(principal?: string): PruningSources;

  /** All rows or none; exactly once for each request id with the same content. */
  ingest(request: IngestRequest): Promise<IngestResult>;
  /** As `ingest`, from where the data lies. Exactly once for each request id with sources of the same names. */
  ingestFrom(request: SourcesRequest): Promise<SourcesResult>;
  /** Changes of what databases define, oldest first: the last ones. */
  journal(): readonly JournalRecord[];
  /** What added extents, newest first: the last ones, for 30 days. */
  dataOperations(): readonly DataOperationRecord[];
  readonly underWay: OperationsUnderWay;
  /** What clients have put into the storage accounts of the cluster, to be ingested from there. */
  readonly queued: QueuedStorage;
  /** What `externaldata` reads, in the memory of the engine until it is released. */
  readExternal(request: ExternalDataRequest): Promise<OpenTable>;
  /** What a query asks for of the files of an external table, likewise. @throws DataError `ExternalTableNotFound` */
  /** @throws OpenSchema where the log of a Delta table has told its columns */
  readInlineTable(request: InlineTableRequest): Promise<OpenTable>;
  readExternalTable(database: string, request: Omit<ExternalTableRequest, 'table' | 'database'>): Promise<OpenTable>;
  /** The files of an external table. @throws DataError `ExternalTableNotFound` and others when they are read, KqlError */
  externalFiles(database: string, table: string, request: StorageRequest): AsyncIterable<ExternalFile>;
  /** What the log of a Delta table says of its columns, for an external table that is to be. @throws DataError, KqlError */
  deltaSchema(database: string, address: string, request: StorageRequest): Promise<DeltaSchema>;
  /** Writes rows into the user's storage, where no key of the cluster is. */
  exportRows(request: ExportRequest): Promise<readonly ExportedBlob[]>;
  /** Rows of a SELECT (`.set-or-append` and its like). One extent, or none when there are no rows. */
  append(request: AppendRequest): Promise<AppendResult>;

  /** Merges, drops extents past their retention, removes blobs that nothing names. The supervisor calls it by its clock. What fails for
   * one table does not keep the others from it. */
  maintain(options?: UpkeepOptions): Promise<void>;
  /** When `maintain` will next have something to do, if nobody writes anything; undefined: never. */
  upkeepDueAt(): Instant | undefined;
  /** What `maintain` could not do, and has not done since. */
  upkeepProblems(): readonly UpkeepProblem[];
  /** Merges what is cheap to merge, then lets go of everything. */
  close(): Promise<void>;
}

/** As whom storage is read, and until when. */
export type StorageRequest = Pick<ExternalTableRequest, 'sourceOf' | 'signal'>;

export interface PruningSources extends EngineSources {
  /** @param uses extents that none of them needs are not opened. Absent: all rows are read */
  open(
    database: string,
    table: string,
    uses?: TableUses,
    signal?: AbortSignal,
    turn?: Promise<unknown>,
  ): Promise<OpenTable>;
}
