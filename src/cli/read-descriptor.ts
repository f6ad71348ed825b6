import { closeSync, readSync } from 'node:fs';
import { zeroBytes } from '../base/bytes.ts';
import { UserError } from './user-error.ts';

/** Longer than any secret that is given so. */
const textBytesMax = 1024;

/** @throws UserError */
export function parseDescriptor(text: string): number {
  const descriptor = Number(text);
  // 1 and 2 are where answers go.
  if (!/^\d{1,6}$/.test(text) || descriptor === 1 || descriptor === 2)
    throw new UserError(`'${text.slice(0, 20)}' is the number of a file descriptor to read from: 0, or 3 and on.`);
  return descriptor;
}

/** A secret that comes in by a file descriptor: read to its end and closed.
 * @param parse what it throws goes to the caller
 * @throws UserError when it cannot be read */
export function readDescriptor<T>(descriptor: number, parse: (text: string) => T): T {
  const bytes = Buffer.alloc(textBytesMax);
  try {
    return parse(bytes.toString('latin1', 0, readToEnd(descriptor, bytes)));
  } finally {
    zeroBytes(bytes);
  }
}

function readToEnd(descriptor: number, bytes: Buffer): number {
  try {
    let length = 0;
    while (length < bytes.byteLength) {
      const read = readSync(descriptor, bytes, length, bytes.byteLength - length, null);
      if (read === 0) break;
      length += read;
    }
    if (descriptor > 2) closeSync(descriptor);
    return length;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new UserError(`The file descriptor ${descriptor} cannot be read (${code}).`);
  }
}
