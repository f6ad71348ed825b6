import { closeSync, constants, fsyncSync, openSync, statfsSync, statSync, truncateSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { saysFull } from '../../base/storage-full.ts';

export const reserveFileName = 'state.reserve';

/** So much is given away at a time: whoever else fills the disk gets at most that much of it before the next commit. */
const pieceBytes = 512 * 1024;

/** Room on the disk that is kept for the commits that must succeed on a full one: a file that is there only to be cut, piece by piece.
 * It is made whole again when there is twice as much room as it takes. */
export class DiskReserve {
  readonly #path: string;
  readonly #bytes: number;
  readonly #released: () => void;
  /** What is left of it. */
  #left: number;

  /** @param released told when the reserve begins to be used */
  constructor(directory: string, bytes: number, released: () => void) {
    this.#path = join(directory, reserveFileName);
    this.#bytes = bytes;
    this.#released = released;
    this.#left = Math.min(statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0, bytes);
    if (this.#left < bytes && (this.#left === 0 || this.#hasRoom())) this.#take();
  }

  /** It is whole, made so now if there is room. */
  get isHeld(): boolean {
    if (this.#left < this.#bytes && this.#hasRoom()) this.#take();
    return this.#left === this.#bytes;
  }

  /** Gives a piece away. @returns false when there is none left */
  release(): boolean {
    if (this.#left === 0) return false;
    if (this.#left === this.#bytes) this.#released();
    this.#left = Math.max(0, this.#left - pieceBytes);
    truncateSync(this.#path, this.#left);
    return true;
  }

  #hasRoom(): boolean {
    const { bavail, bsize } = statfsSync(dirname(this.#path));
    return bavail * bsize >= 2 * this.#bytes;
  }

  /** Every byte is written: a file with holes takes no room. */
  #take(): void {
    try {
      const file = openSync(this.#path, constants.O_CREAT | constants.O_TRUNC | constants.O_WRONLY, 0o600);
      try {
        const piece = Buffer.alloc(pieceBytes);
        for (this.#left = 0; this.#left < this.#bytes;)
          this.#left += writeSync(file, piece, 0, Math.min(piece.length, this.#bytes - this.#left));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      if (!saysFull(error)) throw error;
    }
  }
}
