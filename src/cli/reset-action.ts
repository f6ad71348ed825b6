import { existsSync, readdirSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { dataDirectoryNames } from '../server/data-directory-names.ts';
import { isKeptElsewhere } from '../server/state-place.ts';
import { isSealed } from '../state/sealed/check-record.ts';
import { StateFormatError, StateLockedError } from '../state/sqlite/open-database.ts';
import { SqliteStateStore, stateFileName } from '../state/sqlite/sqlite-state-store.ts';
import { isDataDirectory } from './data-directory.ts';
import { dataDirectoryOf } from './options.ts';
import { ask } from './question.ts';
import { UserError } from './user-error.ts';

export interface ResetOptions {
  readonly data?: string;
  readonly yes: boolean;
}

/** Nothing is opened before the directory is known as Kustody's, nothing is deleted before its lock is held, and nothing but what Kustody
 * makes is deleted at all. */
export async function reset(options: ResetOptions): Promise<void> {
  const asked = resolve(dataDirectoryOf(options));
  if (!existsSync(asked)) throw new UserError(`${asked} does not exist.`);
  const directory = realpathSync(asked);
  if (!isDataDirectory(directory)) throw notOurs(directory);
  const store = await lock(directory);
  try {
    if (!options.yes && !(await confirmed(directory))) throw new UserError('Nothing was deleted.');
    for (const name of dataDirectoryNames) if (!name.startsWith(stateFileName)) remove(directory, name);
  } finally {
    await store.close();
  }
  for (const name of dataDirectoryNames) remove(directory, name);
  const others = readdirSync(directory).length;
  if (others === 0) rmdirSync(directory);
  process.stdout.write(
    others === 0
      ? `Deleted ${directory}.\n`
      : `Deleted what was Kustody's in ${directory}. Left as they are: ${others} other files.\n`,
  );
}

const notOurs = (directory: string): UserError =>
  new UserError(`${directory} is not a data directory of Kustody; nothing was deleted.`);

/** @throws UserError when another process has it, or there is no sealed state in it */
async function lock(directory: string): Promise<SqliteStateStore> {
  let store: SqliteStateStore;
  try {
    store = SqliteStateStore.open(directory);
  } catch (error) {
    if (error instanceof StateLockedError) throw new UserError(`A Kustody runs on ${directory}.`, 'Stop it first.');
    if (error instanceof StateFormatError) throw new UserError(`${error.message} Nothing was deleted.`);
    throw error;
  }
  if (await isSealed(store)) return store;
  const elsewhere = await isKeptElsewhere(store);
  await store.close();
  if (elsewhere)
    throw new UserError(
      `The state of ${directory} is in PostgreSQL, which 'kustody reset' does not delete; nothing was deleted.`,
      'Drop its schema there, then delete the directory.',
    );
  throw notOurs(directory);
}

const remove = (directory: string, name: string): void =>
  rmSync(join(directory, name), { recursive: true, force: true });

const confirmed = (directory: string): Promise<boolean> =>
  ask(`Delete ${directory} with all its keys and data?`, {
    message: 'Nobody is there to ask.',
    hint: 'Give --yes to delete without asking.',
  });
