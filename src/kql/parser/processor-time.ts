import { readFileSync } from 'node:fs';

/** The kernel shows times in hundredths of a second to programs, whatever it counts in (`USER_HZ`). */
const msEach = 10;

/** What a process has used of processors, of all its threads, in its own and in the kernel's code. Linux only.
 * @returns ms; undefined elsewhere, and when the process is gone
 * @see proc_pid_stat(5): fields 14 and 15, counted behind the name, which can have blanks and brackets */
export function processorMs(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [user, system] = [Number(fields[11]), Number(fields[12])];
    return Number.isFinite(user + system) ? (user + system) * msEach : undefined;
  } catch {
    return undefined;
  }
}
