import { lstatSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** One way in which a text may lie in a file. */
export type CanaryForm = 'UTF-8' | 'UTF-16LE' | 'UTF-16BE' | 'base64';

export interface CanaryMatch {
  readonly file: string;
  readonly canary: string;
  readonly form: CanaryForm;
  readonly offset: number;
}

export interface ScanResult {
  readonly files: number;
  readonly bytes: number;
  /** Files that could not be read: what lies in them is not known. */
  readonly unreadable: readonly string[];
  /** The first of each canary, form and file. */
  readonly matches: readonly CanaryMatch[];
}

interface Needle {
  readonly canary: string;
  readonly form: CanaryForm;
  readonly bytes: Buffer;
}

export const canaryBytesMin = 6;
const pieceBytes = 1024 * 1024;

/** Looks for texts in every file below a directory, in plain and in the encodings that text is usually kept in.
 * @param canaries at least 6 bytes each: shorter ones occur by chance */
export async function scanForCanaries(directory: string, canaries: readonly string[]): Promise<ScanResult> {
  const needles = canaries.flatMap(needlesOf);
  const matches: CanaryMatch[] = [];
  const unreadable: string[] = [];
  let bytes = 0;
  const files = filesBelow(directory);
  for (const path of files) {
    const file = relative(directory, path);
    try {
      bytes += await scanFile(path, needles, (needle, offset) => {
        matches.push({ file, canary: needle.canary, form: needle.form, offset });
      });
    } catch (error) {
      // Merged, or a temporary file that came to its name meanwhile: what is gone holds nothing.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') continue;
      unreadable.push(file);
    }
  }
  return { files: files.length, bytes, unreadable, matches };
}

/** Base64 of a text depends on where in its group of three it starts: the part that all surroundings share is looked for. */
export function needlesOf(canary: string): readonly Needle[] {
  const plain = Buffer.from(canary, 'utf8');
  const little = Buffer.from(canary, 'utf16le');
  const base64 = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), plain])
      .toString('base64')
      .replace(/=+$/, '');
    const fromStart = Math.ceil((shift * 8) / 6);
    const wholeSextets = Math.floor(((shift + plain.byteLength) * 8) / 6);
    return encoded.slice(fromStart, wholeSextets);
  });
  const urlSafe = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [
    { canary, form: 'UTF-8', bytes: plain },
    { canary, form: 'UTF-16LE', bytes: little },
    { canary, form: 'UTF-16BE', bytes: Buffer.from(little).swap16() },
    ...[...new Set([...base64, ...urlSafe])].map((text): Needle => ({
      canary,
      form: 'base64',
      bytes: Buffer.from(text, 'latin1'),
    })),
  ];
}

async function scanFile(
  path: string,
  needles: readonly Needle[],
  found: (needle: Needle, offset: number) => void,
): Promise<number> {
  const longest = Math.max(1, ...needles.map(({ bytes }) => bytes.byteLength));
  const open_ = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(longest - 1 + pieceBytes);
    const pending = new Set(needles);
    let kept = 0;
    let total = 0;
    for (;;) {
      const { bytesRead } = await open_.read(buffer, kept, pieceBytes, null);
      if (bytesRead === 0) return total;
      const piece = buffer.subarray(0, kept + bytesRead);
      for (const needle of pending) {
        const at = piece.indexOf(needle.bytes);
        if (at < 0) continue;
        found(needle, total - kept + at);
        pending.delete(needle);
      }
      total += bytesRead;
      const next = Math.min(longest - 1, piece.byteLength);
      buffer.copyWithin(0, piece.byteLength - next, piece.byteLength);
      kept = next;
    }
  } finally {
    await open_.close();
  }
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true);
}
