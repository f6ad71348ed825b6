import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

interface CoreDumps {
  /** Which kinds of memory a dump holds, in hexadecimal (core(5), `coredump_filter`). */
  readonly filter: string;
  /** The soft limit of its size, as `prlimit` takes it. */
  readonly limit: string;
}

/** As this process was started. */
let before: CoreDumps | undefined;

/** A dump of a process that holds keys would put them on the disk. Leaves all memory out of dumps, also where a program takes them, which the
 * limit does not hold back, and sets the limit to 0. Children inherit both.
 * @returns false when dumps may go on; nothing is done where the system has no such thing as Linux has */
export function forbidCoreDumps(): boolean {
  if (process.platform !== 'linux' || before !== undefined) return true;
  try {
    const found = { filter: readFileSync(filterOf('self'), 'latin1').trim(), limit: softLimit() };
    writeFileSync(filterOf('self'), '0');
    before = found;
    return found.limit === '0' || setLimit(process.pid, '0');
  } catch {
    return false;
  }
}

/** For a program of the user's: its dumps are as they would be without us. */
export function restoreCoreDumps(pid: number | undefined): void {
  if (before === undefined || pid === undefined) return;
  try {
    writeFileSync(filterOf(pid), `0x${before.filter}`);
    if (before.limit !== '0') setLimit(pid, before.limit);
  } catch {
    // It has ended already, or is another user's now.
  }
}

const filterOf = (pid: number | 'self'): string => `/proc/${pid}/coredump_filter`;

function softLimit(): string {
  const [, soft = ''] = /^Max core file size +(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
  return soft;
}

/** Node cannot do it itself; util-linux can, which every distribution has. The hard limit stays. */
const setLimit = (pid: number, soft: string): boolean =>
  spawnSync('prlimit', ['--pid', String(pid), `--core=${soft}:`], { stdio: 'ignore' }).status === 0;
