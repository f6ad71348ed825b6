import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Guid } from '../../base/guid.ts';
import { memoryDirectory } from '../../encryption/extent-files/memory-file.ts';

const directoryOf = (clusterId: Guid): string => join(memoryDirectory, `kustody-spill-${clusterId}`);

/** After the process of a cluster has ended, however that was: nothing of its queries stays in memory. */
export function removeSpillDirectory(clusterId: Guid): void {
  rmSync(directoryOf(clusterId), { recursive: true, force: true });
}

/** Makes the directory in memory that heavy queries of one cluster spill to, readable by its owner only, and removes what a killed
 * process has left there.
 * @throws Error when somebody else has a directory or link of that name */
export function emptySpillDirectory(clusterId: Guid): string {
  const path = directoryOf(clusterId);
  mkdirSync(path, { mode: 0o700, recursive: true });
  const status = lstatSync(path);
  if (!status.isDirectory() || status.uid !== process.getuid?.() || (status.mode & 0o077) !== 0) {
    throw new Error('The directory for spilling queries belongs to somebody else.');
  }
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true });
  return path;
}
