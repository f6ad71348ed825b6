import type { KeyObject } from 'node:crypto';
import { createPrivateKey } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import { MessageChannel, Worker } from 'node:worker_threads';
import { zeroBytes } from '../../base/bytes.ts';
import { secretBuffer } from '../base64url-bytes.ts';
import { decryptOaep } from './decrypt-oaep.ts';
import type { OaepHash } from './decryption-ring.ts';
import { DecryptionRing } from './decryption-ring.ts';

export interface RsaThreadData {
  readonly memory: SharedArrayBuffer;
  readonly port: MessagePort;
}

/** A key that a thread has not, and the one that it is to forget for it. */
export interface SentKey {
  readonly id: number;
  readonly key: KeyObject;
  readonly insteadOf?: number;
}

interface Asked {
  readonly key: KeyObject;
  readonly hash: OaepHash;
  readonly ciphertext: Uint8Array;
  readonly resolve: (plaintext: Buffer | undefined) => void;
  readonly reject: (error: Error) => void;
}

const threadsMax = 16;
const keysEachMax = 64;
/** A thread more is begun when each has so many before it: to begin one takes as long as a hundred decryptions. */
const busyWith = 3;

/** RSA decryptions. One that comes alone is done at once, which takes some tenths of a millisecond with 2048 bits, and a few milliseconds with 4096. When several come in one turn of the event
 * loop, threads are begun, as many as there are processors, that do this one and all thereafter. Each has a queue of its own, so none
 * is idle while the thread that answers does other work; they tell it once of all that have ended meanwhile. */
export class RsaThreads {
  readonly #script: string;
  readonly #max: number;
  readonly #ids = new WeakMap<KeyObject, number>();
  #threads: RsaThread[] = [];
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
    return this.#threads.reduce((sum, { count }) => sum + count, 0);
  }

  /** Resolves when some of them have ended, however. */
  oneEnded(): Promise<void> {
    return new Promise((resolve) => this.#whenOneEnds.push(resolve));
  }

  /** @param ciphertext as long as the modulus
   * @returns the plaintext, which the caller overwrites, or undefined: whatever is wrong
   * @throws Error when the thread has ended */
  decrypt(key: KeyObject, hash: OaepHash, ciphertext: Uint8Array): Promise<Buffer | undefined> {
    if (this.#threads.length === 0 && this.#comesAlone()) return Promise.resolve(decryptOaep(key, hash, ciphertext));
    return new Promise((resolve, reject) => this.#thread().ask({ key, hash, ciphertext, resolve, reject }));
  }

  /** No thread has any key when what is under way has ended: an idle one never frees what it has forgotten. */
  forgetKeys(): void {
    for (const thread of this.#threads.splice(0)) thread.finish();
  }

  close(): void {
    for (const thread of this.#threads.splice(0)) thread.close(new Error('The vault is closed.'));
  }

  /** The first of this turn does. */
  #comesAlone(): boolean {
    const comesAlone = this.#isAlone;
    this.#isAlone = false;
    if (comesAlone) setImmediate(() => (this.#isAlone = true));
    return comesAlone;
  }

  #thread(): RsaThread {
    let first = this.#threads[0];
    for (const one of this.#threads) if (first === undefined || one.count < first.count) first = one;
    if (first !== undefined && (first.count < busyWith || this.#threads.length >= this.#max)) return first;
    const thread: RsaThread = new RsaThread(this.#script, {
      idOf: (key) => this.#idOf(key),
      ended: () => {
        for (const tell of this.#whenOneEnds.splice(0)) tell();
      },
      gone: () => (this.#threads = this.#threads.filter((one) => one !== thread)),
    });
    this.#threads.push(thread);
    return thread;
  }

  #idOf(key: KeyObject): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    this.#ids.set(key, (this.#lastId += 1));
    return this.#lastId;
  }
}

interface RsaThreadEvents {
  readonly idOf: (key: KeyObject) => number;
  readonly ended: () => void;
  readonly gone: () => void;
}

/** One thread, and what it was asked. */
class RsaThread {
  readonly #ring = new DecryptionRing();
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #events: RsaThreadEvents;
  /** The ids of the keys that it has, those that were sent first first. */
  readonly #sent = new Set<number>();
  /** In the ring, and then those that have no room there yet. */
  readonly #asked: Asked[] = [];
  #waiting: Asked[] = [];
  #isFinishing = false;

  constructor(script: string, events: RsaThreadEvents) {
    const { port1, port2 } = new MessageChannel();
    const { memory } = this.#ring;
    this.#events = events;
    this.#port = port1;
    this.#worker = new Worker(script, {
      ...{ workerData: { memory, port: port2 } satisfies RsaThreadData, transferList: [port2] },
      ...{ env: {}, execArgv: [] },
    });
    this.#port.on('message', () => this.#take());
    this.#worker.on('error', (cause) => this.close(new Error('A thread that decrypts failed.', { cause })));
    this.#port.unref();
    this.#worker.unref();
  }

  get count(): number {
    return this.#asked.length + this.#waiting.length;
  }

  ask(one: Asked): void {
    if (this.count === 0) this.#port.ref();
    this.#waiting.push(one);
    this.#fill();
  }

  /** Ends when it has done what it was asked. */
  finish(): void {
    this.#isFinishing = true;
    if (this.count === 0) this.close(new Error('The thread has ended.'));
  }

  close(error: Error): void {
    this.#events.gone();
    void this.#worker.terminate();
    this.#port.close();
    for (const { reject } of [...this.#asked.splice(0), ...this.#waiting.splice(0)]) reject(error);
    this.#events.ended();
  }

  #fill(): void {
    let moved = 0;
    for (const one of this.#waiting) {
      if (this.#ring.isFull) break;
      this.#ring.ask({ keyId: this.#sentId(one.key), hash: one.hash, ciphertext: one.ciphertext });
      this.#asked.push(one);
      moved += 1;
    }
    this.#waiting = this.#waiting.slice(moved);
  }

  /** A handle of its own for each thread: calls on one wait for each other. */
  #sentId(key: KeyObject): number {
    const id = this.#events.idOf(key);
    if (this.#sent.has(id)) return id;
    const [oldest] = this.#sent;
    const insteadOf = this.#sent.size >= keysEachMax ? oldest : undefined;
    const der = key.export({ format: 'der', type: 'pkcs8' });
    const own = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    zeroBytes(der);
    this.#port.postMessage({ id, key: own, ...(insteadOf === undefined ? {} : { insteadOf }) } satisfies SentKey);
    if (insteadOf !== undefined) this.#sent.delete(insteadOf);
    this.#sent.add(id);
    return id;
  }

  #take(): void {
    this.#ring.heard();
    const copy = (plaintext: Uint8Array): Buffer => {
      const own = secretBuffer(plaintext.length);
      own.set(plaintext);
      return own;
    };
    let ended = 0;
    for (let one = this.#ring.take(copy); one !== undefined; one = this.#ring.take(copy)) {
      this.#asked[ended]?.resolve(one.plaintext);
      ended += 1;
    }
    this.#asked.splice(0, ended);
    this.#fill();
    if (this.count === 0) this.#port.unref();
    if (ended > 0) this.#events.ended();
    if (this.count === 0 && this.#isFinishing) this.close(new Error('The thread has ended.'));
  }
}
