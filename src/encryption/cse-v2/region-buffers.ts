import type { SealedShape } from './format.ts';
import { regionOverheadBytes } from './format.ts';

/** What a buffer takes of the largest region; one byte more, to notice a blob that is too long. */
export const bufferBytes = ({
  regionBytes,
  length = regionBytes,
}: Partial<Pick<SealedShape, 'length'>> & Pick<SealedShape, 'regionBytes'>): number =>
  Math.min(regionBytes, length) + regionOverheadBytes + 1;

/** Buffers for sealed regions, used again and again: fresh ones cost page faults. Zeroed when handed back, since they held plaintext. */
export class RegionBuffers {
  readonly #bytes: number;
  readonly #spareMax: number;
  readonly #spare: Buffer[] = [];

  /** @param regionBytes of the largest region */
  constructor(regionBytes: number, spareMax = 4) {
    this.#bytes = bufferBytes({ regionBytes });
    this.#spareMax = spareMax;
  }

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.alloc(this.#bytes);
  }

  /** @param usedBytes of each at most: the rest is zero still */
  giveBack(usedBytes: number, ...buffers: readonly Buffer[]): void {
    for (const buffer of buffers) {
      buffer.fill(0, 0, usedBytes);
      if (this.#spare.length < this.#spareMax) this.#spare.push(buffer);
    }
  }
}
