import type { MessagePort } from 'node:worker_threads';
import { MessageChannel, Worker } from 'node:worker_threads';
import { KqlError, lowMemory } from '../plan/kql-error.ts';
import type {
  FunctionThreadSettings,
  ThreadCalls,
  ThreadMessage,
  ThreadOperation,
  ThreadReplies,
  ThreadReply,
  ThreadSettings,
} from './thread-protocol.ts';
import { errorOf } from './thread-protocol.ts';
import type { Underway } from './work-state.ts';
import { WorkState } from './work-state.ts';

interface Waiting {
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface ThreadScripts {
  /** `dist/engine-thread.js` */
  readonly engine: string;
  /** `dist/function-thread.js` */
  readonly functions: string;
}

export interface ThreadLimits {
  /** Of the JavaScript of each of the two threads: what goes beyond ends the thread and its query, not the process. */
  readonly heapMiB: number;
}

export interface ThreadEvents {
  /** Called for each of the two threads. */
  readonly ready: () => void;
  /** Called once, when the engine thread is there no more. */
  readonly gone: () => void;
  /** A thread was ended in the middle of its work, and has stopped. */
  readonly ended?: (work: 'functions' | 'rows') => void;
}

/** This side of an engine thread and of the thread that does functions for it. */
export class ThreadClient {
  readonly #worker: Worker;
  readonly #functions: Worker;
  readonly #events: ThreadEvents;
  readonly #state = new WorkState();
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #gone: KqlError | undefined;
  /** Of the function thread. */
  #failure: KqlError | undefined;
  #isSpent = false;
  readonly #ended: Promise<void>;

  constructor(
    scripts: ThreadScripts,
    { heapMiB, ...settings }: Omit<ThreadSettings, 'shared' | 'port'> & ThreadLimits,
    events: ThreadEvents,
  ) {
    this.#events = events;
    const { shared } = this.#state;
    const { port1, port2 } = new MessageChannel();
    this.#worker = started(
      scripts.engine,
      { ...settings, shared, port: port1 } satisfies ThreadSettings,
      port1,
      heapMiB,
    );
    const { geoipDatabase } = settings;
    this.#functions = started(
      scripts.functions,
      { geoipDatabase, shared, port: port2 } satisfies FunctionThreadSettings,
      port2,
      heapMiB,
    );
    this.#functions.on('message', () => events.ready());
    this.#functions.on('error', (error) => {
      this.#isSpent = true;
      this.#failure = failureOf(error);
      this.#failAll(this.#failure);
    });
    // Whoever waits for it would wait for ever.
    this.#functions.on('exit', () => this.#state.wake());
    let ended = (): void => undefined;
    this.#ended = new Promise((resolve) => (ended = resolve));
    this.#worker.on('message', (reply: ThreadReply) => {
      if (reply.k === 'ready') events.ready();
      else if (reply.k === 'ended') ended();
      else this.#receive(reply);
    });
    this.#worker.on('error', (error) => this.#lost(error));
    this.#worker.on('exit', () => {
      this.#lost(undefined);
      ended();
      void this.#functions.terminate();
      events.gone();
    });
  }

  get gone(): boolean {
    return this.#gone !== undefined;
  }

  /** What it is at that an interrupt of DuckDB would not end. */
  get underway(): Underway {
    return this.#state.underway;
  }

  /** One of its threads was ended: it is of no use to the next query. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** @throws KqlError and what else the engine throws */
  call<Operation extends ThreadOperation>(
    operation: Operation,
    body: ThreadCalls[Operation],
  ): Promise<ThreadReplies[Operation]> {
    const failure = this.#gone ?? (operation === 'close' ? undefined : this.#failure);
    if (failure !== undefined) return Promise.reject(failure);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (body: unknown) => void, reject });
      this.#post({ k: 'call', id, operation, body });
    });
  }

  /** Ends what the thread is at, wherever it is: DuckDB by an interrupt, JavaScript by ending the thread that does it. */
  cancel(): void {
    const underway = this.#state.cancel();
    this.#post({ k: 'interrupt' });
    if (underway === 'nothing') return;
    this.#isSpent = true;
    const worker = underway === 'functions' ? this.#functions : this.#worker;
    void worker.terminate().then(() => this.#events.ended?.(underway));
  }

  /** Before the next query. */
  uncancel(): void {
    this.#state.uncancel();
  }

  /** For a thread that does nothing: one inside of a call of DuckDB's cannot be ended. */
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
    this.#gone ??= failureOf(error);
    this.#failAll(this.#gone);
  }

  #failAll(failure: KqlError): void {
    for (const { reject } of this.#waiting.values()) reject(failure);
    this.#waiting.clear();
  }
}

function failureOf(error: unknown): KqlError {
  const isMemory = error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
  return isMemory ? lowMemory() : new KqlError('internal', 'A thread of the engine ended.');
}

function started(
  script: string,
  settings: ThreadSettings | FunctionThreadSettings,
  port: MessagePort,
  heapMiB: number,
): Worker {
  const worker = new Worker(script, {
    workerData: settings,
    transferList: [port],
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heapMiB },
  });
  worker.unref();
  return worker;
}
