import { once } from 'node:events';
import { createGzip } from 'node:zlib';
import type { Gzip } from 'node:zlib';
import type { NewBlob } from './export-target.ts';

/** Bytes on their way into one blob: packed if they are to be, and handed over in pieces, so that no more than a piece is held. */
export class BlobStream {
  readonly #blob: NewBlob;
  readonly #pieceBytes: number;
  readonly #gzip: Gzip | undefined;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Before they are packed. */
  plainBytes = 0;
  storedBytes = 0;

  constructor(blob: NewBlob, pieceBytes: number, packed: boolean) {
    this.#blob = blob;
    this.#pieceBytes = pieceBytes;
    if (!packed) return;
    this.#gzip = createGzip();
    this.#gzip.on('data', (bytes: Buffer) => this.#hold(bytes));
  }

  get path(): string {
    return this.#blob.path;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.plainBytes += bytes.byteLength;
    const gzip = this.#gzip;
    if (gzip === undefined) this.#hold(bytes);
    else
      await new Promise<void>((resolve, reject) => {
        gzip.write(bytes, (error) => (error ? reject(error) : resolve()));
      });
    if (this.#heldBytes >= this.#pieceBytes) await this.#send();
  }

  /** The blob is there when it resolves. */
  async finish(): Promise<void> {
    if (this.#gzip !== undefined) {
      const ended = once(this.#gzip, 'end');
      this.#gzip.end();
      await ended;
    }
    if (this.#heldBytes > 0) await this.#send();
    await this.#blob.finish();
  }

  /** Frees what it holds; nothing more comes. */
  abandon(): void {
    this.#gzip?.destroy();
    this.#held = [];
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.byteLength;
    this.storedBytes += bytes.byteLength;
  }

  async #send(): Promise<void> {
    const whole = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    for (let at = 0; at < whole.byteLength; at += this.#pieceBytes)
      await this.#blob.write(whole.subarray(at, at + this.#pieceBytes));
  }
}
