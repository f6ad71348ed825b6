import type { CancelTimer, Clock, Instant } from './clock.ts';
import { instant } from './clock.ts';
import { Alarm } from './alarm.ts';
import type { HostTime } from './host-time.ts';
import { machineTime } from './host-time.ts';
import { sleepOn } from './sleep.ts';
import { TimerQueue } from './timer-queue.ts';

export interface SystemClockOptions {
  readonly host?: HostTime;
  /** Hears of errors of timers. */
  readonly onError: (error: unknown) => void;
}

/** The wall clock, held still while the machine's clock is set back. */
export class SystemClock implements Clock {
  readonly #host: HostTime;
  readonly #onError: (error: unknown) => void;
  readonly #timers = new TimerQueue();
  readonly #alarm: Alarm;
  #latest = 0;
  #closed = false;

  constructor(options: SystemClockOptions) {
    this.#host = options.host ?? machineTime;
    this.#onError = options.onError;
    this.#alarm = new Alarm(this.#host, () => {
      this.#fire();
    });
  }

  now(): Instant {
    this.#latest = Math.max(this.#latest, this.#host.now());
    return instant(this.#latest);
  }

  at(when: Instant, run: () => void | Promise<void>): CancelTimer {
    const timer = { when, run };
    this.#timers.add(timer);
    this.#arm();
    return () => {
      this.#timers.remove(timer);
      this.#arm();
    };
  }

  every(milliseconds: number, run: () => void | Promise<void>): CancelTimer {
    let cancelled = false;
    let cancel: CancelTimer;
    const arm = (): void => {
      cancel = this.at(instant(this.now() + milliseconds), async () => {
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

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, milliseconds, signal);
  }

  /** Drops all timers; none fires afterwards. */
  close(): void {
    this.#closed = true;
    this.#timers.clear();
    this.#alarm.clear();
  }

  #arm(): void {
    const first = this.#timers.first();
    if (first === undefined || this.#closed) this.#alarm.clear();
    else this.#alarm.set(() => first.when - this.now());
  }

  #fire(): void {
    const now = this.now();
    for (let timer = this.#timers.takeDue(now); timer !== undefined; timer = this.#timers.takeDue(now)) {
      void runTimer(timer.run, this.#onError);
    }
    this.#arm();
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
