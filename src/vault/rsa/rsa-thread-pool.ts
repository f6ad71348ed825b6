import type { KeyObject } from 'node:crypto';
import { createPrivateKey } from 'node:crypto';
import type { MessagePort } from 'node:worker_threads';
import { MessageChannel, Worker } from 'node:worker_threads';
import { zeroBytes } from '../../base/bytes.ts';
import { secretBuffer } from '../base64url-bytes.ts';
import type { OaepHash } from './decryption-ring.ts';
import { DecryptionRing } from './decryption-ring.ts';

/** A key that threads have not, and the one that they are to forget for it. */
export interface SentKey {
  readonly id: number;
  readonly key: KeyObject;
  readonly insteadOf?: number;
}

export interface RsaThreadData {
  readonly memory: SharedArrayBuffer;
  readonly port: MessagePort;
  /** All that may be needed for what was asked before. */
  readonly keys: readonly SentKey[];
  /** So many were sent before. */
  readonly keysSent: number;
}

/** What is decrypted with it, and who waits for it. */
export interface Asked {
  readonly id: number;
  readonly key: KeyObject;
  readonly hash: OaepHash;
  readonly ciphertext: Uint8Array;
  readonly resolve: (plaintext: Buffer | undefined) => void;
  readonly reject: (error: Error) => void;
}

export interface PoolEvents {
  /** Some have ended, however. */
  readonly ended: () => void;
  /** It takes no more. */
  readonly gone: () => void;
}

const keysMax = 64;
/** A thread more is begun when there are so many for each: to begin one takes as long as a hundred decryptions. */
const busyWith = 3;

interface Thread {
  readonly worker: Worker;
  readonly port: MessagePort;
}

/** Threads with one queue, which is the ring and then those that have no room there yet. */
export class RsaThreadPool {
  readonly #ring = new DecryptionRing();
  readonly #script: string;
  readonly #max: number;
  readonly #events: PoolEvents;
  readonly #threads: Thread[] = [];
  /** The keys that threads have, those that were sent first first. */
  readonly #sent = new Map<number, KeyObject>();
  #keysSent = 0;
  readonly #asked: Asked[] = [];
  #waiting: Asked[] = [];
  #isFinishing = false;

  constructor(script: string, max: number, events: PoolEvents) {
    this.#script = script;
    this.#max = max;
    this.#events = events;
  }

  get count(): number {
    return this.#asked.length + this.#waiting.length;
  }

  ask(one: Asked): void {
    if (this.count === 0) for (const { port } of this.#threads) port.ref();
    this.#waiting.push(one);
    this.#fill();
    if (this.#threads.length < this.#max && this.count > this.#threads.length * busyWith) this.#begin();
  }

  /** Ends when it has done what it was asked. */
  finish(): void {
    this.#isFinishing = true;
    if (this.count === 0) this.close(new Error('The threads have ended.'));
  }

  close(error: Error): void {
    this.#events.gone();
    for (const { worker, port } of this.#threads.splice(0)) {
      void worker.terminate();
      port.close();
    }
    for (const { reject } of [...this.#asked.splice(0), ...this.#waiting.splice(0)]) reject(error);
    this.#events.ended();
  }

  #begin(): void {
    const { port1, port2 } = new MessageChannel();
    // What was asked before may need a key that others were told to forget.
    const needed = new Map([...this.#sent, ...this.#asked.map(({ id, key }) => [id, key] as const)]);
    const keys = [...needed].map(([id, key]) => ({ id, key: ownHandle(key) }));
    const data: RsaThreadData = { memory: this.#ring.memory, port: port2, keys, keysSent: this.#keysSent };
    const worker = new Worker(this.#script, {
      ...{ workerData: data, transferList: [port2] },
      ...{ env: {}, execArgv: [] },
    });
    port1.on('message', () => this.#take());
    worker.on('error', (cause) => this.close(new Error('A thread that decrypts failed.', { cause })));
    worker.unref();
    this.#threads.push({ worker, port: port1 });
  }

  #fill(): void {
    let moved = 0;
    for (const one of this.#waiting) {
      if (this.#ring.isFull) break;
      if (!this.#sent.has(one.id)) this.#send(one);
      this.#ring.ask({ keyId: one.id, hash: one.hash, ciphertext: one.ciphertext });
      this.#asked.push(one);
      moved += 1;
    }
    this.#waiting = this.#waiting.slice(moved);
  }

  #send({ id, key }: Asked): void {
    const [oldest] = this.#sent.keys();
    const insteadOf = this.#sent.size >= keysMax ? oldest : undefined;
    for (const { port } of this.#threads) {
      const own = ownHandle(key);
      port.postMessage({ id, key: own, ...(insteadOf === undefined ? {} : { insteadOf }) } satisfies SentKey);
    }
    if (insteadOf !== undefined) this.#sent.delete(insteadOf);
    this.#sent.set(id, key);
    this.#keysSent = this.#ring.keySent();
  }

  #take(): void {
    this.#ring.heard();
    let ended = 0;
    for (let one = this.#ring.take(secretCopy); one !== undefined; one = this.#ring.take(secretCopy)) {
      this.#asked[ended]?.resolve(one.plaintext);
      ended += 1;
    }
    this.#asked.splice(0, ended);
    this.#fill();
    if (this.count === 0) for (const { port } of this.#threads) port.unref();
    if (ended > 0) this.#events.ended();
    if (this.count === 0 && this.#isFinishing) this.close(new Error('The threads have ended.'));
  }
}

/** Calls on one handle wait for each other, so each thread has one of its own. */
function ownHandle(key: KeyObject): KeyObject {
  const der = key.export({ format: 'der', type: 'pkcs8' });
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    zeroBytes(der);
  }
}

function secretCopy(plaintext: Uint8Array): Buffer {
  const own = secretBuffer(plaintext.length);
  own.set(plaintext);
  return own;
}
