import { readdirSync, readFileSync } from 'node:fs';

/** Resident memory of a process in MB, shared pages counted in full. */
export const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN) / 1024;

export function processesUnder(parent: number, script: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [stat, command] = [
        readFileSync(`/proc/${name}/stat`, 'utf8'),
        readFileSync(`/proc/${name}/cmdline`, 'utf8'),
      ];
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent && command.includes(script)
        ? [Number(name)]
        : [];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}
