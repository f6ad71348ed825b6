import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory } from '../base/sync-directory.ts';

/** Beside the file of a root key: the key that is to take its place, and what the file was before, until that is overwritten. */
export const nextRootKeyPath = (path: string): string => `${path}.next`;
export const oldRootKeyPath = (path: string): string => `${path}.old`;

/** Puts the next root key in the place of the one before, which is overwritten. Whatever ends it, the same call goes on.
 * Order: the old file has a second name → the next one has its name → that is durable → the old one is overwritten and goes. */
export function replaceRootKeyFile(path: string): void {
  dropOldRootKeyFile(path);
  const [next, old] = [nextRootKeyPath(path), oldRootKeyPath(path)];
  if (existsSync(path) && !existsSync(old)) linkSync(path, old);
  renameSync(next, path);
  syncDirectory(dirname(path));
  destroyRootKeyFile(old);
}

/** What an earlier `replaceRootKeyFile` left behind when it was ended. */
export function dropOldRootKeyFile(path: string): void {
  const old = oldRootKeyPath(path);
  const [now, before] = [path, old].map((one) => statSync(one, { throwIfNoEntry: false, bigint: true })?.ino);
  // The same file under its second name: it is in its place still.
  if (before !== undefined && before !== now) destroyRootKeyFile(old);
}

/** Overwrites what is written there, and takes the name away. What a file system with copies on write, or the flash below, has kept of it is
 * beyond reach. */
export function destroyRootKeyFile(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return;
  const descriptor = openSync(path, 'r+');
  try {
    writeSync(descriptor, Buffer.alloc(size), 0, size, 0);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  rmSync(path, { force: true });
  syncDirectory(dirname(path));
}
