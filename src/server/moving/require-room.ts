import { statfsSync } from 'node:fs';
import { MoveError } from './move-error.ts';

/** What is to come to a directory: sealed extents that are not there, and records. */
export interface Arriving {
  readonly blobBytes: number;
  /** Of sealed values. */
  readonly recordBytes: number;
}

/** Indexes, and the journal of what is not in the file yet. */
const shareOfRecords = 3;

export function freeBytesAt(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** What is refused here has begun nothing. A disk that fills up meanwhile ends the work where it is, and the same call goes on.
 * @throws MoveError when what is to come does not fit */
export function requireRoom(
  directory: string,
  { blobBytes, recordBytes }: Arriving,
  freeBytes: (directory: string) => number = freeBytesAt,
): void {
  const [wanted, free] = [blobBytes + recordBytes * shareOfRecords, freeBytes(directory)];
  if (free >= wanted) return;
  throw new MoveError(`There is no room for it in ${directory}: it needs ${wanted} bytes, and ${free} are free.`);
}
