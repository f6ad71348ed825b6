import { join } from 'node:path';
import { programCode } from '../base/compiled-program.ts';
import { keptStartUpFile, startUpFile } from '../base/start-up-file.ts';
import type { StartUpFile } from '../base/start-up-file.ts';
import { cacheDirectory } from './built-scripts.ts';

export const programIn = (dist: string): string => join(dist, 'kustody-program.cjs');

/** @returns the path of the compiled functions of this command, undefined while there are none */
export function ownCode(dist: string, env: NodeJS.ProcessEnv): string | undefined {
  const file = codeOf(dist);
  return file && keptStartUpFile(file, cacheDirectory(env));
}

/** Has them made in the background for later starts, when there are none. For commands that start a server: a machine where they run once
 * is a machine where they run again, and making them costs as much as a few starts. */
export function makeOwnCode(dist: string, env: NodeJS.ProcessEnv): void {
  const file = codeOf(dist);
  if (file !== undefined) startUpFile(file, cacheDirectory(env));
}

const codeOf = (dist: string): StartUpFile | undefined =>
  programCode('kustody', programIn(dist), (draft) => [join(dist, 'kustody-code.cjs'), draft]);
