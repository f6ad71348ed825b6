import { randomUUID } from 'node:crypto';
import { constants, mkdirSync, realpathSync, rmSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { link, mkdir, open, readdir, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { saysFull, StorageFullError } from '../../base/storage-full.ts';
import { directorySynced, syncDirectory } from '../../base/sync-directory.ts';
import type { BlobName, BlobReader, BlobSummary, ReplaceableBlobs } from '../blob-store.ts';
import { BlobExistsError, BlobNotFoundError, parseBlobName } from '../blob-store.ts';

/** Files have an ending, so that a blob `a` and a blob `a/b` can both exist. Names have no dot. */
const ending = '.blob';
const unfinished = '.unfinished';
const pieceBytes = 256 * 1024;
/** A name that leads to a file elsewhere is not followed. */
const noFollow = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;

/** A blob is one file (0600) under a directory (0700) that this process has for itself. */
export class FilesystemBlobStore implements ReplaceableBlobs {
  readonly #root: string;

  /** Makes the directory if need be, and removes what a crash left unfinished. */
  static open(directory: string): FilesystemBlobStore {
    const first = mkdirSync(directory, { recursive: true, mode: 0o700 });
    const root = realpathSync(directory);
    syncMade(first === undefined ? undefined : realpathSync(first), root);
    rmSync(join(root, unfinished), { recursive: true, force: true });
    mkdirSync(join(root, unfinished), { mode: 0o700 });
    syncDirectory(root);
    syncDirectory(dirname(root));
    return new FilesystemBlobStore(root);
  }

  /** For another process than the one that has the directory for itself: changes nothing there. */
  static reader(directory: string): BlobReader {
    return new FilesystemBlobStore(directory);
  }

  private constructor(root: string) {
    this.#root = root;
  }

  /** Order: whole file under another name → synced → linked to its name, which fails if that exists → directory synced. */
  write(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    return this.#put(name, pieces, link);
  }

  /** Order: whole file under another name → synced → renamed to its name → directory synced. */
  replace(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    return this.#put(name, pieces, rename);
  }

  async #put(
    name: BlobName,
    pieces: AsyncIterable<Uint8Array>,
    named: (from: string, to: string) => Promise<void>,
  ): Promise<{ readonly length: number }> {
    const path = this.#path(name);
    await this.#makeParent(dirname(path)).catch(namingFull);
    const temporary = join(this.#root, unfinished, randomUUID());
    try {
      const length = await writeFile(temporary, pieces);
      await named(temporary, path);
      return { length };
    } catch (error) {
      throw codeOf(error) === 'EEXIST' ? new BlobExistsError(name) : namingFull(error);
    } finally {
      await unlink(temporary).catch(ignoreMissing);
      await directorySynced(dirname(path));
    }
  }

  async *read(name: BlobName, range?: { readonly offset: number; readonly length: number }): AsyncIterable<Uint8Array> {
    const file = await this.#open(name);
    try {
      let { offset, length } = range ?? { offset: 0, length: Infinity };
      while (length > 0) {
        const piece = Buffer.allocUnsafe(Math.min(pieceBytes, length));
        const { bytesRead } = await file.read(piece, 0, piece.length, offset);
        if (bytesRead === 0) return;
        yield piece.subarray(0, bytesRead);
        offset += bytesRead;
        length -= bytesRead;
      }
    } finally {
      await file.close();
    }
  }

  async readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number> {
    const file = await this.#open(name);
    try {
      let done = 0;
      while (done < target.byteLength) {
        const { bytesRead } = await file.read(target, done, target.byteLength - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    } finally {
      await file.close();
    }
  }

  list(prefix: string): AsyncIterable<BlobSummary> {
    return this.#listIn('', prefix);
  }

  async delete(name: BlobName): Promise<void> {
    const path = this.#path(name);
    try {
      await this.#checkParent(dirname(path));
      await unlink(path);
    } catch (error) {
      ignoreMissing(error);
      return;
    }
    await directorySynced(dirname(path));
  }

  /** @param folder `` or a name that ends in `/` */
  async *#listIn(folder: string, prefix: string): AsyncIterable<BlobSummary> {
    const entries = await readdir(join(this.#root, folder), { withFileTypes: true }).catch((error: unknown) => {
      ignoreMissing(error);
      return [];
    });
    const named = entries
      .flatMap((entry) => blobOrFolder(folder, entry) ?? [])
      .sort((left, right) => (left.key < right.key ? -1 : 1));
    for (const { key, isFolder } of named) {
      if (isFolder) {
        if (key.startsWith(prefix) || prefix.startsWith(key)) yield* this.#listIn(key, prefix);
        continue;
      }
      const name = key.startsWith(prefix) ? parseBlobName(key) : undefined;
      if (name === undefined) continue;
      const status = await stat(this.#path(name)).catch(ignoreMissing);
      if (status) yield { name, length: status.size };
    }
  }

  async #open(name: BlobName): Promise<FileHandle> {
    const path = this.#path(name);
    try {
      await this.#checkParent(dirname(path));
      return await open(path, constants.O_RDONLY | noFollow);
    } catch (error) {
      throw codeOf(error) === 'ENOENT' ? new BlobNotFoundError(name) : error;
    }
  }

  async #makeParent(parent: string): Promise<void> {
    syncMade(await mkdir(parent, { recursive: true, mode: 0o700 }), parent);
    await this.#checkParent(parent);
  }

  async #checkParent(parent: string): Promise<void> {
    if ((await realpath(parent)) !== parent)
      throw new Error(`${parent} leads elsewhere; the blob directory holds no links.`);
  }

  #path(name: BlobName): string {
    return join(this.#root, ...name.split('/')) + ending;
  }
}

/** Each new directory is a new name in the one above.
 * @param first the topmost new one; undefined when there was none
 * @param last the lowest */
function syncMade(first: string | undefined, last: string): void {
  if (first === undefined) return;
  for (let made = last; made.length >= first.length; made = dirname(made)) syncDirectory(dirname(made));
}

async function writeFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const file = await open(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | noFollow, 0o600);
  try {
    let length = 0;
    for await (const piece of pieces) {
      for (let done = 0; done < piece.byteLength;) {
        const { bytesWritten } = await file.write(piece, done, piece.byteLength - done, length + done);
        done += bytesWritten;
      }
      length += piece.byteLength;
    }
    await file.sync();
    return length;
  } finally {
    await file.close();
  }
}

/** Sorted by `key`, entries are in the order of whole blob names. */
function blobOrFolder(folder: string, entry: Dirent): { key: string; isFolder: boolean } | undefined {
  if (entry.isDirectory())
    return entry.name === unfinished ? undefined : { key: `${folder}${entry.name}/`, isFolder: true };
  if (!entry.isFile() || !entry.name.endsWith(ending)) return undefined;
  return { key: `${folder}${entry.name.slice(0, -ending.length)}`, isFolder: false };
}

function namingFull(error: unknown): never {
  throw saysFull(error) ? new StorageFullError({ cause: error }) : error;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}
