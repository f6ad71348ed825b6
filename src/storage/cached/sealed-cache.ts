import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, mkdir, open, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobName } from '../blob-store.ts';
import type { NoteCacheUse } from '../cache-use.ts';

/** Where ranges of sealed blobs are kept that were read from elsewhere. It goes to the process that reads them. */
export interface SealedCachePlace {
  /** Absolute; need not be there. For one process at a time. */
  readonly directory: string;
  readonly bytesMax: number;
  /** 32 bytes, made at each start of Kustody: files of another start, damaged ones and ones of somebody else are known by it. It opens nothing. */
  readonly checkKey: Uint8Array;
}

/** Other programs, and the state above all, need room on the same disk: while fewer bytes are free nothing is added, and old ones go. */
export const freeBytesMin = 1024 ** 3;
/** What a file takes besides its bytes, on most file systems; and nobody fills the memory with the list of a million small ones. */
const fileBytes = 8 * 1024;
const checkBytes = 32;
/** A name that leads to a file elsewhere is not followed. */
const noFollow = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;
const namePattern = /^[0-9a-f]{40}-[0-9]{1,15}-[0-9]{1,15}$/;

interface Entry {
  readonly bytes: number;
  /** While its file is being written it is there for its bytes alone. */
  isWhole: boolean;
}

/** Bytes as they came from the store, sealed: one file (0600) for each range that was asked for, in a directory (0700) that this process has
 * for itself. `HMAC-SHA-256(name of the file, bytes)` stands before the bytes, so files are not synced: one that a crash has cut is not taken for
 * whole. Least recently read ones go first; after a start of the process, those that were written first.
 *
 * Nothing here ever throws: a cache that has trouble keeps less. One file is open for each read or write under way. */
export class SealedCache {
  readonly #place: SealedCachePlace;
  readonly #freeBytesMin: number;
  readonly #note: NoteCacheUse;
  /** In the order in which they go. */
  readonly #entries = new Map<string, Entry>();
  readonly #keysOfBlobs = new Map<string, Set<string>>();
  #bytes = 0;

  /** Takes over what an earlier process has left. @returns undefined where there can be none */
  static async open(
    place: SealedCachePlace,
    keptFree = freeBytesMin,
    note: NoteCacheUse = () => undefined,
  ): Promise<SealedCache | undefined> {
    const cache = new SealedCache(place, keptFree, note);
    try {
      await mkdir(place.directory, { recursive: true, mode: 0o700 });
      await cache.#takeOver();
      return cache;
    } catch {
      return undefined;
    }
  }

  private constructor(place: SealedCachePlace, keptFree: number, note: NoteCacheUse) {
    this.#place = place;
    this.#freeBytesMin = keptFree;
    this.#note = note;
  }

  /** Fills `target` as the store did when it was asked for the same. @returns undefined: ask the store; `target` holds nothing then */
  async readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number | undefined> {
    const length = await this.#readKept(name, offset, target);
    this.#note(length === undefined ? { misses: 1 } : { hits: 1, readBytes: length });
    return length;
  }

  async #readKept(name: BlobName, offset: number, target: Uint8Array): Promise<number | undefined> {
    const key = keyOf(name, offset, target.byteLength);
    const entry = this.#entries.get(key);
    if (entry?.isWhole !== true) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const length = await this.#read(key, target).catch(() => undefined);
    if (length === undefined) await this.#drop(key, entry);
    return length;
  }

  /** @param target how much was asked for; the store had its first `length` bytes */
  async keep(name: BlobName, offset: number, target: Uint8Array, length: number): Promise<void> {
    const key = keyOf(name, offset, target.byteLength);
    const entry: Entry = { bytes: length + checkBytes + fileBytes, isWhole: false };
    if (this.#entries.has(key) || entry.bytes > this.#place.bytesMax) return;
    this.#add(key, entry);
    try {
      const { bavail, bsize } = await statfs(this.#place.directory);
      const missing = this.#freeBytesMin + entry.bytes - bavail * bsize;
      await this.#shrinkTo(Math.min(this.#place.bytesMax, missing > 0 ? this.#bytes - missing : Infinity));
      if (this.#entries.get(key) !== entry) return;
      await this.#write(key, target.subarray(0, length));
      entry.isWhole = true;
      // It may have gone meanwhile, before its file was there.
      if (this.#entries.get(key) !== entry) await this.#remove(key);
    } catch {
      await this.#drop(key, entry);
    }
  }

  /** Nothing of a blob stays. */
  async forget(name: BlobName): Promise<void> {
    for (const key of [...(this.#keysOfBlobs.get(digestOf(name)) ?? [])]) {
      const entry = this.#entries.get(key);
      if (entry !== undefined) await this.#drop(key, entry);
    }
  }

  async #takeOver(): Promise<void> {
    const found: { readonly key: string; readonly bytes: number; readonly at: number }[] = [];
    for (const key of await readdir(this.#place.directory)) {
      const file = await lstat(this.#path(key));
      if (namePattern.test(key) && file.isFile()) found.push({ key, bytes: file.size + fileBytes, at: file.mtimeMs });
      else await this.#remove(key);
    }
    for (const { key, bytes } of found.sort((left, right) => left.at - right.at))
      this.#add(key, { bytes, isWhole: true });
    await this.#shrinkTo(this.#place.bytesMax);
  }

  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
    const digest = key.slice(0, digestLength);
    this.#keysOfBlobs.set(digest, (this.#keysOfBlobs.get(digest) ?? new Set()).add(key));
  }

  async #shrinkTo(bytes: number): Promise<void> {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= bytes) return;
      this.#note({ evictedBytes: entry.bytes });
      await this.#drop(key, entry);
    }
  }

  #read(key: string, target: Uint8Array): Promise<number | undefined> {
    return withFile(this.#path(key), constants.O_RDONLY, async (file) => {
      const length = (await file.stat()).size - checkBytes;
      if (length < 0 || length > target.byteLength) return undefined;
      const check = new Uint8Array(checkBytes);
      const bytes = target.subarray(0, length);
      if (!(await filled(file, check, 0)) || !(await filled(file, bytes, checkBytes))) return undefined;
      return timingSafeEqual(check, this.#check(key, bytes)) ? length : undefined;
    });
  }

  #write(key: string, bytes: Uint8Array): Promise<void> {
    return withFile(this.#path(key), constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, async (file) => {
      await file.writeFile(this.#check(key, bytes));
      await file.writeFile(bytes);
    });
  }

  #check(key: string, bytes: Uint8Array): Buffer {
    return createHmac('sha256', this.#place.checkKey).update(`${key}\n`).update(bytes).digest();
  }

  /** Another one that has come to its name meanwhile stays. */
  async #drop(key: string, entry: Entry): Promise<void> {
    if (this.#entries.get(key) !== entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    const digest = key.slice(0, digestLength);
    const keys = this.#keysOfBlobs.get(digest);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysOfBlobs.delete(digest);
    await this.#remove(key);
  }

  async #remove(key: string): Promise<void> {
    await rm(this.#path(key), { recursive: true, force: true }).catch(() => undefined);
  }

  #path(key: string): string {
    return join(this.#place.directory, key);
  }
}

const digestLength = 40;
const digestOf = (name: BlobName): string => createHash('sha256').update(name).digest('hex').slice(0, digestLength);

const keyOf = (name: BlobName, offset: number, length: number): string => `${digestOf(name)}-${offset}-${length}`;

async function withFile<T>(path: string, flags: number, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags | noFollow, 0o600);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function filled(handle: FileHandle, target: Uint8Array, position: number): Promise<boolean> {
  for (let done = 0; done < target.byteLength;) {
    const { bytesRead } = await handle.read(target, done, target.byteLength - done, position + done);
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return true;
}
