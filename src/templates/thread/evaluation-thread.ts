import { Worker } from 'node:worker_threads';
import type { Json } from '../../base/json.ts';
import type { Step, StepOutcome, TemplateSeed } from '../evaluation.ts';
import { TemplateError } from '../expressions/template-error.ts';
import type { StepMessage, StepReply } from './thread-messages.ts';
import { fromReply } from './thread-messages.ts';

/** Calls `run` after so many milliseconds, unless what it returns is called first. */
export type After = (milliseconds: number, run: () => void) => () => void;

export interface EvaluationThreadOptions {
  /** `dist/template-thread.js` */
  readonly script: string;
  readonly after: After;
  /** Of its JavaScript. Default 384. */
  readonly heapMiB?: number;
}

/** Nobody waits for it any more, or Kustody stops. */
export class EvaluationEnded extends Error {
  override readonly name = 'EvaluationEnded';
}

/** So many steps wait for the thread. */
export class TooManyEvaluations extends Error {
  override readonly name = 'TooManyEvaluations';
}

/** A template whose steps the thread takes. */
export interface ThreadTemplate {
  readonly id: number;
  readonly seed: TemplateSeed;
  readonly answers: readonly (readonly [string, Json])[];
}

interface Waiting {
  readonly template: ThreadTemplate;
  readonly step: Step;
  readonly work: number;
  readonly resolve: (outcome: StepOutcome) => void;
  readonly reject: (error: Error) => void;
  /** It was taken with others' templates in memory, which was not enough. */
  isAlone: boolean;
  cancel: () => void;
}

const heapMiBDefault = 384;
const waitingMax = 100;
/** It keeps so many templates between their steps; others are planned again. */
const heldMax = 4;
/** Far longer than the work takes that a template may take. */
const stepMsMax = 60_000;
/** It is kept so long for the next. */
const idleMs = 60_000;

/** The one thread for templates that are much work: begun with the first, ended when it has nothing to do for a while. It takes a step at a
 * time. What becomes too large for its memory ends it, and is refused; templates that it had are planned again in the next. */
export class EvaluationThread {
  readonly #options: EvaluationThreadOptions;
  #waiting: Waiting[] = [];
  #current: Waiting | undefined;
  #worker: Worker | undefined;
  /** The templates that it has, least lately used first, with how many answers it has of each. */
  #held = new Map<number, number>();
  #cancelTimer: () => void = () => undefined;
  #isClosed = false;

  constructor(options: EvaluationThreadOptions) {
    this.#options = options;
  }

  /** @throws EvaluationEnded, TooManyEvaluations */
  run(template: ThreadTemplate, step: Step, work: number, signal: AbortSignal | undefined): Promise<StepOutcome> {
    if (this.#isClosed || signal?.aborted === true) return Promise.reject(new EvaluationEnded());
    if (this.#waiting.length >= waitingMax) return Promise.reject(new TooManyEvaluations());
    return new Promise((resolve, reject) => {
      const cancelled = (): void => this.#cancel(one);
      const cancel = (): void => signal?.removeEventListener('abort', cancelled);
      const one: Waiting = { template, step, work, resolve, reject, isAlone: false, cancel };
      signal?.addEventListener('abort', cancelled, { once: true });
      this.#waiting.push(one);
      this.#next();
    });
  }

  /** Whoever waits hears `EvaluationEnded`. */
  close(): void {
    this.#isClosed = true;
    this.#endThread();
    const all = [...(this.#current === undefined ? [] : [this.#current]), ...this.#waiting.splice(0)];
    this.#current = undefined;
    for (const one of all) fail(one, new EvaluationEnded());
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const one = this.#waiting.shift();
    this.#cancelTimer();
    if (one === undefined) {
      this.#worker?.unref();
      this.#cancelTimer = this.#options.after(idleMs, () => this.#endThread());
      return;
    }
    this.#current = one;
    try {
      this.#send(one);
    } catch (error) {
      this.#lost(new Error('A template could not be sent to its thread.', { cause: error }));
    }
  }

  #send(one: Waiting): void {
    const { template, step, work } = one;
    const worker = (this.#worker ??= this.#start());
    const answered = this.#held.get(template.id);
    this.#held.delete(template.id);
    this.#held.set(template.id, template.answers.length);
    const forget = [...this.#held.keys()].slice(0, Math.max(0, this.#held.size - heldMax));
    for (const id of forget) this.#held.delete(id);
    this.#cancelTimer = this.#options.after(stepMsMax, () => this.#tooMuch('takes too long'));
    worker.ref();
    worker.postMessage({
      ...{ template: template.id, step, work, forget, answers: template.answers.slice(answered ?? 0) },
      ...(answered === undefined ? { seed: template.seed } : {}),
    } satisfies StepMessage);
  }

  #start(): Worker {
    const heap = this.#options.heapMiB ?? heapMiBDefault;
    const worker = new Worker(this.#options.script, {
      ...{ env: {}, execArgv: [] },
      resourceLimits: { maxOldGenerationSizeMb: heap, maxYoungGenerationSizeMb: 32 },
    });
    worker.on('message', (reply: StepReply) => this.#replied(worker, reply));
    worker.on('error', (error: NodeJS.ErrnoException) => {
      if (worker !== this.#worker) return;
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') this.#tooMuch('needs too much memory');
      else this.#lost(new Error('The thread that evaluates templates failed.', { cause: error }));
    });
    return worker;
  }

  #replied(worker: Worker, reply: StepReply): void {
    if (worker !== this.#worker) return; // it had been ended
    this.#cancelTimer();
    const one = this.#current;
    this.#current = undefined;
    one?.cancel();
    one?.resolve(fromReply(reply));
    this.#next();
  }

  /** What others' templates take in memory is no fault of this one. */
  #tooMuch(what: string): void {
    const one = this.#current;
    const wasAlone = this.#held.size <= 1 || one?.isAlone === true;
    if (one === undefined || wasAlone) {
      this.#lost(new TemplateError(`The evaluation of the template ${what}.`));
      return;
    }
    this.#endThread();
    one.isAlone = true;
    this.#send(one);
  }

  #lost(error: Error): void {
    const one = this.#current;
    this.#current = undefined;
    this.#endThread();
    if (one !== undefined) fail(one, error);
    this.#next();
  }

  #cancel(one: Waiting): void {
    if (one === this.#current) {
      this.#lost(new EvaluationEnded());
      return;
    }
    this.#waiting = this.#waiting.filter((each) => each !== one);
    fail(one, new EvaluationEnded());
  }

  #endThread(): void {
    this.#cancelTimer();
    void this.#worker?.terminate();
    this.#worker = undefined;
    this.#held = new Map();
  }
}

function fail(one: Waiting, error: Error): void {
  one.cancel();
  one.reject(error);
}
