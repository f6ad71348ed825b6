import { readdirSync, readFileSync } from 'node:fs';

/** Children of a process and theirs. Linux only. */
export function descendantsOf(pid: number): readonly number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name): [number, number][] => {
        const fields = statOf(Number(name));
        return fields === undefined ? [] : [[Number(name), Number(fields[1])]];
      }),
  );
  const found = [pid];
  for (let size = 0; size !== found.length;) {
    size = found.length;
    for (const [child, parent] of parents) if (found.includes(parent) && !found.includes(child)) found.push(child);
  }
  return found.slice(1);
}

/** Whether it is there and not only remembered until its parent asks how it ended. */
export const isRunning = (pid: number): boolean => !['Z', 'X', undefined].includes(statOf(pid)?.[0]);

/** What it has in memory of its own, and its share of what it has with others; 0 when it has ended. */
export function residentBytes(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return 1024 * Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** What started it; nothing when it has ended. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // it has ended meanwhile
  }
}

/** State, parent and what follows. @see proc_pid_stat(5) */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
