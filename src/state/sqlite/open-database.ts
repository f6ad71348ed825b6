import type Database from 'libsql';
import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { syncDirectory } from '../../base/sync-directory.ts';
import type { StateFormat } from '../formats/state-formats.ts';
import {
  firstAgreedFormat,
  newestOf,
  openedFormat,
  StateFormatTooOldError,
  stepsBetween,
} from '../formats/state-formats.ts';
import { applicationId } from './recognise-database.ts';

/** Another process works on the data directory. */
export class StateLockedError extends Error {
  override readonly name = 'StateLockedError';
  constructor(readonly directory: string) {
    super(`The data directory ${directory} is in use by another Kustody. Stop that one, or use another directory.`);
  }
}

/** The file was not written by this or an older Kustody. `found` is undefined when it is not Kustody's at all. */
export class StateFormatError extends Error {
  override readonly name = 'StateFormatError';
  constructor(
    readonly directory: string,
    readonly found: number | undefined,
    newest = firstAgreedFormat,
  ) {
    super(
      found === undefined
        ? `The state in ${directory} was not written by Kustody.`
        : `The state in ${directory} has format ${found}; this Kustody knows formats up to ${newest}. Use a newer Kustody.`,
    );
  }
}

/** What SQLite finds in the file is not whole. */
export class StateDamagedError extends Error {
  override readonly name = 'StateDamagedError';
  constructor(directory: string, options?: ErrorOptions) {
    super(
      `The state in ${directory} is damaged: its file was cut, or changed outside Kustody. A backup has what it held.`,
      options,
    );
  }
}

/** The `user_version` of a file. 2: every record stands in a digest tree; `SealedState` makes those of an older state, and an older Kustody
 * does not know how to keep them. Files are the same in all formats up to the first that is agreed on, and older versions open them; later
 * formats stand there as they are. */
export const formatVersion = 2;

const formatOf = (version: number): number | undefined =>
  version === 1 ? 1 : version === formatVersion ? firstAgreedFormat : version > firstAgreedFormat ? version : undefined;
const versionOf = (format: number): number => (format > firstAgreedFormat ? format : formatVersion);

/** Ten megabytes of native code, loaded with the first file: most commands open none. */
const libsql = (): typeof Database => createRequire(import.meta.url)('libsql') as typeof Database;

/** What is known, and wanted of a new file. */
export interface WantedFormats {
  readonly formats: readonly StateFormat[];
  readonly isCopy?: boolean | undefined;
}

/** Opens and locks the file, or makes it (0600, durable with its name). */
export function openDatabase(
  directory: string,
  file: string,
  wanted: WantedFormats,
): { readonly database: Database.Database; readonly format: number } {
  createFile(file);
  const database = new (libsql())(file, { timeout: 0 });
  try {
    // Without waiting: whoever holds the lock will not give it back soon.
    database.exec('PRAGMA busy_timeout = 0');
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    // Holds for a file that is made now: free pages can be given back without writing the file anew.
    database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    database.exec('BEGIN EXCLUSIVE');
    const { found, format } = checkFormat(database, directory, wanted);
    database.exec('COMMIT');
    database.exec('PRAGMA synchronous = FULL');
    // Before the log begins: so the file itself says whose it is, whenever the process is killed.
    if (found === undefined) writeSchema(database, wanted.formats, format);
    else database.exec(`PRAGMA user_version = ${versionOf(format)}`);
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA secure_delete = ON');
    database.exec('PRAGMA temp_store = MEMORY');
    database.exec('PRAGMA trusted_schema = OFF');
    database.exec('PRAGMA cell_size_check = ON');
    // From here on `LogSync` makes commits durable. SQLite itself syncs the log before what is in it goes into the file, and its first page.
    database.exec('PRAGMA synchronous = NORMAL');
    syncDirectory(dirname(file));
    return { database, format };
  } catch (error) {
    try {
      if (error instanceof StateFormatError || error instanceof StateFormatTooOldError) releaseDatabase(database);
      else closeDatabase(database);
    } catch {
      // It was never ours; the first error says why.
    }
    throw explain(error, directory);
  }
}

/** In one transaction, in the log; not yet synced. */
export function writeFormat(database: Database.Database, { format, sqlite = '' }: StateFormat): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec(`${sqlite}; PRAGMA user_version = ${versionOf(format)}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** Hands the lock back first: libsql keeps the connection, and with it the lock, until its statements are collected.
 * Leaves one file without a log. */
export function closeDatabase(database: Database.Database): void {
  try {
    if (database.inTransaction) database.exec('ROLLBACK');
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA journal_mode = DELETE');
  } finally {
    releaseDatabase(database);
  }
}

/** The same for a database that is not ours: it is left as it was. */
function releaseDatabase(database: Database.Database): void {
  try {
    if (database.inTransaction) database.exec('ROLLBACK');
    database.exec('PRAGMA locking_mode = NORMAL');
    database.prepare('SELECT count(*) FROM sqlite_schema').all();
  } finally {
    database.close();
  }
}

function createFile(file: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return;
    throw error;
  }
  fsyncSync(descriptor);
  closeSync(descriptor);
}

/** @returns no `found` for a file that nobody has written to */
function checkFormat(
  database: Database.Database,
  directory: string,
  { formats, isCopy = false }: WantedFormats,
): { readonly found: number | undefined; readonly format: number } {
  const application = readPragma(database, 'application_id');
  const version = readPragma(database, 'user_version');
  const [tables] = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().all();
  const isNew = application === 0 && version === 0 && tables === 0;
  if (!isNew && application !== applicationId) throw new StateFormatError(directory, undefined);
  const found = isNew ? undefined : formatOf(version);
  if (!isNew && found === undefined) throw new StateFormatError(directory, version, newestOf(formats));
  const tooNew = (newest: number): Error => new StateFormatError(directory, version, newest);
  return { found, format: openedFormat(formats, found, { name: `in ${directory}`, tooNew, isCopy }) };
}

function writeSchema(database: Database.Database, formats: readonly StateFormat[], format: number): void {
  database.exec('BEGIN IMMEDIATE');
  database.exec(`PRAGMA application_id = ${applicationId}`);
  database.exec(`PRAGMA user_version = ${versionOf(format)}`);
  database.exec(
    `CREATE TABLE record (tab TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL,
     PRIMARY KEY (tab, id)) STRICT, WITHOUT ROWID`,
  );
  for (const { sqlite } of stepsBetween(formats, 0, format)) if (sqlite !== undefined) database.exec(sqlite);
  database.exec('COMMIT');
}

function readPragma(database: Database.Database, name: 'application_id' | 'user_version'): number {
  const [value] = database.prepare(`PRAGMA ${name}`).pluck().all();
  return Number(value);
}

function explain(error: unknown, directory: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  if (error.code === 'SQLITE_BUSY' || error.code === 'SQLITE_LOCKED') return new StateLockedError(directory);
  if (error.code === 'SQLITE_CORRUPT') return new StateDamagedError(directory, { cause: error });
  if (error.code === 'SQLITE_NOTADB') return new StateFormatError(directory, undefined);
  return error;
}
