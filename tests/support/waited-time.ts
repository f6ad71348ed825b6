import { readFileSync, readdirSync } from 'node:fs';
import { descendantsOf } from './process-tree.ts';

/** Thread → so long it was ready to run and had no processor, in milliseconds, of this process and all that it has started. Linux only. */
type Waits = ReadonlyMap<string, number>;

/** @see kernel.org, "Scheduler Statistics": the second number of /proc/PID/task/TID/schedstat */
function waits(): Waits {
  const found = new Map<string, number>();
  for (const pid of [process.pid, ...descendantsOf(process.pid)])
    for (const thread of listed(`/proc/${pid}/task`)) {
      const [, waited = ''] = read(`/proc/${pid}/task/${thread}/schedstat`).split(' ');
      found.set(`${pid === Number(thread) ? 'process' : 'thread'} ${thread}`, Number(waited) / 1e6);
    }
  return found;
}

/** A span of real time, without that in which we were ready and had no processor: on a machine that has nothing else to do it is real time.
 * What is asked goes through the processes one after the other, and through one thread of those that work beside each other. */
export class OwnTime {
  readonly #from = performance.now();
  readonly #before = waits();

  /** Milliseconds since it was made, to a moment of `performance.now()`. */
  until(moment: number): number {
    let [processes, threads] = [0, 0];
    for (const [name, ms] of waits()) {
      const waited = ms - (this.#before.get(name) ?? 0);
      if (name.startsWith('process')) processes += waited;
      else threads = Math.max(threads, waited);
    }
    const real = moment - this.#from;
    return Math.max(real - processes - threads, real / timesMax);
  }
}
/** On a machine that is busier than that nothing can be told from times. */
const timesMax = 20;

function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // it has ended
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
