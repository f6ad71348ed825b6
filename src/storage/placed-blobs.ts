import type { Guid } from '../base/guid.ts';
import type { BlobReader, ReplaceableBlobs } from './blob-store.ts';
import type { NoteCacheUse } from './cache-use.ts';

/** What each kind of store can do with its places. */
export interface PlacedBlobs<Place> {
  /** The part of the place that one owner, a cluster, has for itself. Parts of two owners have nothing in common. */
  partOf(owner: Guid): Place;
  /** For the one process that has the place for itself. Makes it if need be, and removes what a crash left unfinished.
   * @param note where something is kept nearer than the blobs are */
  open(note?: NoteCacheUse): Promise<ReplaceableBlobs>;
  reader(): Promise<BlobReader>;
  /** Nobody has it open any more. Removing what is not there is no error. */
  removeAll(): Promise<void>;
  /** Undefined: what is at such a place cannot be put back.
   * @param directory for what is needed to put blobs back; on the disk of this machine, nobody else's */
  readonly snapshotsIn?: (directory: string) => BlobSnapshots;
  /** Undefined: blobs are in the data directory, which has a lock of its own. */
  readonly elsewhere?: BlobsElsewhere;
}

/** A place that anybody may name in his settings: it is marked with whose it is. */
export interface BlobsElsewhere {
  /** For people and records, the same at each start: no secret in it. */
  readonly address: string;
  /** Asks once. @throws BlobsUnavailableError when nothing was answered within so many milliseconds */
  answers(withinMs: number): Promise<void>;
  /** @returns undefined for nobody's @throws BlobsUnavailableError */
  ownerMark(): Promise<Guid | 'unknown' | undefined>;
  /** Marks it, if it is nobody's. @returns whose it is now @throws BlobsUnavailableError */
  markFor(owner: Guid): Promise<Guid | 'unknown' | undefined>;
}

/** Blobs as they were, by the id of a snapshot, for tests of a whole instance. Owners may write meanwhile. */
export interface BlobSnapshots {
  take(id: Guid): Promise<void>;
  /** What is gone since comes back. What is new stays, until `removeNew`: somebody may still name it. */
  bringBack(id: Guid): Promise<void>;
  removeNew(id: Guid): Promise<void>;
  forget(id: Guid): Promise<void>;
}

/** What requests to a container prove themselves with, for some time. */
export interface ContainerAccess {
  /** `signature`: the query of a shared access signature. `token`: one of Entra ID for Azure Storage. A secret. */
  readonly kind: 'signature' | 'token';
  readonly value: string;
  /** So long it may be used without asking again, from when it was given; whole milliseconds. */
  readonly goodForMs: number;
}

/** Gives access that is good now. @throws BlobsUnavailableError */
export type AskAccess = () => Promise<ContainerAccess>;
