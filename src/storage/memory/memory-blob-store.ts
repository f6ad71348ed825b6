import type { BlobName, BlobSummary, ReplaceableBlobs } from '../blob-store.ts';
import { BlobExistsError, BlobNotFoundError } from '../blob-store.ts';

/** Blobs in memory, for tests and for instances that leave nothing behind. */
export class MemoryBlobStore implements ReplaceableBlobs {
  readonly #blobs: Map<BlobName, Buffer>;

  /** @param blobs what outlives the store: hand it to the next one to "reopen" */
  constructor(blobs = new Map<BlobName, Buffer>()) {
    this.#blobs = blobs;
  }

  async write(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    const whole = await wholeOf(pieces);
    if (this.#blobs.has(name)) throw new BlobExistsError(name);
    this.#blobs.set(name, whole);
    return { length: whole.length };
  }

  async replace(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    const whole = await wholeOf(pieces);
    this.#blobs.set(name, whole);
    return { length: whole.length };
  }

  async *read(name: BlobName, range?: { readonly offset: number; readonly length: number }): AsyncIterable<Uint8Array> {
    const blob = this.#find(name);
    const { offset, length } = range ?? { offset: 0, length: blob.length };
    const wanted = blob.subarray(offset, offset + length);
    if (wanted.length > 0) yield Promise.resolve(Buffer.from(wanted));
  }

  async readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number> {
    return Promise.resolve(this.#find(name).subarray(offset).copy(target));
  }

  async *list(prefix: string): AsyncIterable<BlobSummary> {
    for (const name of [...this.#blobs.keys()].filter((one) => one.startsWith(prefix)).sort()) {
      const blob = this.#blobs.get(name);
      if (blob) yield Promise.resolve({ name, length: blob.length });
    }
  }

  delete(name: BlobName): Promise<void> {
    this.#blobs.delete(name);
    return Promise.resolve();
  }

  #find(name: BlobName): Buffer {
    const blob = this.#blobs.get(name);
    if (blob === undefined) throw new BlobNotFoundError(name);
    return blob;
  }
}

async function wholeOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const piece of pieces) copies.push(Buffer.from(piece));
  return Buffer.concat(copies);
}
