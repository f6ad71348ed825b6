import { Buffer } from 'node:buffer';

/** Bytes that came in pieces and are kept so, since to have them in one would take as much again. */
export class HeldPieces {
  readonly #pieces: Uint8Array[] = [];
  readonly #starts: number[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(piece: Uint8Array): void {
    if (piece.byteLength === 0) return;
    this.#pieces.push(piece);
    this.#starts.push(this.#length);
    this.#length += piece.byteLength;
  }

  /** As many as there are from here to there; copied only where they are in several pieces. */
  bytes(from: number, to: number): Buffer {
    const parts = [...this.parts(from, to)];
    const [first] = parts;
    return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts);
  }

  *parts(from: number, to: number): Generator<Buffer> {
    for (let index = this.#at(from); index < this.#pieces.length; index += 1) {
      const [piece, start] = [this.#pieces[index], this.#starts[index] ?? 0];
      if (piece === undefined || start >= to) return;
      const part = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).subarray(
        Math.max(0, from - start),
        to - start,
      );
      if (part.length > 0) yield part;
    }
  }

  /** Which piece has this byte. */
  #at(offset: number): number {
    let [low, high] = [0, this.#starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low;
  }
}
