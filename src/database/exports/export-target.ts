import type { StorageUse } from '../ingest/data-source.ts';

/** A container of the user's storage, or a folder in it, that blobs are written to. What is there is under no key of the cluster. */
export interface ExportTarget {
  /** For people: as it was given, without signature and key. */
  readonly name: string;
  /** The container alone, however the target was written. */
  readonly container: string;
  /** Begins a blob, which is there only when it is finished.
   * @param blob its name below the target @throws DataError `SourceNotAllowed` | `SourceFailed` */
  create(blob: string, signal: AbortSignal): Promise<NewBlob>;
}

export interface NewBlob {
  /** For people, without what is secret. */
  readonly path: string;
  /** Pieces of some MiB each, one after the other.
   * @throws DataError `SourceFailed`, and where the cluster may not use its key any more */
  write(piece: Uint8Array): Promise<void>;
  /** It is there, whole. Nothing is, when this was never called. */
  finish(): Promise<void>;
}

/** Reads a storage connection string. @throws DataError `SourceNotAllowed` */
export type TargetOf = (address: string, use: StorageUse) => ExportTarget;

/** A blob that an export has left in the user's storage. */
export interface ExportedBlob {
  readonly path: string;
  /** Of its target. */
  readonly container: string;
  readonly rows: number;
  /** As stored. */
  readonly bytes: number;
}
