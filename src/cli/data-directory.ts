import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stateFileName } from '../state/sqlite/sqlite-state-store.ts';
import { UserError } from './user-error.ts';

/** The directory that a command without `--data` means: what `kustody run` has set, or one per user. */
export function defaultDataDirectory(env: NodeJS.ProcessEnv): string {
  const shared = env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share');
  return env['KUSTODY_DATA_DIR'] ?? join(shared, 'kustody');
}

/** Makes the directory when it is missing (0700).
 * @throws UserError for a file, or a directory that holds something else */
export function prepareDataDirectory(path: string): string {
  const directory = resolve(path);
  const status = statSync(directory, { throwIfNoEntry: false });
  if (status === undefined) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return directory;
  }
  if (!status.isDirectory()) throw new UserError(`${path} is not a directory.`, 'Give a directory with --data.');
  if (!isDataDirectory(directory) && readdirSync(directory).length > 0) {
    throw new UserError(
      `${path} holds files that are not Kustody's.`,
      'Give an empty or new directory, or one that Kustody made.',
    );
  }
  if (process.platform !== 'win32' && (status.mode & 0o077) !== 0) chmodSync(directory, 0o700);
  return directory;
}

export const isDataDirectory = (directory: string): boolean => existsSync(join(directory, stateFileName));

export function temporaryDataDirectory(): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-')); // mkdtemp makes it 0700
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
