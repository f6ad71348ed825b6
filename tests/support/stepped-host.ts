import type { HostTime } from '../../src/clock/host-time.ts';
import { machineTime } from '../../src/clock/host-time.ts';

/** The machine, with a wall clock that a test sets or stops. Monotonic time and timers are real. */
export class SteppedHost implements HostTime {
  #shift = 0;
  #stoppedAt: number | undefined;
  readonly boot = machineTime.boot;

  monotonic(): number {
    return machineTime.monotonic();
  }

  startTimer(milliseconds: number, run: () => void): () => void {
    return machineTime.startTimer(milliseconds, run);
  }

  now(): number {
    return this.#stoppedAt ?? machineTime.now() + this.#shift;
  }

  step(milliseconds: number): void {
    this.#shift += milliseconds;
  }

  stop(): void {
    this.#stoppedAt = this.now();
  }

  /** As it was at first, and running. */
  correct(): void {
    this.#shift = 0;
    this.#stoppedAt = undefined;
  }
}
