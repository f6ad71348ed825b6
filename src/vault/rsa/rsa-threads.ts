import type { KeyObject } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { decryptOaep } from './decrypt-oaep.ts';
import type { OaepHash } from './decryption-ring.ts';
import { RsaThreadPool } from './rsa-thread-pool.ts';

const threadsMax = 16;

/** RSA decryptions. One that comes alone is done at once, which takes some tenths of a millisecond with 2048 bits, and a few milliseconds with 4096. When several come in one turn of the event
 * loop, threads are begun, as many as there are processors, that do this one and all thereafter. They have one queue, so none
 * is idle while another has more than it is at, or while the thread that answers does other work; they tell it once of all that have ended
 * meanwhile. */
export class RsaThreads {
  readonly #script: string;
  readonly #max: number;
  readonly #ids = new WeakMap<KeyObject, number>();
  #pool: RsaThreadPool | undefined;
  #lastId = 0;
  #isAlone = true;
  #whenOneEnds: (() => void)[] = [];

  /** @param script `dist/rsa-thread.js` */
  constructor(script: string, max = Math.min(threadsMax, availableParallelism())) {
    this.#script = script;
    this.#max = max;
  }

  /** So many are with threads and have not ended. */
  get count(): number {
    return this.#pool?.count ?? 0;
  }

  /** Resolves when some of them have ended, however. */
  oneEnded(): Promise<void> {
    return new Promise((resolve) => this.#whenOneEnds.push(resolve));
  }

  /** @param ciphertext as long as the modulus
   * @returns the plaintext, which the caller overwrites, or undefined: whatever is wrong
   * @throws Error when the thread has ended */
  decrypt(key: KeyObject, hash: OaepHash, ciphertext: Uint8Array): Promise<Buffer | undefined> {
    if (this.#pool === undefined && this.#comesAlone()) return Promise.resolve(decryptOaep(key, hash, ciphertext));
    const pool = (this.#pool ??= this.#begin());
    return new Promise((resolve, reject) => pool.ask({ id: this.#idOf(key), key, hash, ciphertext, resolve, reject }));
  }

  /** No thread has any key when what is under way has ended: an idle one never frees what it has forgotten. */
  forgetKeys(): void {
    const pool = this.#pool;
    this.#pool = undefined;
    pool?.finish();
  }

  close(): void {
    this.#pool?.close(new Error('The vault is closed.'));
  }

  #begin(): RsaThreadPool {
    const pool: RsaThreadPool = new RsaThreadPool(this.#script, this.#max, {
      ended: () => {
        for (const tell of this.#whenOneEnds.splice(0)) tell();
      },
      gone: () => {
        if (this.#pool === pool) this.#pool = undefined;
      },
    });
    return pool;
  }

  /** The first of this turn does. */
  #comesAlone(): boolean {
    const comesAlone = this.#isAlone;
    this.#isAlone = false;
    if (comesAlone) setImmediate(() => (this.#isAlone = true));
    return comesAlone;
  }

  #idOf(key: KeyObject): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    this.#ids.set(key, (this.#lastId += 1));
    return this.#lastId;
  }
}
