import type { KeyObject } from 'node:crypto';
import type { BlobName } from '../../storage/blob-store.ts';
import type { SealedExtent } from '../catalog/records.ts';

/** A file in memory without a name, which DuckDB may read by its path until it is released. */
export interface OpenedExtent {
  readonly path: string;
  release(): void;
}

export type SealedShape = Pick<SealedExtent, 'length' | 'regionBytes' | 'regionCount' | 'sealedBytes'>;

/** A new file in memory without a name, for plaintext that is about to be sealed. */
export interface PlainFile {
  readonly path: string;
  /** Seals what the file holds into a new blob. @param dek has sealed nothing yet */
  seal(dek: KeyObject, blob: BlobName): Promise<SealedShape>;
  /** Overwrites nothing: the pages are given back to the system. */
  close(): Promise<void>;
}

/** Extents between the blob store and DuckDB. Plaintext is only ever in unnamed files in memory. */
export interface ExtentFiles {
  /** @param dek asked for only when the extent is not open yet
   * @throws BlobNotFoundError, or when the bytes are not what was sealed */
  open(sealed: SealedExtent, dek: () => KeyObject): Promise<OpenedExtent>;
  create(): Promise<PlainFile>;
  /** The extent is gone: its opened form is not kept. */
  forget(sealed: SealedExtent): void;
}
