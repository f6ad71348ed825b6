import { Worker } from 'node:worker_threads';
import { KqlError } from '../kql/kql-error.ts';
import type {
  ThreadCalls,
  ThreadMessage,
  ThreadOperation,
  ThreadReplies,
  ThreadReply,
  ThreadSettings,
} from './thread-protocol.ts';
import { errorOf } from './thread-protocol.ts';

interface Waiting {
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Of one thread, in mebibytes: what goes beyond ends the thread and its query, not the process. */
const heapMaxMiB = 2_048;

/** This side of an engine thread. */
export class ThreadClient {
  readonly #worker: Worker;
  readonly #cancelled: Int32Array;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #gone: KqlError | undefined;
  readonly #ended: Promise<void>;

  /** @param onGone called once, when the thread is there no more */
  constructor(script: string, settings: Omit<ThreadSettings, 'cancelled'>, onReady: () => void, onGone: () => void) {
    this.#cancelled = new Int32Array(new SharedArrayBuffer(4));
    this.#worker = new Worker(script, {
      workerData: { ...settings, cancelled: this.#cancelled } satisfies ThreadSettings,
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMaxMiB },
    });
    this.#worker.unref();
    let ended = (): void => undefined;
    this.#ended = new Promise((resolve) => (ended = resolve));
    this.#worker.on('message', (reply: ThreadReply) => {
      if (reply.k === 'ready') onReady();
      else if (reply.k === 'ended') ended();
      else this.#receive(reply);
    });
    this.#worker.on('error', (error) => this.#lost(error));
    this.#worker.on('exit', () => {
      this.#lost(undefined);
      ended();
      onGone();
    });
  }

  get gone(): boolean {
    return this.#gone !== undefined;
  }

  /** @throws KqlError and what else the engine throws */
  call<Operation extends ThreadOperation>(
    operation: Operation,
    body: ThreadCalls[Operation],
  ): Promise<ThreadReplies[Operation]> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (body: unknown) => void, reject });
      this.#post({ k: 'call', id, operation, body });
    });
  }

  /** Ends what the thread is at, as soon as that can be: between two rows, or in DuckDB at once. */
  cancel(): void {
    Atomics.store(this.#cancelled, 0, 1);
    this.#post({ k: 'interrupt' });
  }

  /** Before the next query. */
  uncancel(): void {
    Atomics.store(this.#cancelled, 0, 0);
  }

  /** For a thread that does nothing: one in the middle of a function cannot be ended. */
  async end(): Promise<void> {
    this.#post({ k: 'end' });
    await this.#ended;
    await this.#worker.terminate();
  }

  #post(message: ThreadMessage): void {
    this.#worker.postMessage(message);
  }

  #receive(reply: Extract<ThreadReply, { readonly k: 'reply' | 'failed' }>): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.k === 'reply') waiting?.resolve(reply.body);
    else waiting?.reject(errorOf(reply.error));
  }

  #lost(error: unknown): void {
    const isMemory = error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    this.#gone ??= isMemory
      ? new KqlError('limits', 'The query needs more memory than it may use (E_RUNAWAY_QUERY).')
      : new KqlError('internal', 'A thread of the engine ended.');
    for (const { reject } of this.#waiting.values()) reject(this.#gone);
    this.#waiting.clear();
  }
}
