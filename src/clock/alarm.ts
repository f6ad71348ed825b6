import type { CancelTimer } from './clock.ts';
import type { HostTime } from './host-time.ts';
import { timerMsMax } from './host-time.ts';

/** One wake-up at a time, however far away: a time beyond the longest timer is reached by a chain of them.
 * Wakes never early as far as `remaining` can tell, and never synchronously. */
export class Alarm {
  readonly #host: HostTime;
  readonly #wake: () => void;
  #cancel: CancelTimer | undefined;

  constructor(host: HostTime, wake: () => void) {
    this.#host = host;
    this.#wake = wake;
  }

  /** Replaces what was set before. @param remaining milliseconds until the wake-up, asked again after each link of the chain */
  set(remaining: () => number): void {
    this.clear();
    const wait = Math.min(Math.max(0, Math.ceil(remaining())), timerMsMax);
    this.#cancel = this.#host.startTimer(wait, () => {
      this.#cancel = undefined;
      if (remaining() > 0) this.set(remaining);
      else this.#wake();
    });
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
