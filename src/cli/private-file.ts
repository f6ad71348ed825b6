import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

const fileBytesMax = 64 * 1024;

/** A file that only its owner can read.
 * @param wrong what is thrown for any other, and for one that is large */
export function readPrivateFile(path: string, wrong: (what: string) => Error): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    throw wrong(`${path} cannot be read`);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile() || status.size > fileBytesMax) throw wrong(`${path} is not a small file`);
    const isOthers = process.platform !== 'win32' && ((status.mode & 0o077) !== 0 || status.uid !== process.getuid?.());
    if (isOthers) throw wrong(`${path} can be read by others: chmod 600 it, as its owner`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}
