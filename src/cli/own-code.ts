import { join } from 'node:path';
import type { LoadedProgram } from '../base/compiled-program.ts';
import { loadProgram, programCode } from '../base/compiled-program.ts';
import type { Parts } from '../base/program-parts.ts';
import { partsOf } from '../base/program-parts.ts';
import { keptStartUpFile, startUpFile } from '../base/start-up-file.ts';
import type { StartUpFile } from '../base/start-up-file.ts';
import { cacheDirectory } from './built-scripts.ts';

/** What the script of the command runs: `program/launch.ts`. */
export interface KustodyProgram {
  main(): Promise<void>;
  warmUp(): Promise<void>;
}

/** What each command loads, and what some do: the server, and all that it needs. */
const programs = ['kustody-program', 'kustody-rest'] as const;
export type OwnProgram = (typeof programs)[number];
const fileOf = (dist: string, program: string): string => join(dist, `${program}.cjs`);

/** @param codeOf where the compiled functions of a program are
 * @returns what the command's entry exports, and its programs by their names: the second is loaded once something of it is needed */
export function loadOwnProgram(
  dist: string,
  codeOf: (program: OwnProgram) => string | undefined,
): { readonly exports: KustodyProgram; readonly loaded: ReadonlyMap<string, LoadedProgram<Parts>> } {
  const loaded = new Map<OwnProgram, LoadedProgram<Parts>>();
  const load = (program: OwnProgram): LoadedProgram<Parts> => {
    const found = loadProgram<Parts>(fileOf(dist, program), codeOf(program));
    loaded.set(program, found);
    return found;
  };
  const [first, rest] = programs;
  const need = partsOf(fileOf(dist, first), load(first), () => load(rest));
  return { exports: need(`./${first}.js`) as KustodyProgram, loaded };
}

/** @returns the path of the compiled functions of this command, undefined while there are none */
export function ownCode(dist: string, env: NodeJS.ProcessEnv, program: OwnProgram): string | undefined {
  const file = codeOf(dist, program);
  return file && keptStartUpFile(file, cacheDirectory(env));
}

/** Has them made in the background for later starts, when there are none. For commands that start a server: a machine where they run once
 * is a machine where they run again, and making them costs as much as a few starts. */
export function makeOwnCode(dist: string, env: NodeJS.ProcessEnv): void {
  for (const program of programs) {
    const file = codeOf(dist, program);
    if (file !== undefined) startUpFile(file, cacheDirectory(env));
  }
}

const codeOf = (dist: string, program: OwnProgram): StartUpFile | undefined =>
  programCode(program, fileOf(dist, program), (draft) => [join(dist, 'kustody-code.cjs'), draft, program]);
