import { invariant } from '../../base/invariant.ts';
import type { KeyObject } from 'node:crypto';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { toBase64Url } from '../../base/base64url.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { BlobStore } from '../../storage/blob-store.ts';
import { parseBlobName } from '../../storage/blob-store.ts';
import { defaultRegionBytes, regionCount, sealedBytes } from '../cse-v2/format.ts';
import { openSealed } from '../cse-v2/open-sealed.ts';
import { RegionBuffers } from '../cse-v2/region-buffers.ts';
import { sealStream } from '../cse-v2/seal-stream.ts';
import { KeyUnwrapError, unwrapKeyA256, wrapKeyA256 } from '../cse-v2/aes-key-wrap.ts';
import { makeDek, unwrapDek } from '../cse-v2/wrapped-dek.ts';
import { FileCache } from './file-cache.ts';
import type { OpenFile } from './file-cache.ts';
import { MemoryFile } from './memory-file.ts';
import type { SealedExtent } from './sealed-extent.ts';
import { sealAlgorithm, wrappedDekOf } from './sealed-extent.ts';

/** Lends the DEK-wrapping key of the cluster for one synchronous use; throws when the cluster may not use its keys. */
export type WithDekWrappingKey = <T>(use: (wrappingKey: Uint8Array) => T) => T;

/** The same with the key of a database, undefined for one that has none of its own; throws while it has one that is not here. */
export type WithDatabaseKey = <T>(databaseId: Guid, use: (wrappingKey: Uint8Array | undefined) => T) => T;

export interface ExtentFilesOptions {
  readonly store: BlobStore;
  readonly withDekWrappingKey: WithDekWrappingKey;
  /** Absent: no database has a key of its own. */
  readonly withDatabaseKey?: WithDatabaseKey;
  readonly randomBytes: RandomBytes;
  /** Opened extents are kept up to so many bytes; those least recently used go first. */
  readonly cacheBytesMax: number;
  /** Extents in use at one time may go beyond the cache, up to so many bytes. */
  readonly openBytesMax: number;
  /** On a tmpfs; default `/dev/shm`. */
  readonly directory?: string;
  /** Of extents written from now on. */
  readonly regionBytes?: number;
}

/** A plaintext file under way, written by others through `path`. */
export interface NewExtentFile {
  /** DuckDB writes here (`COPY … TO`, with `use_tmp_file false`). */
  readonly path: string;
  /** Seals what is in the file under a new DEK, as blob `{prefix}/{DEK id}`. @param databaseId whose rows they are. When it resolves the blob is durable, but
   * garbage until a commit names it. Must not be called twice: an attempt that failed starts again from a new file or DEK. */
  seal(prefix: string, databaseId: Guid): Promise<SealedExtent>;
  /** Drops the plaintext; harmless after `seal`. */
  discard(): Promise<void>;
}

/** Sealed extents as files that an engine can read and write. Plaintext is only ever in unnamed files in memory. */
export class ExtentFiles {
  readonly #options: ExtentFilesOptions;
  readonly #regionBytes: number;
  readonly #cache: FileCache;
  readonly #buffers = new Map<number, RegionBuffers>();

  constructor(options: ExtentFilesOptions) {
    this.#options = options;
    this.#regionBytes = options.regionBytes ?? defaultRegionBytes;
    this.#cache = new FileCache(options.cacheBytesMax, options.openBytesMax);
  }

  /** The whole plaintext, authenticated to its last byte. `path` is good until `release`, in this process.
   * @throws SealedBytesError, KeyUnwrapError when the bytes or the key are not those of the catalog
   * @throws BlobNotFoundError, MemoryFilesFullError, NoMemoryFilesError, or what the lender of the key throws */
  async open(extent: SealedExtent): Promise<OpenFile> {
    // The key is asked for each time, so a cached file is not handed out once the keys are gone.
    const dek = this.#options.withDekWrappingKey((key) => this.#openDek(key, extent));
    return this.#cache.open(extent.dekId, extent.length, async () => {
      const file = await MemoryFile.create(this.#options.directory);
      const read = (offset: number, target: Uint8Array): Promise<number> =>
        this.#options.store.readInto(extent.blob, offset, target);
      try {
        await openSealed(
          dek,
          extent,
          read,
          (bytes, offset) => file.write(bytes, offset),
          this.#buffersFor(extent.regionBytes),
        );
        return file;
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  /** For what is told of extents without opening them. @throws what the lender of the key throws */
  requireKey(): void {
    this.#options.withDekWrappingKey(() => undefined);
  }

  /** @throws NoMemoryFilesError */
  async create(): Promise<NewExtentFile> {
    const file = await MemoryFile.create(this.#options.directory);
    let isOurs = true;
    const discard = async (): Promise<void> => {
      if (isOurs) {
        isOurs = false;
        await file.close();
      }
    };
    const seal = async (prefix: string, databaseId: Guid): Promise<SealedExtent> => {
      invariant(isOurs, 'a file is sealed once');
      try {
        const extent = await this.#seal(file, prefix, databaseId);
        isOurs = false;
        await this.#cache.adopt(extent.dekId, extent.length, file);
        return extent;
      } finally {
        await discard();
      }
    };
    return { path: file.path, seal, discard };
  }

  fits(extents: readonly Pick<SealedExtent, 'length'>[]): boolean {
    return extents.reduce((sum, { length }) => sum + length, 0) <= this.#options.openBytesMax;
  }

  get mergedBytesMax(): number {
    return this.#options.openBytesMax / 2;
  }

  /** Closes the file of an extent that is no longer wanted, as soon as nobody has it open. */
  forget(extent: SealedExtent): Promise<void> {
    return this.#cache.forget(extent.dekId);
  }

  /** Closes every file, open or not. Nothing can be opened afterwards. */
  dispose(): Promise<void> {
    return this.#cache.dispose();
  }

  async #seal(file: MemoryFile, prefix: string, databaseId: Guid): Promise<SealedExtent> {
    const { store, randomBytes, withDekWrappingKey } = this.#options;
    const dekId = newGuid(randomBytes);
    const blob = parseBlobName(`${prefix}/${dekId}`);
    invariant(blob !== undefined, 'a prefix and an id make a blob name');
    const { dek, wrapped, isOwn } = this.#withDatabaseKey(databaseId, (own) =>
      withDekWrappingKey((key) => {
        if (own === undefined) return { ...makeDek(key, randomBytes), isOwn: false };
        const made = makeDek(own, randomBytes);
        return { dek: made.dek, wrapped: wrapKeyA256(key, made.wrapped), isOwn: true };
      }),
    );
    const shape = { regionBytes: this.#regionBytes, length: await file.length() };
    const read = (offset: number, target: Uint8Array): Promise<number> => file.readInto(offset, target);
    const { length } = await store.write(blob, sealStream(dek, shape, read, this.#buffersFor(shape.regionBytes)));
    invariant(length === sealedBytes(shape), 'the store took every sealed byte');
    return {
      blob,
      dekId,
      wrappedDek: toBase64Url(wrapped),
      ...(isOwn ? { sealedFor: databaseId } : {}),
      algorithm: sealAlgorithm,
      ...shape,
      regions: regionCount(shape),
    };
  }

  #openDek(key: Uint8Array, { sealedFor, ...extent }: SealedExtent): KeyObject {
    if (sealedFor === undefined) return unwrapDek(key, wrappedDekOf(extent));
    return this.#withDatabaseKey(sealedFor, (own) => {
      if (own === undefined) throw new KeyUnwrapError();
      return unwrapDek(own, unwrapKeyA256(key, wrappedDekOf(extent)));
    });
  }

  #withDatabaseKey<T>(databaseId: Guid, use: (own: Uint8Array | undefined) => T): T {
    const { withDatabaseKey } = this.#options;
    return withDatabaseKey === undefined ? use(undefined) : withDatabaseKey(databaseId, use);
  }

  #buffersFor(regionBytes: number): RegionBuffers {
    const known = this.#buffers.get(regionBytes);
    if (known !== undefined) return known;
    const buffers = new RegionBuffers(regionBytes);
    this.#buffers.set(regionBytes, buffers);
    return buffers;
  }
}
