import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { CancelTimer } from './clock.ts';
import { countSuspend } from './suspended-time.ts';

/** What the machine gives: the wall clock, monotonic time and one-shot timers. Clocks are built over it, so that tests can move it. */
export interface HostTime {
  /** Milliseconds since 1970; may jump either way. */
  now(): number;
  /** Milliseconds of real time, the machine's sleep included. It never goes back and nobody can set it. Only differences mean
   * something, and only between readings of the same `boot`. */
  monotonic(): number;
  /** Names what `monotonic` counts from. */
  readonly boot: string;
  /** Runs after so much time awake: later by as long as the machine sleeps. @param milliseconds 0 to `timerMsMax` */
  startTimer(milliseconds: number, run: () => void): CancelTimer;
}

/** Node turns a longer timeout into 1 ms. */
export const timerMsMax = 2 ** 31 - 1;

/** On Linux Node's own monotonic time (CLOCK_MONOTONIC) stands still while the machine sleeps, and the uptime of the system
 * (/proc/uptime, CLOCK_BOOTTIME) does not. Elsewhere Node's counts sleep already. */
const awakeMs = (): number => Number(process.hrtime.bigint()) / 1e6;
const monotonic = process.platform === 'linux' ? countSuspend(awakeMs, () => uptime() * 1000) : awakeMs;

export const machineTime: HostTime = {
  now: () => Date.now(),
  monotonic,
  boot: bootName(),
  startTimer: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Milliseconds that the thread had nothing to do, since its event loop began to turn. */
export const idleMs = (): number => performance.eventLoopUtilization().idle;

/** Milliseconds that processors have worked for this process. */
export function processorsUsed(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Elsewhere than on Linux every process is a boot of its own: what an earlier one noted means nothing then. */
function bootName(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return randomUUID();
  }
}
