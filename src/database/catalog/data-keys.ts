import type { KeyObject } from 'node:crypto';
import type { Guid } from '../../base/guid.ts';

/** What a cluster's data is sealed with: derived from one generation of the cluster key, by purpose. */
export interface DataKeys {
  readonly generation: number;
  /** 256 bits; HKDF input for sealing catalog records. */
  readonly catalog: KeyObject;
  /** Makes the key of a segment of the log of small writes. @throws DataError `DatabaseLocked` */
  makeSegmentKey(databaseId: Guid): { readonly key: KeyObject; readonly wrapped: Uint8Array };
  /** @throws DataError `DatabaseLocked` while the database's own key is not here */
  openSegmentKey(wrapped: Uint8Array, databaseId: Guid): KeyObject;
  /** Whether a database has a key of its own, and that is not here now. */
  isLocked(databaseId: Guid): boolean;
}

/** Wraps what was wrapped under one generation under the next. */
export interface Rewrap {
  /** The database whose own key changes together with that of the cluster, and whether it has one afterwards. */
  readonly database?: { readonly databaseId: Guid; readonly hasOwnKey: boolean };
  /** @param isOfDatabase of that one; else the wrap of an own key, which is inside that of the cluster's, stays as it is */
  dek(wrapped: Uint8Array, isOfDatabase: boolean): Uint8Array;
  segmentKey(wrapped: Uint8Array, isOfDatabase: boolean): Uint8Array;
}
