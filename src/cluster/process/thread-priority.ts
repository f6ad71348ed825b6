import { readdirSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/**
 * Every thread of this process but the one that answers lets the other processes go first, and so does a thread that one of them starts later: scans run in these threads, and a heavy
 * one would otherwise hold up the vault and what other clusters are asked. The thread that answers keeps its place, so that a small question is taken and sent at once. Linux only: there a priority belongs
 * to a thread (setpriority(2)); elsewhere it is the whole process', and nothing is changed.
 */
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
