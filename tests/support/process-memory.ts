import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Searches the writable memory of a process (Linux, same user). @returns how often each needle occurs; never, in one that has ended */
export function countInMemory(pid: number, needles: Readonly<Record<string, Buffer>>): Record<string, number> {
  const found = Object.fromEntries(Object.keys(needles).map((name) => [name, 0]));
  const overlap = Math.max(...Object.values(needles).map((needle) => needle.byteLength));
  const opened = openMemory(pid);
  if (opened === undefined) return found;
  const { memory, maps } = opened;
  const buffer = Buffer.allocUnsafe(8 * 1024 * 1024);
  try {
    for (const line of maps.split('\n')) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
      if (match === null) continue;
      const [from, to] = [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16)];
      for (let at = from; at < to; at += buffer.byteLength - overlap) {
        const bytes = readPart(memory, buffer, at, Math.min(buffer.byteLength, to - at));
        for (const [name, needle] of Object.entries(needles)) found[name] = (found[name] ?? 0) + count(bytes, needle);
      }
    }
  } finally {
    closeSync(memory);
    buffer.fill(0);
  }
  return found;
}

/** The forms in which 32 bytes may lie about. */
export const keyForms = (key: Buffer): Record<string, Buffer> => ({
  raw: key,
  hex: Buffer.from(key.toString('hex')),
  base64: Buffer.from(key.toString('base64').replace(/=+$/, '')),
  base64url: Buffer.from(key.toString('base64url')),
  utf16: Buffer.from(key.toString('base64url'), 'utf16le'),
});

function openMemory(pid: number): { readonly memory: number; readonly maps: string } | undefined {
  try {
    const maps = readFileSync(`/proc/${pid}/maps`, 'latin1');
    return { maps, memory: openSync(`/proc/${pid}/mem`, 'r') };
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined;
    throw error;
  }
}

function readPart(memory: number, buffer: Buffer, at: number, length: number): Buffer {
  try {
    return buffer.subarray(0, readSync(memory, buffer, 0, length, at));
  } catch {
    return Buffer.alloc(0); // the mapping went away, or cannot be read
  }
}

function count(bytes: Buffer, needle: Buffer): number {
  let times = 0;
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) times += 1;
  return times;
}
