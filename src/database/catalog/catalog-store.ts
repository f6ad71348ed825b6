import type { Guid } from '../../base/guid.ts';

/** A record of a cluster's catalog as it is stored: sealed, under an opaque id. */
export interface StoredCatalogRecord {
  readonly id: string;
  /** Of the store, not 0; handed back with the next write of this record. */
  readonly version: number;
  readonly sealed: SealedRecord;
}

/** Generation and revision are readable, since they choose the key and are authenticated; the rest is not. */
export interface SealedRecord {
  /** Of the cluster key that sealed it. */
  readonly generation: number;
  /** Counts the writes of the record. */
  readonly revision: number;
  readonly bytes: Uint8Array;
}

export interface CatalogWrite {
  readonly id: string;
  /** The store's version; null when the record must not exist; 0 when it must, and nobody has seen its version. */
  readonly expect: number | null;
  readonly put: SealedRecord | null;
}

export type CommitOutcome =
  /** Durable. @property versions one for each write; 0: not known (yet) */
  | { readonly outcome: 'committed'; readonly versions: readonly number[] }
  /** Somebody else has written. Nothing happened. */
  | { readonly outcome: 'conflict' }
  /** A change of custody is under way. Nothing happened; try again in a moment. */
  | { readonly outcome: 'changing' }
  /** The cluster may not use its key any more. Nothing happened. */
  | { readonly outcome: 'refused'; readonly reason: 'suspended' | 'stopped' }
  /** There is no room. Nothing happened. */
  | { readonly outcome: 'full' };

/** Where one cluster's catalog is kept. The lease is checked in the same commit. When `commit` throws, nobody knows what happened. */
export interface CatalogStore {
  /** Ordered by id, from `after` on (exclusive); an empty page is the end. */
  load(after: string | undefined): Promise<readonly StoredCatalogRecord[]>;
  get(id: string): Promise<StoredCatalogRecord | undefined>;
  /** @param takesAway it removes, and adds only what tells of that: there is room for it on a full disk, too */
  commit(writes: readonly CatalogWrite[], takesAway?: boolean): Promise<CommitOutcome>;
  /** For a change of custody. @throws ChangeEndedError from what it returns, when that change is not under way (any more) */
  beside(change: Guid): CatalogBeside;
  /** What a catalog that was set back to a backup has beside it until it is opened. Absent: such a store is never set back. */
  readonly setBack?: CatalogBefore;
}

/** Records of the catalog that was there right before, as they are sealed, of the kinds that say who may read or do what. */
export interface CatalogBefore {
  isThere(): Promise<boolean>;
  /** As `CatalogStore.load`. */
  load(after: string | undefined): Promise<readonly StoredCatalogRecord[]>;
  /** They count no more. */
  clear(): Promise<void>;
}

/** Where a change of custody lays out the whole catalog anew, beside the one in use, which stays as it is until the change is committed.
 * Everything here can be done again from the start. */
export interface CatalogBeside {
  /** Forgets what an earlier change has left. */
  clear(): Promise<void>;
  /** @param records at most as many as a page has */
  add(records: readonly (Pick<CatalogWrite, 'id'> & { readonly put: SealedRecord })[]): Promise<void>;
  /** So that a change that takes long is not taken for a dead one. */
  atWork(): Promise<void>;
  /** What was added, as `CatalogStore.load` tells it. */
  load(after: string | undefined): Promise<readonly StoredCatalogRecord[]>;
  /** @param before version of the head in use
   * @returns the writes by which this becomes the catalog in use, for the commit of the change */
  takeOver(before: number, head: SealedRecord): Promise<readonly CatalogWrite[]>;
  /** They are committed. */
  taken(): void;
}
