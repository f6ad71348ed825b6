import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';

export const oaepHashes = ['sha1', 'sha256'] as const;
export type OaepHash = (typeof oaepHashes)[number];

/** What a thread is asked to decrypt. */
export interface AskedDecryption {
  readonly keyId: number;
  readonly hash: OaepHash;
  readonly ciphertext: Uint8Array;
}

const places = 64;
/** RSA 4096 has no longer numbers. */
const numberBytesMax = 512;
const [asked, ended, told] = [0, 1, 2];
const controlWords = 3;
const [key, hash, length] = [0, 1, 2];
const wordsEach = 3;
const bytesAt = (controlWords + places * wordsEach) * 4;
const nothing = -1;

/** Memory that two threads share: ciphertexts go one way and plaintexts the other in the same places, in the order of asking, so that
 * neither side makes an object or a message of each. A plaintext is overwritten as soon as it is read. Counters go round at 2^32. */
export class DecryptionRing {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  /** By the side that asks: taken, and so its place free again. */
  #taken = 0;

  /** @param memory by the other side; default: new */
  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(bytesAt + places * numberBytesMax)) {
    this.#words = new Int32Array(memory, 0, controlWords + places * wordsEach);
    this.#bytes = new Uint8Array(memory, bytesAt);
  }

  get isFull(): boolean {
    return ((Atomics.load(this.#words, asked) - this.#taken) | 0) === places;
  }

  /** Wakes the thread. */
  ask(one: AskedDecryption): void {
    const number = Atomics.load(this.#words, asked);
    invariant(!this.isFull && one.ciphertext.length <= numberBytesMax, 'what is asked has room');
    this.#describe(number, one.keyId, oaepHashes.indexOf(one.hash), one.ciphertext.length);
    this.#place(number).set(one.ciphertext);
    Atomics.store(this.#words, asked, (number + 1) | 0);
    Atomics.notify(this.#words, asked);
  }

  /** Call when told, before what has ended is taken: whatever ends thereafter is told again. */
  heard(): void {
    Atomics.store(this.#words, told, 0);
  }

  /** @returns undefined when no more have ended; else what the next one is, written by `read`, or that it does not open */
  take(read: (plaintext: Uint8Array) => Buffer): { readonly plaintext: Buffer | undefined } | undefined {
    const number = this.#taken;
    if (Atomics.load(this.#words, ended) === number) return undefined;
    const opened = this.#word(number, length);
    const place = this.#place(number);
    const plaintext = opened === nothing ? undefined : read(place.subarray(0, opened));
    place.fill(0);
    this.#taken = (number + 1) | 0;
    return { plaintext };
  }

  /** In the thread: waits for the next one. */
  next(): AskedDecryption {
    const number = Atomics.load(this.#words, ended);
    while (Atomics.load(this.#words, asked) === number) Atomics.wait(this.#words, asked, number);
    const ciphertext = this.#place(number).subarray(0, this.#word(number, length));
    return { keyId: this.#word(number, key), hash: oaepHashes[this.#word(number, hash)] ?? 'sha1', ciphertext };
  }

  /** In the thread: ends the one that was next. @param plaintext overwritten, before the other side can know of it
   * @returns whether the other side must be told */
  end(plaintext: Uint8Array | undefined): boolean {
    const number = Atomics.load(this.#words, ended);
    const place = this.#place(number);
    place.fill(0);
    this.#words[this.#at(number) + length] = plaintext?.length ?? nothing;
    if (plaintext !== undefined) {
      place.set(plaintext);
      zeroBytes(plaintext);
    }
    Atomics.store(this.#words, ended, (number + 1) | 0);
    return Atomics.exchange(this.#words, told, 1) === 0;
  }

  #describe(number: number, keyId: number, hashAt: number, bytes: number): void {
    this.#words.set([keyId, hashAt, bytes], this.#at(number));
  }

  #word(number: number, which: number): number {
    return this.#words[this.#at(number) + which] ?? 0;
  }

  #at(number: number): number {
    return controlWords + ((number >>> 0) % places) * wordsEach;
  }

  #place(number: number): Uint8Array {
    const start = ((number >>> 0) % places) * numberBytesMax;
    return this.#bytes.subarray(start, start + numberBytesMax);
  }
}
