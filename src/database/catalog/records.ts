import type { EntityPrincipal } from '../../authz/kusto-roles.ts';
import type { Guid } from '../../base/guid.ts';
import type { EntityGroup, FunctionView, MappingView, Policies, ColumnView } from './catalog-view.ts';
import type { IngestionFailure, OperationRecord } from './operations.ts';
import type { DataOperationRecord } from './data-operation-record.ts';
import type { JournalRecord } from './journal-record.ts';
import type { ContinuousExportsRecord, ExportHistoryRecord } from './continuous-export.ts';
import type { ExternalTableView } from './external-table.ts';
import type { GraphModelView } from './graph-model.ts';
import type { ViewFacts } from './view-facts.ts';
import type { WorkloadGroup } from './workload-group.ts';
import type { SealedExtent } from './sealed-extent.ts';
import type { ClusterSettings } from './cluster-setting.ts';
import { clusterSettingsId } from './cluster-setting.ts';
import type { QueuedRecord } from './queued-records.ts';
import { queuedRecordId } from './queued-records.ts';

/** The records of a catalog, by kind. Ids are opaque: a letter and guids. Times are milliseconds on the Kustody clock. */
export interface DatabaseRecord {
  readonly kind: 'database';
  readonly databaseId: Guid;
  readonly functions: readonly FunctionView[];
  readonly mappings: readonly MappingView[];
  readonly policies: Policies;
  readonly schemaVersion: number;
  readonly graphModels?: readonly GraphModelView[];
  /** Absent: it has none. */
  readonly prettyName?: string;
  readonly entityGroups?: readonly EntityGroup[];
  readonly externalTables?: readonly ExternalTableView[];
}

export interface TableRecord {
  readonly kind: 'table';
  readonly tableId: Guid;
  readonly databaseId: Guid;
  readonly name: string;
  readonly columns: readonly ColumnView[];
  readonly nextColumnId: number;
  readonly folder: string;
  readonly docstring: string;
  readonly mappings: readonly MappingView[];
  readonly policies: Policies;
  /** Rows that a principal keeps from a query for some hours, instead of a table with a name among the others. */
  readonly stored?: StoredResultFacts;
  /** The graph model that it is a part of a snapshot of. */
  readonly snapshotOf?: string;
  /** It is the stored part of a materialized view, by the name of the view. */
  readonly view?: ViewFacts;
  /** Raised when the table is emptied: extents and segments of an earlier epoch are its rows no more. Absent: 0. */
  readonly epoch?: number;
  /** Absent: nobody has a role on it alone. */
  readonly principals?: readonly EntityPrincipal[];
}

/** A table that was dropped and may come back, with its rows: until then no name leads to it. */
export interface DroppedTableRecord {
  readonly kind: 'droppedTable';
  readonly table: TableRecord;
  readonly droppedOn: number;
  /** Version of the schema of its database right before. */
  readonly schemaVersion: number;
}

export interface StoredResultFacts {
  /** Who alone may read it: `aadapp={application id};{tenant id}`. */
  readonly principal: string;
  readonly createdOn: number;
  readonly expiresOn: number;
}

/** Smallest and largest value of a column, without nulls; integers as text. */
export type ColumnRange = readonly [min: string, max: string];

/** Which terms the texts of an extent have, sealed as it is, in a blob of its own. */
export interface TermFilterFacts {
  readonly form: 1;
  readonly columnIds: readonly number[];
  readonly bits: number;
  readonly sealed: SealedExtent;
}

export interface ExtentRecord {
  readonly kind: 'extent';
  readonly extentId: Guid;
  readonly tableId: Guid;
  readonly sealed: SealedExtent;
  readonly columnIds: readonly number[];
  /** Of whole numbers and times; of reals, decimals, guids and bools by their order (`orderingOf`). */
  readonly ranges: Readonly<Record<string, ColumnRange>>;
  /** Smallest and largest text of a column, by their bytes, where both are short and of printable ASCII. */
  readonly texts?: Readonly<Record<string, ColumnRange>>;
  /** How many rows have no value in a column that can have a range. Absent in records of an earlier version. */
  readonly nulls?: Readonly<Record<string, number>>;
  /** Absent: nothing is known of its terms. */
  readonly terms?: TermFilterFacts;
  readonly rowCount: number;
  readonly originalBytes: number;
  readonly minCreatedOn: number;
  readonly maxCreatedOn: number;
  readonly tags: readonly string[];
  /** Of the table when it was written. */
  readonly epoch?: number;
  /** When all of its rows were ingested, in microseconds; `ingestedInCommit` until the commit says. Absent: each row has its own time. */
  readonly ingestedAt?: number;
  /** The last of those times, where it is known; `noTimes` where no row has one. */
  readonly ingestedTo?: number;
}

/** Extents of one table that lie in one record of the catalog: whoever looks for a value looks at what they have together first, and opens
 * the page when that does not decide. Each of them is in one page, or in a record of its own, by the same id. */
export interface ExtentPageRecord {
  readonly kind: 'extentPage';
  readonly pageId: Guid;
  readonly tableId: Guid;
  /** Of all of them. */
  readonly epoch?: number;
  readonly facts: PageFacts;
  readonly body: Buffer;
}

/** What holds for the extents of a page together, read as if they were one. */
export interface PageFacts extends Pick<
  ExtentRecord,
  'columnIds' | 'ranges' | 'texts' | 'nulls' | 'rowCount' | 'originalBytes' | 'minCreatedOn' | 'maxCreatedOn'
> {
  readonly count: number;
  /** Of the extent that has the fewest. */
  readonly leastRowCount: number;
  /** The newest row of the extent whose newest row is the oldest. */
  readonly oldestMaxCreatedOn: number;
  readonly bytesAtRest: number;
  /** Of what tells their terms. */
  readonly termBytes: number;
  /** What tells which tags they may have (`mayHaveTag`). Absent: none. */
  readonly tagPrints?: string;
  /** When the last of its rows was ingested; absent: not known of all. */
  readonly ingestedTo?: number;
}

/** An extent, or a page of them. */
export type ExtentOrPage = ExtentRecord | ExtentPageRecord;

/** All that is sealed of an extent, each in a blob of its own. */
export const sealedOf = ({ sealed, terms }: Pick<ExtentRecord, 'sealed' | 'terms'>): readonly SealedExtent[] =>
  terms === undefined ? [sealed] : [sealed, terms.sealed];

export const ingestedInCommit = 0;
export const noTimes = 0;

/** The catalog is sealed under the key of the cluster alone: of a database with a key of its own it has no values of rows. */
export const withoutValues: Pick<ExtentRecord, 'ranges' | 'nulls' | 'texts'> = { ranges: {}, nulls: {}, texts: {} };

/** A segment of the log of small writes of one table: its key, and how far it goes. */
export interface SegmentRecord {
  readonly kind: 'segment';
  readonly segmentId: Guid;
  readonly tableId: Guid;
  /** Base64url. */
  readonly wrappedKey: string;
  /** Records it has; their sequence numbers go from 0. */
  readonly count: number;
  /** Tag of the last record, base64url. */
  readonly head: string;
  /** Of the table when it was begun. */
  readonly epoch?: number;
}

/** Requests that were ingested, so that a repeated one is noticed. */
export interface RequestsRecord {
  readonly kind: 'requests';
  readonly requestsId: Guid;
  readonly at: number;
  readonly requests: readonly KnownRequest[];
}

export interface KnownRequest {
  readonly key: string;
  readonly rowCount: number;
  readonly extentId?: Guid;
}

export interface OperationEntry {
  readonly kind: 'operation';
  readonly operation: OperationRecord;
}

export interface FailureEntry {
  readonly kind: 'failure';
  readonly failureId: Guid;
  readonly failure: IngestionFailure;
}

export interface WorkloadGroupEntry {
  readonly kind: 'workloadGroup';
  readonly name: string;
  readonly group: WorkloadGroup;
}

export interface ClusterSettingsEntry {
  readonly kind: 'clusterSettings';
  readonly settings: ClusterSettings;
}

export interface HeadRecord {
  readonly kind: 'head';
  /** Sum over all other records, hex. */
  readonly sum: string;
  /** The last time of ingestion that was given out, in microseconds. */
  readonly ingestedTo?: number;
}

export type CatalogRecord =
  | DatabaseRecord
  | TableRecord
  | DroppedTableRecord
  | ExtentRecord
  | ExtentPageRecord
  | SegmentRecord
  | RequestsRecord
  | OperationEntry
  | FailureEntry
  | WorkloadGroupEntry
  | ClusterSettingsEntry
  | JournalRecord
  | DataOperationRecord
  | ContinuousExportsRecord
  | ExportHistoryRecord
  | QueuedRecord;

export const headId = 'head';
export const logPrefix = 'l/';

export function recordId(record: CatalogRecord): string {
  switch (record.kind) {
    case 'database':
      return `d/${record.databaseId}`;
    case 'table':
      return `t/${record.tableId}`;
    case 'droppedTable':
      return `x/${record.table.tableId}`;
    case 'extent':
      return `e/${record.extentId}`;
    case 'extentPage':
      return `g/${record.pageId}`;
    case 'segment':
      return `s/${record.segmentId}`;
    case 'requests':
      return `r/${record.requestsId}`;
    case 'operation':
      return `o/${record.operation.operationId}`;
    case 'failure':
      return `f/${record.failureId}`;
    case 'workloadGroup':
      return `w/${record.name}`;
    case 'clusterSettings':
      return clusterSettingsId;
    case 'journal':
      return `j/${record.journalId}`;
    case 'dataOperation':
      return `z/${record.dataOperationId}`;
    case 'continuousExports':
      return `v/${record.databaseId}`;
    case 'exportHistory':
      return `y/${record.exportId}`;
    default:
      return queuedRecordId(record);
  }
}

/** Sequence numbers are padded, so that records of a segment are listed in their order. */
export const logRecordId = (segmentId: Guid, sequence: number): string =>
  `${logPrefix}${segmentId}/${String(sequence).padStart(8, '0')}`;
