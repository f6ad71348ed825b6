import { readdirSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

/** Lowers a priority, and never raises one: who started Kustody with `nice` wants it so, and only root may.
 * @param id of a process, or on Linux of a thread; absent: this process (there: the thread that answers) */
export function giveWay(niceness: number, id?: number): void {
  if (getPriority(id) < niceness) setPriority(id ?? 0, niceness);
}

/** Lets every thread but the one that answers give way further than the process as a whole does (see `queryNiceness`), and with it the
 * threads that it starts later: scans run in these, and a heavy one would hold up what other clusters are asked. The thread that answers
 * keeps its place, so that a small question is taken and answered at once. Linux only: there a priority belongs to a thread
 * (setpriority(2)); elsewhere it is the whole process', and nothing is changed. */
export function yieldToOthers(): void {
  let threads: readonly string[];
  try {
    threads = readdirSync('/proc/self/task');
  } catch {
    return; // not Linux
  }
  for (const thread of threads.map(Number)) {
    if (thread === process.pid) continue;
    try {
      giveWay(constants.priority.PRIORITY_BELOW_NORMAL, thread);
    } catch {
      // the thread has ended
    }
  }
}
