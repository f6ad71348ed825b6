/** Bytes that come in pieces, taken by number. */
export class PieceReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #tooEarly: () => Error;
  #held: Uint8Array = new Uint8Array();
  #at = 0;

  /** @param tooEarly what to say where more is asked for than there is */
  constructor(pieces: AsyncIterable<Uint8Array>, tooEarly: () => Error) {
    this.#pieces = pieces[Symbol.asyncIterator]();
    this.#tooEarly = tooEarly;
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#at === this.#held.length) {
      const next = await this.#pieces.next();
      if (next.done === true) return true;
      // The reader of the bytes may use their memory for the next ones.
      this.#held = Uint8Array.from(next.value);
      this.#at = 0;
    }
    return false;
  }

  /** Memory grows with what has come, not with what is asked for. */
  async take(count: number): Promise<Uint8Array> {
    if (count <= this.#held.length - this.#at) {
      this.#at += count;
      return this.#held.subarray(this.#at - count, this.#at);
    }
    const parts: Uint8Array[] = [];
    for (let left = count; left > 0;) {
      if (await this.isAtEnd()) throw this.#tooEarly();
      const part = this.#held.subarray(this.#at, this.#at + left);
      this.#at += part.length;
      left -= part.length;
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  /** Zigzag, as Avro writes its counts. */
  async long(): Promise<bigint> {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = (await this.take(1))[0] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw this.#tooEarly();
  }
}
