import type { BlobName, BlobSummary, ReplaceableBlobs } from '../blob-store.ts';
import type { NoteCacheUse } from '../cache-use.ts';
import type { SealedCachePlace } from './sealed-cache.ts';
import { SealedCache } from './sealed-cache.ts';

/** A store that is far away, with ranges that were read from it kept on the disk of this machine. Blobs are written once, so what is kept
 * stays right for as long as the blob is there and is not replaced. Whatever is wrong with the cache, its disk or its bytes, the store is asked. */
export class CachedBlobs implements ReplaceableBlobs {
  readonly #below: ReplaceableBlobs;
  readonly #cache: SealedCache;
  /** Begun and ended: what was read meanwhile may be of a blob that is gone, and is not kept. */
  #deletions = 0;

  /** @returns the store itself where no cache can be kept */
  static async over(below: ReplaceableBlobs, place: SealedCachePlace, note?: NoteCacheUse): Promise<ReplaceableBlobs> {
    const cache = await SealedCache.open(place, undefined, note);
    return cache === undefined ? below : new CachedBlobs(below, cache);
  }

  constructor(below: ReplaceableBlobs, cache: SealedCache) {
    this.#below = below;
    this.#cache = cache;
  }

  write(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    return this.#below.write(name, pieces);
  }

  /** For exports, which go past the cache: what is read once would push out what is read again. */
  read(name: BlobName, range?: { readonly offset: number; readonly length: number }): AsyncIterable<Uint8Array> {
    return this.#below.read(name, range);
  }

  async readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number> {
    const kept = await this.#cache.readInto(name, offset, target);
    if (kept !== undefined) return kept;
    const deletions = this.#deletions;
    const length = await this.#below.readInto(name, offset, target);
    if (deletions === this.#deletions) await this.#cache.keep(name, offset, target, length);
    return length;
  }

  list(prefix: string): AsyncIterable<BlobSummary> {
    return this.#below.list(prefix);
  }

  /** Before the blob, so that a crash leaves nothing of one that is gone; and after it, since a reader may have brought it back meanwhile. */
  delete(name: BlobName): Promise<void> {
    return this.#forgetting(name, () => this.#below.delete(name));
  }

  replace(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    return this.#forgetting(name, () => this.#below.replace(name, pieces));
  }

  async #forgetting<T>(name: BlobName, work: () => Promise<T>): Promise<T> {
    this.#deletions += 1;
    await this.#cache.forget(name);
    try {
      return await work();
    } finally {
      this.#deletions += 1;
      await this.#cache.forget(name);
    }
  }
}
