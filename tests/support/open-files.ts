import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** A regular file that a process has open, its name gone or not. */
export interface OpenFile {
  readonly pid: number;
  /** As the system tells it: `/dev/shm/#123 (deleted)`. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** What processes have open (Linux, same user). One that has ended has nothing open. */
export function openFilesOf(pids: readonly number[]): readonly OpenFile[] {
  return pids.flatMap((pid) =>
    listed(pid).flatMap((fd): OpenFile[] => {
      const path = `/proc/${pid}/fd/${fd}`;
      try {
        if (!statSync(path).isFile()) return [];
        return [{ pid, name: readlinkSync(path), bytes: readFileSync(path) }];
      } catch {
        return []; // closed meanwhile, or not to be read
      }
    }),
  );
}

function listed(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
}
