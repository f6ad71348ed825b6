import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** `KUST`, in the header of the file. */
export const applicationId = 0x4b555354;

const magic = 'SQLite format 3\0';
const headerBytes = 100;
const applicationIdAt = 68;
const logHeaderBytes = 32;
const frameHeaderBytes = 24;
/** The header is written with the first change: it is among the first pages of the log, or in the file. */
const framesMax = 64;

/** Whether Kustody wrote this database, told by its first bytes (SQLite file format, 1.3). Opens it for reading only, takes no lock and
 * leaves everything as it is: the file may be anybody's.
 *
 * Not while a store of this process has the file open: see SqliteStateStore. */
export function isKustodyDatabase(file: string): boolean {
  const header = readAt(file, 0, headerBytes);
  if (header?.toString('latin1', 0, magic.length) !== magic) return false;
  const found = header.readUInt32BE(applicationIdAt);
  return found === applicationId || (found === 0 && isNamedInLog(`${file}-wal`));
}

/** A server that was killed may have written its header to the log only (SQLite file format, 4.1). */
function isNamedInLog(log: string): boolean {
  const header = readAt(log, 0, logHeaderBytes);
  const pageBytes = header?.readUInt32BE(8) ?? 0;
  if (pageBytes < 512 || pageBytes > 65_536) return false;
  for (let frame = 0; frame < framesMax; frame += 1) {
    const at = logHeaderBytes + frame * (frameHeaderBytes + pageBytes);
    const start = readAt(log, at, frameHeaderBytes + headerBytes);
    if (start === undefined) return false;
    const isFirstPage = start.readUInt32BE(0) === 1;
    if (isFirstPage && start.readUInt32BE(frameHeaderBytes + applicationIdAt) === applicationId) return true;
  }
  return false;
}

/** @returns undefined for anything but a file that is long enough */
function readAt(file: string, position: number, length: number): Buffer | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    const bytes = Buffer.alloc(length);
    if (!fstatSync(descriptor).isFile()) return undefined;
    return readSync(descriptor, bytes, 0, length, position) === length ? bytes : undefined;
  } finally {
    closeSync(descriptor);
  }
}
