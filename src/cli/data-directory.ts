import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { syncDirectory } from '../base/sync-directory.ts';
import { dataDirectoryNames } from '../server/data-directory-names.ts';
import { isKustodyDatabase } from '../state/sqlite/recognise-database.ts';
import { stateFileName } from '../state/sqlite/sqlite-state-store.ts';
import { systemProblem } from './system-problem.ts';
import { UserError } from './user-error.ts';

/** The directory that a command without `--data` means: what `kustody run` has set, or one per user. An empty variable is none; XDG
 * directories that are not absolute do not count (XDG Base Directory Specification).
 * @throws UserError when the user has no home */
export function defaultDataDirectory(env: NodeJS.ProcessEnv): string {
  const { KUSTODY_DATA_DIR: chosen = '', XDG_DATA_HOME: shared = '' } = env;
  if (chosen !== '') return chosen;
  return join(isAbsolute(shared) ? shared : join(homeDirectory(), '.local', 'share'), 'kustody');
}

function homeDirectory(): string {
  let home = '';
  try {
    home = homedir();
  } catch {
    // No such user: said below.
  }
  if (isAbsolute(home)) return home;
  throw new UserError('There is no home directory to keep data in.', 'Give a directory with --data.');
}

/** Makes the directory when it is missing (0700). Nothing of one that is not Kustody's is changed.
 * @throws UserError for a file, a directory that holds something else, and one that cannot be made */
export function prepareDataDirectory(path: string): string {
  const directory = resolve(path);
  try {
    return prepare(path, directory);
  } catch (error) {
    const problem = systemProblem(error);
    if (problem === undefined) throw error;
    throw new UserError(`${path} cannot be used: ${problem}.`, 'Give another directory with --data.');
  }
}

function prepare(path: string, directory: string): string {
  const status = statSync(directory, { throwIfNoEntry: false });
  if (status === undefined) {
    makeDirectory(directory);
    return directory;
  }
  if (!status.isDirectory()) throw new UserError(`${path} is not a directory.`, 'Give a directory with --data.');
  if (!isDataDirectory(directory) && !isFresh(directory)) {
    throw new UserError(
      `${path} holds files that are not Kustody's${existsSync(join(directory, stateFileName)) ? `: its ${stateFileName} is damaged or another program's` : ''}.`,
      'Give an empty or new directory, or one that Kustody made.',
    );
  }
  const isOurs = isDataDirectory(directory) || readdirSync(directory).length === 0;
  if (isOurs && process.platform !== 'win32' && (status.mode & 0o077) !== 0) chmodSync(directory, 0o700);
  return directory;
}

/** Not mkdir's `recursive`: below a parent that takes no children, such as /proc, Node tries it for ever. */
function makeDirectory(directory: string): void {
  const parent = dirname(directory);
  if (parent !== directory && !existsSync(parent)) makeDirectory(parent);
  mkdirSync(directory, { mode: 0o700 });
  syncDirectory(parent); // all that is ever acknowledged lies below this name
}

/** Told without opening or changing anything. */
export const isDataDirectory = (directory: string): boolean => isKustodyDatabase(join(directory, stateFileName));

/** Empty, or left by a first start that was killed before it wrote anything. One that was in use and whose state is gone is told and
 * refused by the server. */
function isFresh(directory: string): boolean {
  if (!readdirSync(directory).every((name) => dataDirectoryNames.includes(name))) return false;
  return (statSync(join(directory, stateFileName), { throwIfNoEntry: false })?.size ?? 0) === 0;
}
