import type { Brand } from '../base/brand.ts';

/** `clusters/{guid}/extents/{guid}`-like path: segments of [a-z0-9-], joined by `/`, at most 200 characters. */
export type BlobName = Brand<string, 'BlobName'>;

export const blobNamePattern = /^[a-z0-9-]+(\/[a-z0-9-]+)*$/;

export function parseBlobName(text: string): BlobName | undefined {
  return text.length <= 200 && blobNamePattern.test(text) ? (text as BlobName) : undefined;
}

export interface BlobSummary {
  readonly name: BlobName;
  readonly length: number;
}

/** Immutable blobs. A blob exists whole or not at all, and is durable when `write` resolves.
 * Stores know nothing of what is inside; whoever writes seals first. */
export interface BlobStore {
  /** Takes pieces in order; done with each when it asks for the next, so the caller may use one buffer again and again.
   * If `pieces` throws, nothing is stored and the error passes through.
   * @throws BlobExistsError when the name is taken (blobs are never overwritten)
   * @throws StorageFullError when there is no room; nothing is stored */
  write(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }>;
  /** Bytes from `offset`, at most `length`; the iterable yields pieces of any size. @throws BlobNotFoundError */
  read(name: BlobName, range?: { readonly offset: number; readonly length: number }): AsyncIterable<Uint8Array>;
  /** Fills `target` with the bytes from `offset` on.
   * @returns how many bytes: fewer than `target` has only at the end of the blob, 0 beyond it @throws BlobNotFoundError */
  readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number>;
  /** Ordered by name. */
  list(prefix: string): AsyncIterable<BlobSummary>;
  /** Deleting what is not there is no error. */
  delete(name: BlobName): Promise<void>;
}

/** For whoever puts a place back to what it was: nobody reads it meanwhile. */
export interface ReplaceableBlobs extends BlobStore {
  /** As `write`, but what has the name goes in the same moment: at each one the name has the former bytes or the new ones. If `pieces` throws,
   * the former stay. @throws StorageFullError */
  replace(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }>;
}

/** For another process than the one that has a place for itself: changes nothing there. */
export type BlobReader = Pick<BlobStore, 'read' | 'readInto' | 'list'>;

export class BlobNotFoundError extends Error {
  override readonly name = 'BlobNotFoundError';
  constructor(readonly blob: BlobName) {
    super(`Blob ${blob} does not exist.`);
  }
}

export class BlobExistsError extends Error {
  override readonly name = 'BlobExistsError';
  constructor(readonly blob: BlobName) {
    super(`Blob ${blob} exists already.`);
  }
}

/** What keeps the blobs is away, or refuses us: nothing is known of any blob, and nothing was acknowledged. It may be back at any time. */
export class BlobsUnavailableError extends Error {
  override readonly name = 'BlobsUnavailableError';
  /** @param why a sentence that names no blob and no secret */
  constructor(readonly why: string) {
    super(`The store of sealed extents is not available: ${why}`);
  }
}
