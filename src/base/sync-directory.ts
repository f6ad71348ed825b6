import { closeSync, constants, fsyncSync, openSync } from 'node:fs';

/** Makes new, renamed and removed names in a directory durable. Windows has no such call, and needs none. */
export function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(directory, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
