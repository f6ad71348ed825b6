import { dirname, join } from 'node:path';
import { programCode } from '../../base/compiled-program.ts';
import { startUpFile } from '../../base/start-up-file.ts';

/** Compiled functions of the program that `dist/cluster-process.cjs` runs.
 * @param cache where they are kept; see `startUpFile`
 * @returns the path of the file, undefined while there is none */
export function processCode(script: string, cache: string | undefined): string | undefined {
  const program = join(dirname(script), 'cluster-program.cjs');
  const file = programCode('cluster', program, (draft) => [script, '--make', draft]);
  return file && startUpFile(file, cache);
}
