import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';

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
  /** Of a graph, which the operation makes. */
  readonly snapshot?: { readonly model: string; readonly versionId: Guid; readonly name: string };
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
  /** The query of an update policy failed. */
  readonly originatesFromUpdatePolicy?: boolean;
  /** Of the blob, without what it is read with. Absent: the data came with the request. */
  readonly sourcePath?: string;
  /** JSON of the properties that were asked for. */
  readonly properties?: string;
}
