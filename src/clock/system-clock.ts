import type { CancelTimer, Clock, Instant } from './clock.ts';
import { instant } from './clock.ts';
import { ForwardTime } from './forward-time.ts';
import type { HostTime } from './host-time.ts';
import { machineTime } from './host-time.ts';
import { HostTimers } from './host-timers.ts';
import { sleepOn } from './sleep.ts';

export interface SystemClockOptions {
  readonly host?: HostTime;
  /** What it tells; default: one of its own over `host`. */
  readonly time?: Pick<ForwardTime, 'now'>;
  /** Hears of errors of timers. */
  readonly onError: (error: unknown) => void;
}

/** The wall clock; goes on by itself while the machine's is set back. */
export class SystemClock implements Clock {
  readonly #time: Pick<ForwardTime, 'now'>;
  readonly #timers: HostTimers;

  constructor(options: SystemClockOptions) {
    const host = options.host ?? machineTime;
    this.#time = options.time ?? new ForwardTime(host);
    this.#timers = new HostTimers(host, () => this.#time.now(), options.onError);
  }

  now(): Instant {
    return instant(this.#time.now());
  }

  at(when: Instant, run: () => void | Promise<void>): CancelTimer {
    return this.#timers.at(when, run);
  }

  every(milliseconds: number, run: () => void | Promise<void>): CancelTimer {
    return this.#timers.every(milliseconds, run);
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, milliseconds, signal);
  }

  /** To be called when the machine's clock has stepped, or the machine has slept. */
  wake(): void {
    this.#timers.wake();
  }

  /** Drops all timers; none fires afterwards. */
  close(): void {
    this.#timers.close();
  }
}
