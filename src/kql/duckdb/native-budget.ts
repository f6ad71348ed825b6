import { machineTime } from '../../clock/host-time.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { bounded } from './bounded.ts';
import { KnownCalls } from './known-calls.ts';

/** How long functions and operators in JavaScript may work, in all, for one connection, that is for one query: nothing else of their thread
 * runs meanwhile. */
export interface NativeLimit {
  readonly milliseconds: number;
  /** What comes then: the query ends, or is done in a thread of its own. */
  readonly then: 'end' | 'apart';
}

/** Far more than any work takes that comes to an end. */
export const nativeLimit: NativeLimit = { milliseconds: 60_000, then: 'end' };
/** Where others wait for the same thread. */
export const sharedNativeLimit: NativeLimit = { milliseconds: 100, then: 'apart' };

/** UTF-16 units of the values for one call, where others wait: some 50 ms as JSON. */
const sharedUnitsMax = 4 << 20;

/** Some 50 ms to walk. */
const sharedBytesMax = 64 << 20;

/** A query needs more of JavaScript than its thread can give: it is to be begun again in one that nobody else waits for. */
export class NeedsThreadError extends KqlError {
  constructor() {
    super('limits', 'A function of the query takes too long here.');
  }
}

/** How whoever cancels a query ends what JavaScript does for it. */
export interface Stopping {
  /** Whether nobody waits for the result any more; it is asked between two rows. */
  readonly isCancelled: boolean;
  /** Does work that touches nothing of DuckDB: it may be ended at any moment, with its thread. @throws KqlError `cancelled` */
  walk(work: () => void): void;
}

const unstoppable: Stopping = { isCancelled: false, walk: (work) => work() };

export class NativeBudget {
  readonly #limit: NativeLimit;
  readonly #monotonicMs: () => number;
  readonly #stopping: Stopping;
  #usedMs = 0;
  #failure: KqlError | undefined;
  /** Of the statement that is being planned. */
  readonly known = new KnownCalls();
  /** That the rows may take which an operator in JavaScript walks, and the values of one chunk: what the engine may hold, or less where the
   * query has a limit of its own. */
  rowBytesMax: number;

  constructor(
    limit: NativeLimit,
    stopping: Stopping = unstoppable,
    monotonicMs = () => machineTime.monotonic(),
    rowBytesMax = Infinity,
  ) {
    this.#limit = limit;
    this.rowBytesMax = rowBytesMax;
    this.#stopping = stopping;
    this.#monotonicMs = monotonicMs;
  }

  /** Others wait for this thread. */
  get isShared(): boolean {
    return this.#limit.then === 'apart';
  }

  /** Why nothing is left: the cause of whatever DuckDB says of a value that a function did not come to give. */
  get failure(): KqlError | undefined {
    return this.#failure;
  }

  get usedMs(): number {
    return this.#usedMs;
  }

  /** Does work and counts its time.
   * @param milliseconds at most, if it may not take all that is left
   * @returns false where it was ended because it took so many milliseconds
   * @throws NeedsThreadError, KqlError `limits` where nothing is left */
  within(work: () => void, milliseconds = Infinity): boolean {
    const left = this.requireLeft();
    const startedMs = this.#monotonicMs();
    const state = { ended: false };
    try {
      bounded(Math.ceil(Math.min(left, milliseconds)), work, () => (state.ended = true));
    } finally {
      this.#usedMs += this.#monotonicMs() - startedMs;
    }
    // V8's timer may be a moment ahead of the clock: what was ended because nothing was left has used all of it, whatever the clock says.
    if (state.ended && left <= milliseconds) this.#usedMs = Math.max(this.#usedMs, this.#limit.milliseconds);
    if (state.ended && this.#usedMs >= this.#limit.milliseconds) throw this.#exceeded();
    return !state.ended;
  }

  /** Does an operator's work over rows that it has all of. @throws as `within`; KqlError `cancelled` */
  walk(work: () => void): void {
    this.#stopping.walk(() => void this.within(work));
  }

  /** Milliseconds. @throws NeedsThreadError, KqlError `limits` where nothing is left */
  requireLeft(): number {
    const left = this.#limit.milliseconds - this.#usedMs;
    if (left <= 0) throw this.#exceeded();
    return left;
  }

  /** For values that are about to be worked on: what V8 does with a long text in one step cannot be ended in the middle.
   * @throws NeedsThreadError where that would hold up others */
  weigh(values: readonly NativeValue[]): void {
    if (!this.isShared) return;
    let units = 0;
    for (const value of values) if (typeof value === 'string') units += value.length;
    if (units > sharedUnitsMax) throw this.#exceeded();
  }

  /** The same for bytes that are only walked. @throws NeedsThreadError */
  weighBytes(bytes: number): void {
    if (this.isShared && bytes > sharedBytesMax) throw this.#exceeded();
  }

  /** Counts work that was done elsewhere. */
  add(milliseconds: number): void {
    this.#usedMs += milliseconds;
  }

  /** What work elsewhere failed with, remembered where that is because nothing is left. */
  explained(error: Error): Error {
    return error instanceof KqlError && error.code === 'limits' && this.#usedMs >= this.#limit.milliseconds
      ? this.#exceeded()
      : error;
  }

  /** @throws KqlError `cancelled` */
  check(): void {
    if (this.#stopping.isCancelled) throw new KqlError('cancelled', 'The query was stopped.');
  }

  #exceeded(): KqlError {
    this.#failure = this.isShared
      ? new NeedsThreadError()
      : new KqlError('limits', 'The functions of the query take too long altogether.');
    return this.#failure;
  }
}
