import { invariant } from '../../base/invariant.ts';
import { KqlError } from '../plan/kql-error.ts';

/** Places in the shared memory. */
const cancelledAt = 0;
const stateAt = 1;

/** What an engine thread is at, as far as it matters to whoever ends it. */
const states = {
  /** DuckDB, or nothing: an interrupt ends it. */
  idle: 0,
  /** It waits in a call of DuckDB's for the function thread, which can be ended. */
  calling: 1,
  /** The function thread has answered. */
  answered: 2,
  /** It walks rows and touches nothing of DuckDB: it can be ended itself. */
  walking: 3,
  /** Whoever was at work has been ended, or is about to be. It stays so. */
  ended: 4,
} as const;

/** What an engine thread is at besides DuckDB. */
export type Underway = 'nothing' | 'functions' | 'rows';

const stopped = (): KqlError => new KqlError('cancelled', 'The query was stopped.');

/** Words between the engine and its two threads, while none of them can take a message: in memory that all share. Each side first says
 * what it does and then looks at what the other has said, so that one of them sees it. */
export class WorkState {
  readonly shared: Int32Array;

  constructor(shared: Int32Array = new Int32Array(new SharedArrayBuffer(8))) {
    this.shared = shared;
  }

  get isCancelled(): boolean {
    return Atomics.load(this.shared, cancelledAt) !== 0;
  }

  get underway(): Underway {
    const state = Atomics.load(this.shared, stateAt);
    if (state === states.calling) return 'functions';
    return state === states.walking ? 'rows' : 'nothing';
  }

  /** @returns what now has to be ended */
  cancel(): Underway {
    Atomics.store(this.shared, cancelledAt, 1);
    if (this.#turn('calling', 'ended')) return 'functions';
    return this.#turn('walking', 'ended') ? 'rows' : 'nothing';
  }

  /** Before the next query. */
  uncancel(): void {
    Atomics.store(this.shared, cancelledAt, 0);
  }

  /** There is no function thread any more that could answer. */
  wake(): void {
    this.#turn('calling', 'ended');
    Atomics.notify(this.shared, stateAt);
  }

  /** In the engine thread: asks the function thread, and waits.
   * @throws KqlError `cancelled` when there is no answer to be had */
  call(ask: () => void): void {
    if (!this.#turn('idle', 'calling')) throw stopped();
    if (this.isCancelled) {
      this.#turn('calling', 'idle');
      throw stopped();
    }
    ask();
    Atomics.wait(this.shared, stateAt, states.calling);
    if (!this.#turn('answered', 'idle')) throw stopped();
  }

  /** In the function thread: the answer can be taken. */
  answered(): void {
    this.#turn('calling', 'answered');
    Atomics.notify(this.shared, stateAt);
  }

  /** In the engine thread: does work that may be ended at any moment, with the thread. Nothing comes after it then.
   * @throws KqlError `cancelled`, and what the work throws */
  walk(work: () => void): void {
    if (!this.#turn('idle', 'walking')) throw stopped();
    try {
      if (this.isCancelled) throw stopped();
      work();
    } finally {
      // The thread is being ended: whatever it does now could be in the middle of a call of DuckDB's then.
      if (!this.#turn('walking', 'idle')) Atomics.wait(this.shared, stateAt, states.ended);
    }
  }

  #turn(from: keyof typeof states, to: keyof typeof states): boolean {
    invariant(from !== 'ended', 'what is ended stays so');
    return Atomics.compareExchange(this.shared, stateAt, states[from], states[to]) === states[from];
  }
}
