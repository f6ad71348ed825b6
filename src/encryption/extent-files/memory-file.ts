import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, statfs } from 'node:fs/promises';

/** There is no place here for plaintext that is not a disk. */
export class NoMemoryFilesError extends Error {
  override readonly name = 'NoMemoryFilesError';
  constructor(why: string) {
    super(
      `Data cannot be opened here without writing plaintext to a disk: ${why}. Clusters with data need Linux and a tmpfs.`,
    );
  }
}

/** Memory for plaintext files is used up. */
export class MemoryFilesFullError extends Error {
  override readonly name = 'MemoryFilesFullError';
  constructor(readonly wantedBytes: number) {
    super(`There is no memory left for an opened extent of ${wantedBytes} bytes.`);
  }
}

export const memoryDirectory = '/dev/shm';

/** O_TMPFILE of Linux, which Node has no name for (with O_DIRECTORY, as it must be). */
const temporaryFile = 0o20200000;
/** Magic numbers of tmpfs and ramfs (linux/magic.h). */
const memoryFileSystems: readonly number[] = [0x01021994, 0x858458f6];

/** A file in memory without a name. It is gone with its last descriptor, so neither a crash nor a kill leaves anything behind.
 * DuckDB opens it by `path`, which means something in this process only. */
export class MemoryFile {
  readonly #handle: FileHandle;
  readonly path: string;

  /** @param directory on a tmpfs
   * @throws NoMemoryFilesError elsewhere: on other systems, and where the directory is on a disk */
  static async create(directory = memoryDirectory): Promise<MemoryFile> {
    if (process.platform !== 'linux') throw new NoMemoryFilesError(`this is ${process.platform}`);
    const kind = await statfs(directory).catch(() => undefined);
    if (kind === undefined) throw new NoMemoryFilesError(`${directory} does not exist`);
    if (!memoryFileSystems.includes(kind.type)) throw new NoMemoryFilesError(`${directory} is not a tmpfs`);
    return new MemoryFile(await open(directory, temporaryFile | constants.O_RDWR, 0o600));
  }

  private constructor(handle: FileHandle) {
    this.#handle = handle;
    this.path = `/proc/self/fd/${handle.fd}`;
  }

  async length(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  /** @throws MemoryFilesFullError */
  async write(bytes: Uint8Array, offset: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.byteLength;) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.byteLength - done, offset + done);
        done += bytesWritten;
      }
    } catch (error) {
      const isFull = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
      throw isFull ? new MemoryFilesFullError(offset + bytes.byteLength) : error;
    }
  }

  /** @returns how many bytes: fewer than `target` has only at the end of the file */
  async readInto(offset: number, target: Uint8Array): Promise<number> {
    let done = 0;
    while (done < target.byteLength) {
      const { bytesRead } = await this.#handle.read(target, done, target.byteLength - done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
