import { statfsSync } from 'node:fs';
import { memoryDirectory } from '../encryption/extent-files/memory-file.ts';
import type { Log } from '../http/logging.ts';

/** Room for opened extents, as `kustody status` and the control API show it. */
export interface MemoryRoom {
  readonly bytes: number;
  /** Large tables are read piece by piece, and slowly. */
  readonly isSmall: boolean;
}

/** What containers have without being asked is 64 MiB. */
const smallBytes = 512 * 1024 * 1024;

/** @returns undefined where there is no such directory: clusters with data say so themselves */
export function memoryRoom(directory: string = memoryDirectory): MemoryRoom | undefined {
  try {
    const { blocks, bsize } = statfsSync(directory);
    return { bytes: blocks * bsize, isSmall: blocks * bsize < smallBytes };
  } catch {
    return undefined;
  }
}

export function warnOfSmallRoom(log: Log, directory: string | undefined): void {
  const room = memoryRoom(directory);
  if (room?.isSmall === true) log.warning('memory-files-small', { mebibytes: Math.floor(room.bytes / 1024 ** 2) });
}
