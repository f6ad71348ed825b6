import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemProblem } from './system-problem.ts';
import { UserError } from './user-error.ts';

/** The secret of an endpoint of Azure Arc in the one directory where clients look for it. @param path of the file
 * @returns takes it away, with the directories that were made for it
 * @throws UserError where it may not be made */
export async function openArcKeyFile(path: string, secret: string): Promise<() => Promise<void>> {
  const directory = dirname(path);
  const made: string[] = [];
  const remove = async (): Promise<void> => {
    await rm(path, { force: true });
    // Somebody else may have put something there meanwhile.
    for (const one of made.toReversed()) await rmdir(one).catch(() => undefined);
  };
  try {
    for (const one of missingOf(directory)) {
      await mkdir(one, { mode: 0o755 }).then(
        () => made.push(one),
        (error: unknown) => {
          if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
        },
      );
    }
    await writeFile(path, secret, { mode: 0o600, flag: 'wx' });
    return remove;
  } catch (error) {
    await remove();
    const problem = systemProblem(error);
    if (problem === undefined) throw error;
    throw new UserError(
      `Clients read the key of Azure Arc in ${directory} alone, and no file can be made there: ${problem}.`,
      'That takes root, or a mount namespace with a directory of your own there; the other endpoints take neither.',
    );
  }
}

/** The directory and those above it, the outermost first. */
function missingOf(directory: string): readonly string[] {
  const above = dirname(directory);
  return above === directory ? [] : [...missingOf(above), directory];
}
