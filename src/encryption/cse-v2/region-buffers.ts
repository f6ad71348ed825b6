import { regionOverheadBytes } from './format.ts';

/** Buffers for sealed regions, used again and again: fresh ones cost page faults. Zeroed when handed back, since they held plaintext. */
export class RegionBuffers {
  readonly #bytes: number;
  readonly #spareMax: number;
  readonly #spare: Buffer[] = [];

  /** @param regionBytes of the largest region; one byte more is kept, to notice a blob that is too long */
  constructor(regionBytes: number, spareMax = 4) {
    this.#bytes = regionBytes + regionOverheadBytes + 1;
    this.#spareMax = spareMax;
  }

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.alloc(this.#bytes);
  }

  giveBack(...buffers: readonly Buffer[]): void {
    for (const buffer of buffers) {
      buffer.fill(0);
      if (this.#spare.length < this.#spareMax) this.#spare.push(buffer);
    }
  }
}
