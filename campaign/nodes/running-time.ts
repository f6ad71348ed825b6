import { readFileSync } from 'node:fs';
import { descendantsOf } from '../../tests/support/process-tree.ts';

const lookEveryMs = 250;
/** Of what is left out, over the last looks: on a machine that is as busy as that nothing can be told from times any more. */
const timesMax = 10;
const looksKept = 40;

/** Real time, without that in which a process of ours was ready to run and had no processor. On a machine that has nothing else to do it is
 * real time; beside the work of others it goes on as slowly as we do, so that whoever waits for something that hangs waits no longer than on
 * a quiet machine, and what is only slow is waited for. Goes on for as long as somebody waits for something. */
export interface RunningTime {
  /** Milliseconds. */
  now(): number;
  /** @returns real time, in milliseconds, in which as much happens as on a quiet machine in so much */
  stretched(milliseconds: number): number;
  stop(): void;
}

/** Of this process and all that it has started. Linux only; elsewhere it is real time.
 * @see kernel.org, "Scheduler Statistics": the second number of /proc/PID/schedstat */
export function startRunningTime(): RunningTime {
  let ran = 0;
  let at = performance.now();
  let waited = new Map<number, number>();
  const looks: { readonly real: number; readonly ran: number }[] = [];
  const look = (): void => {
    const now = performance.now();
    const before = waited;
    waited = new Map([process.pid, ...descendantsOf(process.pid)].map((pid) => [pid, waitedMs(pid)]));
    const longest = Math.max(...[...waited].map(([pid, ms]) => ms - (before.get(pid) ?? ms)), 0);
    const real = now - at;
    const part = Math.max(real / timesMax, real - longest);
    ran += part;
    at = now;
    looks.push({ real, ran: part });
    if (looks.length > looksKept) looks.shift();
  };
  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  const sum = (of: 'real' | 'ran'): number => looks.reduce((total, one) => total + one[of], 0);
  return {
    now: () => ran,
    stretched: (milliseconds) => (looks.length === 0 ? milliseconds : (milliseconds * sum('real')) / sum('ran')),
    stop: () => clearInterval(timer),
  };
}

/** So long it was ready and had no processor, since it began. */
function waitedMs(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0; // it has ended
  }
}
