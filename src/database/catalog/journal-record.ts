import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';

/** A change of what a database or the cluster defines: a row of `.show journal`. Nothing of rows is in it. */
export interface JournalRecord extends MetadataEvent, Requester {
  readonly kind: 'journal';
  readonly journalId: Guid;
  readonly at: Instant;
  /** Of the schema of the database, before and after; 0 of the cluster, which has none. */
  readonly originalVersion: number;
  readonly version: number;
}

/** What a change does to one entity. */
export interface MetadataEvent {
  /** Absent: it is one of the cluster. */
  readonly databaseId?: Guid;
  /** `CREATE-TABLE` and the like. */
  readonly event: string;
  readonly entity: string;
  readonly updatedEntity: string;
  /** A table where the entity is part of one. Empty: the database. */
  readonly container: string;
  /** Empty: it was not there, or is there no more. */
  readonly originalState: string;
  readonly updatedState: string;
}

/** Who asks for changes, and by which command; empty where the cluster itself does. */
export interface Requester {
  readonly principal: string;
  readonly user: string;
  readonly command: string;
  readonly clientRequestId: string;
  readonly activityId: string;
}
