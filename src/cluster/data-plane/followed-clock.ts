import type { CancelTimer, Clock, Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { StartTimer } from '../../http/timer.ts';

/** The Kustody clock as a cluster process knows it: what the main process told last. It never goes back, unless it is put back. Periods are real time. */
export class FollowedClock implements Clock {
  readonly #startTimer: StartTimer;
  #now = instant(0);

  constructor(startTimer: StartTimer) {
    this.#startTimer = startTimer;
  }

  tell(milliseconds: number): void {
    if (milliseconds > this.#now) this.#now = instant(milliseconds);
  }

  putBack(now: Instant): void {
    this.#now = now;
  }

  now(): Instant {
    return this.#now;
  }

  at(when: Instant, run: () => void | Promise<void>): CancelTimer {
    return this.#startTimer(Math.max(0, when - this.#now), () => void run());
  }

  every(milliseconds: number, run: () => void | Promise<void>): CancelTimer {
    let cancel: CancelTimer = () => undefined;
    const again = (): void => {
      cancel = this.#startTimer(milliseconds, () => {
        void Promise.resolve(run()).finally(again);
      });
    };
    again();
    return () => cancel();
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#startTimer(milliseconds, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      });
    });
  }
}
