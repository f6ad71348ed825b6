import type { Guid } from '../../base/guid.ts';
import type { SealedExtent } from '../catalog/sealed-extent.ts';

/** A file in memory without a name, which DuckDB may read by its path until it is released. */
export interface OpenedExtent {
  readonly path: string;
  release(): void;
}

/** A new file in memory without a name, for plaintext that is about to be sealed. */
export interface PlainFile {
  readonly path: string;
  /** Seals what the file holds as blob `{prefix}/{DEK id}`, under a DEK made for this attempt and wrapped with the cluster key
   * of now, and with the database's own where it has one. Durable when it resolves. Called once; when it ends, however, the
   * plaintext is dropped. */
  seal(prefix: string, databaseId: Guid): Promise<SealedExtent>;
  /** Harmless after `seal`. */
  discard(): Promise<void>;
}

/** Extents between the blob store and DuckDB. Plaintext is only ever in unnamed files in memory. */
export interface ExtentFiles {
  /** @throws BlobNotFoundError, or when bytes or key are not those of the catalog */
  open(sealed: SealedExtent): Promise<OpenedExtent>;
  create(): Promise<PlainFile>;
  /** @throws where `open` would, because the cluster may not use its key */
  requireKey(): void;
  /** Whether all of them can be open at the same time, if nobody else has any. */
  fits(extents: readonly SealedExtent[]): boolean;
  /** Larger extents are not made of smaller ones. */
  readonly mergedBytesMax: number;
  /** The extent is gone: its opened form is not kept. */
  forget(sealed: SealedExtent): Promise<void>;
}
