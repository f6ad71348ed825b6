import type { HostTime } from './host-time.ts';
import { TimerQueue } from './timer-queue.ts';
import { invariant } from '../base/invariant.ts';
import { timerMsMax } from './host-time.ts';

/** A machine for tests, whose time passes when told to. */
export class ManualHost implements HostTime {
  readonly #timers = new TimerQueue();
  #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  startTimer(milliseconds: number, run: () => void): () => void {
    invariant(milliseconds >= 0 && milliseconds <= timerMsMax, 'the machine has no longer timers');
    const timer = { when: this.#now + milliseconds, run };
    this.#timers.add(timer);
    return () => {
      this.#timers.remove(timer);
    };
  }

  /** Lets time pass, timer by timer, and everything run that they started. */
  async elapse(milliseconds: number): Promise<void> {
    const goal = this.#now + milliseconds;
    await turns();
    for (let first = this.#timers.first(); first !== undefined && first.when <= goal; first = this.#timers.first()) {
      this.#timers.remove(first);
      this.#now = Math.max(this.#now, first.when);
      void first.run();
      await turns();
    }
    this.#now = goal;
    await turns();
  }

  /** Sets the wall clock, as a user or a time server does. Timers already started keep their real length. */
  jump(milliseconds: number): void {
    this.#now += milliseconds;
  }
}

/** Lets everything run that waits only for promises. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
