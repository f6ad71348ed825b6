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

/** The same, as one thread has it. */
export interface ClaimedDecryption extends AskedDecryption {
  readonly number: number;
  /** So many keys had been sent to each thread when it was asked. */
  readonly keysSent: number;
}

const places = 128;
/** RSA 4096 has no longer numbers. */
const numberBytesMax = 512;
const [asked, claimed, told, sent] = [0, 1, 2, 3];
const controlWords = 4;
const [key, hash, length, keys, state] = [0, 1, 2, 3, 4];
const wordsEach = 5;
const bytesAt = (controlWords + places * wordsEach) * 4;
const nothing = -1;
const [isAsked, isEnded] = [0, 1];

/** Memory that the thread that asks and those that decrypt share: ciphertexts go one way and plaintexts the other in the same places, so that
 * neither side makes an object or a message of each. Whichever thread is free claims the next one, so none is idle while another has a
 * queue; they are taken in the order of asking. A plaintext is overwritten as soon as it is read. Counters go round at 2^32. */
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

  /** Call when a key has been sent to every thread: those that wait look for it. @returns how many have been sent */
  keySent(): number {
    const before = Atomics.add(this.#words, sent, 1);
    Atomics.notify(this.#words, asked);
    return (before + 1) | 0;
  }

  /** Wakes a thread that waits. */
  ask(one: AskedDecryption): void {
    const number = Atomics.load(this.#words, asked);
    invariant(!this.isFull && one.ciphertext.length <= numberBytesMax, 'what is asked has room');
    const described = [one.keyId, oaepHashes.indexOf(one.hash), one.ciphertext.length, this.#words[sent] ?? 0, isAsked];
    this.#words.set(described, this.#at(number));
    this.#place(number).set(one.ciphertext);
    Atomics.store(this.#words, asked, (number + 1) | 0);
    Atomics.notify(this.#words, asked, 1);
  }

  /** Call when told, before what has ended is taken: whatever ends thereafter is told again. */
  heard(): void {
    Atomics.store(this.#words, told, 0);
  }

  /** The next that has ended, in the order of asking; its place is free then.
   * @param copy of the plaintext, which is overwritten
   * @returns undefined when none has; `plaintext` is undefined for what did not decrypt */
  take(copy: (plaintext: Uint8Array) => Buffer): { readonly plaintext: Buffer | undefined } | undefined {
    const number = this.#taken;
    if (number === Atomics.load(this.#words, asked)) return undefined;
    if (Atomics.load(this.#words, this.#at(number) + state) !== isEnded) return undefined;
    const bytes = this.#word(number, length);
    const place = this.#place(number);
    const plaintext = bytes === nothing ? undefined : copy(place.subarray(0, bytes));
    place.fill(0);
    this.#taken = (number + 1) | 0;
    return { plaintext };
  }

  /** In a thread: the next that nobody has claimed. Waits until there is one.
   * @param takeKeys called with how many keys have been sent, as long as there is nothing that may need one that they replace */
  claim(takeKeys: (sent: number) => void): ClaimedDecryption {
    for (;;) {
      const keysSent = Atomics.load(this.#words, sent);
      const number = Atomics.load(this.#words, claimed);
      const end = Atomics.load(this.#words, asked);
      if (number === end) {
        takeKeys(keysSent);
        // A key that was sent meanwhile woke nobody, and is looked for before what needs it.
        Atomics.wait(this.#words, asked, end);
      } else if (Atomics.compareExchange(this.#words, claimed, number, (number + 1) | 0) === number) {
        const text = this.#place(number).subarray(0, this.#word(number, length));
        const oaepHash = oaepHashes[this.#word(number, hash)] ?? 'sha1';
        return {
          ...{ number, keyId: this.#word(number, key), hash: oaepHash, ciphertext: text },
          keysSent: this.#word(number, keys),
        };
      }
    }
  }

  /** In the thread that claimed it. @param plaintext overwritten, before the other side can know of it
   * @returns whether the other side must be told */
  end(number: number, plaintext: Uint8Array | undefined): boolean {
    const place = this.#place(number);
    place.fill(0);
    this.#words[this.#at(number) + length] = plaintext?.length ?? nothing;
    if (plaintext !== undefined) {
      place.set(plaintext);
      zeroBytes(plaintext);
    }
    Atomics.store(this.#words, this.#at(number) + state, isEnded);
    return Atomics.exchange(this.#words, told, 1) === 0;
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
