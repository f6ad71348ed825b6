import type { HostTime } from './host-time.ts';
import { TimerQueue } from './timer-queue.ts';
import { invariant } from '../base/invariant.ts';
import { timerMsMax } from './host-time.ts';

/** A machine for tests, whose time passes when told to. */
export class ManualHost implements HostTime {
  readonly #timers = new TimerQueue();
  #awake: number;
  #slept = 0;
  /** Of the wall clock over monotonic time. */
  #offset: number;
  #boots = 1;

  /** @param awake monotonic time at the start: a later process of the same boot has a later one */
  constructor(now: number, awake = 0) {
    this.#awake = awake;
    this.#offset = now - awake;
  }

  now(): number {
    return this.monotonic() + this.#offset;
  }

  monotonic(): number {
    return this.#awake + this.#slept;
  }

  get boot(): string {
    return `boot ${this.#boots}`;
  }

  startTimer(milliseconds: number, run: () => void): () => void {
    invariant(milliseconds >= 0 && milliseconds <= timerMsMax, 'the machine has no longer timers');
    const timer = { when: this.#awake + milliseconds, run };
    this.#timers.add(timer);
    return () => {
      this.#timers.remove(timer);
    };
  }

  /** Lets time pass, timer by timer, and everything run that they started. */
  async elapse(milliseconds: number): Promise<void> {
    const goal = this.#awake + milliseconds;
    await turns();
    for (let first = this.#timers.first(); first !== undefined && first.when <= goal; first = this.#timers.first()) {
      this.#timers.remove(first);
      this.#awake = Math.max(this.#awake, first.when);
      void first.run();
      await turns();
    }
    this.#awake = goal;
    await turns();
  }

  /** Sets the wall clock, as a user or a time server does. */
  jump(milliseconds: number): void {
    this.#offset += milliseconds;
  }

  /** Sleeps: both times go on, timers do not. */
  sleep(milliseconds: number): void {
    this.#slept += milliseconds;
  }

  /** Switched off for so long and started again. To be called while nobody uses it. */
  reboot(offMs: number): void {
    this.#offset = this.now() + offMs;
    this.#awake = 0;
    this.#slept = 0;
    this.#boots += 1;
    this.#timers.clear();
  }
}

/** Lets everything run that waits only for promises. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
