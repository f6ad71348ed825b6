import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { BlobName } from '../../storage/blob-store.ts';
import type { BoundValue } from '../../kql/sql/context.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import type { EngineSources, OpenTable, RowStatement } from '../../kql/query-engine.ts';
import type { GraphModels } from './graph-models.ts';
import type { StoredResults } from './stored-result.ts';
import type { UpkeepOptions, UpkeepProblem } from '../extents/upkeep.ts';
import type { DatabaseView, MappingKind, Policies, TableView } from './catalog-view.ts';
import type { WorkloadGroup } from './workload-groups.ts';

/** Everything one cluster holds. Lives in the cluster's own process. Every change is durable, and still permitted by the lease,
 * when its promise resolves. Names are compared as Kusto does: databases without case, everything else with case.
 * All methods throw DataError for what a client did wrong (see data-error.ts), CommitRefusedError when the lease has ended or the
 * cluster was suspended meanwhile (nothing happened), and anything else for our own faults. */
export interface ClusterData extends SchemaChanges, ExtentChanges, StoredResults, GraphModels {
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
  /** For the engine: what names mean to a principal; the same object until the schema changes, for
   * principals without stored results and for nobody in particular. */
  kqlCatalog(principal?: string): KqlCatalog;
  /** Where queries of a principal read rows: a snapshot of each table as of `open`. */
  sources(principal?: string): PruningSources;

  /** All rows or none; exactly once for each request id with the same content. */
  ingest(request: IngestRequest): Promise<IngestResult>;
  /** Rows of a SELECT (`.set-or-append` and its like). One extent, or none when there are no rows. */
  append(request: AppendRequest): Promise<AppendResult>;

  /** Newest first; kept for two weeks. What an earlier process has not brought to its end is `Abandoned`. */
  operations(): readonly OperationRecord[];
  /** Adds an operation or replaces the one with its id. */
  recordOperation(operation: OperationRecord): Promise<void>;
  /** Newest first; kept for two weeks. */
  ingestionFailures(): readonly IngestionFailure[];
  recordIngestionFailure(failure: IngestionFailure): Promise<void>;

  /** The policies of the workload group `default`; undefined: what the machines give. */
  workloadGroup(): WorkloadGroup | undefined;
  /** @param change from what is set now; what it throws changes nothing. @returns what is set then, once durable */
  setWorkloadGroup(change: (held: WorkloadGroup | undefined) => WorkloadGroup): Promise<WorkloadGroup>;

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

export interface PruningSources extends EngineSources {
  /** @param uses extents that none of them needs are not opened. Absent: all rows are read */
  open(database: string, table: string, uses?: TableUses): Promise<OpenTable>;
}

/** A database as the resource manager knows it. Periods in milliseconds; undefined: unlimited. */
export interface ClusterDatabase {
  readonly databaseId: Guid;
  readonly name: string;
  readonly softDeletePeriodMs?: number;
  readonly hotCachePeriodMs?: number;
}

export interface TableSchema {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly folder?: string;
  readonly docstring?: string;
}

export interface FunctionSchema {
  readonly name: string;
  /** With parentheses: `(n:long=5)`. */
  readonly parameters: string;
  /** With braces. */
  readonly body: string;
  readonly folder?: string;
  readonly docstring?: string;
}

export interface MappingSchema {
  readonly name: string;
  readonly kind: MappingKind;
  /** JSON text of the array as sent; checked here. */
  readonly mapping: string;
}

export interface SchemaChanges {
  /** `.create table(s)`. A table that exists is left as it is. @returns the tables as they are now */
  createTables(database: string, tables: readonly TableSchema[]): Promise<readonly TableView[]>;
  /** `.create-merge table(s)`: adds missing tables and columns. @throws DataError when a column exists with another type */
  createMergeTables(database: string, tables: readonly TableSchema[]): Promise<readonly TableView[]>;
  /** `.alter table`: exactly these columns in this order afterwards; those not listed lose their data. */
  alterTable(database: string, table: TableSchema): Promise<TableView>;
  /** `.alter-merge table`: adds missing columns at the end. */
  alterMergeTable(database: string, table: TableSchema): Promise<TableView>;
  /** @throws DataError `TableNotFound`, unless `ifExists` */
  dropTables(database: string, tables: readonly string[], ifExists: boolean): Promise<void>;
  /** All or none. `a` → `b` and `b` → `a` in one call swaps. */
  renameTables(
    database: string,
    renames: readonly { readonly from: string; readonly to: string }[],
  ): Promise<readonly TableView[]>;
  /** @param columns names; their data is gone */
  dropColumns(database: string, table: string, columns: readonly string[], ifExists: boolean): Promise<TableView>;
  renameColumns(
    database: string,
    table: string,
    renames: readonly { readonly from: string; readonly to: string }[],
  ): Promise<TableView>;
  setTableText(
    database: string,
    table: string,
    text: { readonly folder?: string; readonly docstring?: string },
  ): Promise<TableView>;
  /** Docstrings of columns by name. `merge`: others keep theirs. */
  setColumnDocstrings(
    database: string,
    table: string,
    docstrings: Readonly<Record<string, string>>,
    merge: boolean,
  ): Promise<TableView>;

  /** @param mode `create` refuses an existing one (`createIfNotExists` leaves it), `alter` a missing one */
  putFunction(
    database: string,
    fn: FunctionSchema,
    mode: 'create' | 'createIfNotExists' | 'createOrAlter' | 'alter',
  ): Promise<FunctionSchema>;
  dropFunctions(database: string, names: readonly string[], ifExists: boolean): Promise<void>;
  setFunctionText(
    database: string,
    name: string,
    text: { readonly folder?: string; readonly docstring?: string },
  ): Promise<FunctionSchema>;

  /** @param table undefined: a mapping of the database */
  putMapping(
    database: string,
    table: string | undefined,
    mapping: MappingSchema,
    mode: 'create' | 'createOrAlter' | 'alter',
  ): Promise<void>;
  dropMapping(database: string, table: string | undefined, kind: MappingKind, name: string): Promise<void>;

  /** Sets or (null) deletes one policy of a database or table. The value is the policy's JSON as Kusto shows it. */
  setPolicy<Name extends keyof Policies>(
    database: string,
    table: string | undefined,
    name: Name,
    policy: NonNullable<Policies[Name]> | null,
  ): Promise<void>;
}

export interface IngestRequest {
  readonly database: string;
  readonly table: string;
  /** As the client wrote it, any case: `csv`, `MultiJSON` … @throws DataError `FormatNotSupported` by name */
  readonly format: string;
  /** Not compressed; at most `bytesMax`. */
  readonly body: Uint8Array;
  /** Name of a mapping of the table or database. */
  readonly mappingName?: string;
  /** JSON text of a mapping (`.ingest … with (ingestionMapping=…)`). */
  readonly mapping?: string;
  readonly ignoreFirstRecord?: boolean;
  /** The same id with the same content is ingested once. */
  readonly requestId?: string;
  readonly tags?: readonly string[];
  /** Extents with a creation time of their own (`creationTime`). */
  readonly creationTime?: Instant;
  /** `streaming` needs the streamingingestion policy of table or database. */
  readonly kind: 'streaming' | 'inline';
}

export interface IngestResult {
  readonly rowCount: number;
  /** Undefined while the rows are in the log of small writes, or when there were none. */
  readonly extentId: Guid | undefined;
  /** This request was ingested before; nothing was added. */
  readonly repeated: boolean;
}

export interface AppendRequest {
  readonly database: string;
  readonly table: string;
  /** Columns fill the table's columns in order; types must be the table's. */
  readonly rows: AppendRows;
  /** Drops all other rows of the table in the same commit (`.set-or-replace`). */
  readonly replace: boolean;
  /** What happens to the table in the same commit. */
  readonly change?: TableChange;
  readonly tags?: readonly string[];
  readonly creationTime?: Instant;
}

/** `create` makes a missing table · `extend` adds columns at the end · `recreate` gives the table these columns and no others: of the
 * old ones those stay that have name and type in common. */
export interface TableChange {
  readonly how: 'create' | 'extend' | 'recreate';
  readonly schema: Omit<TableSchema, 'name'>;
}

/** `sql`: a SELECT in the engine's physical types. `statement`: the same, to be run on the connection that it is lent with. */
export type AppendRows =
  | {
      readonly kind: 'sql';
      readonly columns: readonly Column[];
      readonly sql: string;
      readonly bound: readonly BoundValue[];
    }
  | {
      readonly kind: 'statement';
      readonly statement: Pick<RowStatement, 'columns' | 'run'>;
    };

export interface AppendResult {
  /** Undefined: no rows. */
  readonly extent: ExtentView | undefined;
}

export interface ExtentView {
  readonly extentId: Guid;
  readonly database: string;
  readonly table: string;
  readonly rowCount: number;
  /** Bytes of the rows before they became Parquet, as far as known. */
  readonly originalBytes: number;
  /** Bytes at rest. */
  readonly extentBytes: number;
  readonly minCreatedOn: Instant;
  readonly maxCreatedOn: Instant;
  readonly tags: readonly string[];
  readonly hot: boolean;
  readonly dekId: Guid;
}

export interface ExtentFilter {
  readonly extentIds?: readonly Guid[];
  /** Extents that carry all of them. */
  readonly tags?: readonly string[];
}

export interface ExtentChanges {
  /** Extents at rest; rows still in the log of small writes are in none. @param table undefined: of all tables */
  extents(database: string, table?: string): readonly ExtentView[];
  /** Those of what is kept beside the tables: stored query results, snapshots of graphs; with a title that says of which. */
  keptExtents(database: string): readonly { readonly title: string; readonly extents: readonly ExtentView[] }[];
  /** Rows and bytes of a table, those in the log included. */
  tableStatistics(database: string, table: string): TableStatistics;
  /** Merges the log of a table into an extent now. */
  flush(database: string, table: string): Promise<void>;
  /** @returns what was dropped */
  dropExtents(database: string, table: string | undefined, filter: ExtentFilter): Promise<readonly ExtentView[]>;
  /** `.clear table data`. */
  clearTable(database: string, table: string): Promise<void>;
  /** Rewrites the extents that hold rows which `predicate` is true for, without those rows.
   * @param predicate SQL over the columns as `sources().open` names them
   * @returns how many rows are gone */
  purge(
    database: string,
    table: string,
    predicate: { readonly sql: string; readonly bound: readonly BoundValue[] },
  ): Promise<number>;
  /** The sealed bytes of an extent with the `encryptiondata` that opens them, for other people's readers; also
   * of stored query results. */
  exportExtent(database: string, extentId: Guid): Promise<ExportedExtent>;
  /** Takes over Parquet that another writer sealed in the same format. */
  importExtent(
    database: string,
    table: string,
    sealed: { readonly bytes: AsyncIterable<Uint8Array>; readonly encryptionData: string },
  ): Promise<ExtentView>;
}

export interface ExportedExtent {
  /** Where the same bytes lie in the cluster's blob store. */
  readonly blob: BlobName;
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly length: number;
  /** JSON as the Azure Storage SDKs write it into the blob's metadata. */
  readonly encryptionData: string;
}

export interface TableStatistics {
  readonly extentCount: number;
  readonly rowCount: number;
  readonly originalBytes: number;
  readonly extentBytes: number;
  readonly hotExtentCount: number;
  readonly hotRowCount: number;
  readonly hotExtentBytes: number;
  readonly minCreatedOn: Instant | undefined;
  readonly maxCreatedOn: Instant | undefined;
}

export type OperationState =
  | 'InProgress'
  | 'Completed'
  | 'Failed'
  | 'PartiallySucceeded'
  | 'Abandoned'
  | 'BadInput'
  | 'Scheduled'
  | 'Throttled'
  | 'Canceled'
  | 'Skipped';

/** A row of `.show operations`. */
export interface OperationRecord {
  readonly operationId: Guid;
  /** `TableSetOrAppend` and the like. */
  readonly operation: string;
  readonly startedOn: Instant;
  readonly lastUpdatedOn: Instant;
  readonly state: OperationState;
  readonly status: string;
  readonly rootActivityId: Guid;
  readonly shouldRetry: boolean;
  readonly database: string;
  readonly principal: string;
  readonly user: string;
  /** JSON: rows of texts. Absent: they were not to be kept. */
  readonly details?: string;
}

/** A row of `.show ingestion failures`. */
export interface IngestionFailure {
  readonly operationId: Guid;
  readonly database: string;
  readonly table: string;
  readonly failedOn: Instant;
  readonly details: string;
  readonly failureKind: 'Permanent' | 'Transient';
  readonly rootActivityId: Guid;
  readonly operationKind: string;
  readonly errorCode: string;
  readonly principal: string;
  readonly user: string;
  readonly shouldRetry: boolean;
}
