import type { CancelTimer } from './clock.ts';

/** What the machine gives: the wall clock and one-shot timers. Clocks are built over it, so that tests can move it. */
export interface HostTime {
  /** Milliseconds since 1970; may jump either way. */
  now(): number;
  /** @param milliseconds 0 to `timerMsMax` */
  startTimer(milliseconds: number, run: () => void): CancelTimer;
}

/** Node turns a longer timeout into 1 ms. */
export const timerMsMax = 2 ** 31 - 1;

export const machineTime: HostTime = {
  now: () => Date.now(),
  startTimer: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  },
};
