import { machineTime } from '../../clock/host-time.ts';
import { KqlError } from '../kql/kql-error.ts';
import { bounded } from './bounded.ts';

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

/** A query needs more of JavaScript than its thread can give: it is to be begun again in one that nobody else waits for. */
export class NeedsThreadError extends KqlError {
  constructor() {
    super('limits', 'A function of the query takes too long here.');
  }
}

export class NativeBudget {
  readonly #limit: NativeLimit;
  readonly #monotonicMs: () => number;
  /** @returns whether nobody waits for the result any more; it is asked between two rows */
  readonly #isCancelled: () => boolean;
  #usedMs = 0;
  #failure: KqlError | undefined;

  constructor(
    limit: NativeLimit,
    isCancelled: () => boolean = () => false,
    monotonicMs = () => machineTime.monotonic(),
  ) {
    this.#limit = limit;
    this.#isCancelled = isCancelled;
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
    const left = this.#limit.milliseconds - this.#usedMs;
    if (left <= 0) throw this.#exceeded();
    const startedMs = this.#monotonicMs();
    const state = { ended: false };
    try {
      bounded(Math.ceil(Math.min(left, milliseconds)), work, () => (state.ended = true));
    } finally {
      this.#usedMs += this.#monotonicMs() - startedMs;
    }
    if (state.ended && this.#usedMs >= this.#limit.milliseconds) throw this.#exceeded();
    return !state.ended;
  }

  /** @throws KqlError `cancelled` */
  check(): void {
    if (this.#isCancelled()) throw new KqlError('cancelled', 'The query was stopped.');
  }

  #exceeded(): KqlError {
    this.#failure = this.isShared
      ? new NeedsThreadError()
      : new KqlError('limits', 'The functions of the query take too long altogether.');
    return this.#failure;
  }
}
