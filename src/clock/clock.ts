import type { Brand } from '../base/brand.ts';

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = Brand<number, 'Instant'>;

export const instant = (milliseconds: number): Instant => milliseconds as Instant;
/** Many things happen in the same millisecond, and this text costs more than they do. */
const lastIso = { at: Number.NaN, text: '' };

export function toIso(at: Instant): string {
  if (at === lastIso.at) return lastIso.text;
  lastIso.text = new Date(at).toISOString();
  lastIso.at = at;
  return lastIso.text;
}

/** Whole seconds since 1970, as Key Vault writes times. */
export const toUnixSeconds = (at: Instant): number => Math.floor(at / 1000);

/** Stops a timer that has not fired; harmless afterwards. */
export type CancelTimer = () => void;

/** Time as an argument. The system clock, or a virtual one that moves when told to; neither ever goes back, and neither stands still
 * because the machine's clock was set back. Key attributes, soft delete, retention and rotation follow it; TLS, tokens and HTTP dates
 * follow the wall clock; intervals are monotonic (`MonotonicClock`), and key checks and leases follow both. */
export interface Clock {
  now(): Instant;
  /** Calls `run` once when `now()` has reached `when` (at once, but never synchronously, if it has). Timers fire in the
   * order of their times; a virtual clock waits for the promise of each before it goes on to the next. An error from
   * `run` never escapes: the clock hands it to its `onError`. */
  at(when: Instant, run: () => void | Promise<void>): CancelTimer;
  /** Calls `run` again and again, `milliseconds` after it was last called, one call at a time. For checks whose answer
   * changes only by an event: a virtual clock that is moved over many ticks makes one call (the last tick) before each
   * timer of `at` or `sleep` on the way, and one at the end. So 90 days pass in a moment, as long as nobody
   * arms an `at` timer anew from each call. */
  every(milliseconds: number, run: () => void | Promise<void>): CancelTimer;
  /** Resolves when `milliseconds` have passed on this clock, rejects with the signal's reason when aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}
