import { readdirSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

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
      setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch {
      // the thread has ended
    }
  }
}
