import { existsSync, mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where syncs cost nothing. */
const memory = '/dev/shm';

function hasRoom(directory: string, roomBytes: number): boolean {
  if (!existsSync(directory)) return false;
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize > roomBytes;
}

/** A new directory in memory where there is room, else on a disk: what is killed is found there again, what loses power is not.
 * @param roomBytes what must be free, of which others may take some at the same time */
export const quickDirectory = (prefix: string, roomBytes = 2 * 1024 ** 3): string =>
  mkdtempSync(join(hasRoom(memory, roomBytes) ? memory : tmpdir(), prefix));
