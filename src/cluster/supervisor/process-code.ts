import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startUpFile } from '../../base/start-up-file.ts';

/** `// ` and a digest in hexadecimal digits: how the program begins. */
const headBytes = 3 + 64;

/** Compiled functions of the program that `dist/cluster-process.cjs` runs.
 * @param cache where they are kept; see `startUpFile`
 * @returns the path of the file, undefined while there is none */
export function processCode(script: string, cache: string | undefined): string | undefined {
  const head = headOf(join(dirname(script), 'cluster-program.cjs'));
  if (head === undefined) return undefined;
  return startUpFile(
    { kind: 'cluster', extension: 'code', of: [head], make: (draft) => [script, '--make', draft] },
    cache,
  );
}

function headOf(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const head = Buffer.alloc(headBytes);
    return readSync(file, head, 0, headBytes, 0) === headBytes ? head.toString('latin1') : undefined;
  } catch {
    return undefined; // a script that is all of the program
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
