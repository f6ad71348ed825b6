import type { CancelTimer } from './clock.ts';
import { Alarm } from './alarm.ts';
import type { HostTime } from './host-time.ts';
import { TimerQueue } from './timer-queue.ts';

/** Timers of one clock over the machine's. */
export class HostTimers {
  readonly #read: () => number;
  readonly #onError: (error: unknown) => void;
  readonly #timers = new TimerQueue();
  readonly #alarm: Alarm;
  #closed = false;

  /** @param read the time that timers are set in, in milliseconds; never goes back */
  constructor(host: HostTime, read: () => number, onError: (error: unknown) => void) {
    this.#read = read;
    this.#onError = onError;
    this.#alarm = new Alarm(host, () => {
      this.#fire();
    });
  }

  at(when: number, run: () => void | Promise<void>): CancelTimer {
    const timer = { when, run };
    this.#timers.add(timer);
    this.wake();
    return () => {
      this.#timers.remove(timer);
      this.wake();
    };
  }

  /** Calls `run` again and again, so long after it has ended. */
  every(milliseconds: number, run: () => void | Promise<void>): CancelTimer {
    let cancelled = false;
    let cancel: CancelTimer;
    const arm = (): void => {
      cancel = this.at(this.#read() + milliseconds, async () => {
        try {
          await run();
        } finally {
          if (!cancelled) arm();
        }
      });
    };
    arm();
    return () => {
      cancelled = true;
      cancel();
    };
  }

  /** Sets the machine's timer anew: the time that is read may have moved otherwise than the machine's timers. */
  wake(): void {
    const first = this.#timers.first();
    if (first === undefined || this.#closed) this.#alarm.clear();
    else this.#alarm.set(() => first.when - this.#read());
  }

  close(): void {
    this.#closed = true;
    this.#timers.clear();
    this.#alarm.clear();
  }

  #fire(): void {
    const now = this.#read();
    for (let timer = this.#timers.takeDue(now); timer !== undefined; timer = this.#timers.takeDue(now)) {
      void runTimer(timer.run, this.#onError);
    }
    this.wake();
  }
}

/** Starts `run` now; resolves when it has ended, however it ended. */
export async function runTimer(run: () => void | Promise<void>, onError: (error: unknown) => void): Promise<void> {
  try {
    await run();
  } catch (error) {
    onError(error);
  }
}
