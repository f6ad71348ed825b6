import type Database from 'libsql';
import { join } from 'node:path';
import { invariant } from '../../base/invariant.ts';
import { saysFull, StorageFullError } from '../../base/storage-full.ts';
import { checkCommit, checkListOptions } from '../record-rules.ts';
import type { ListOptions, RecordCommit, RecordWrite, StateStore, StoredRecord } from '../state-store.ts';
import { StateConflictError } from '../state-store.ts';
import type { CommitFailure } from '../commit-queue.ts';
import { CommitQueue } from '../commit-queue.ts';
import { DiskReserve } from './disk-reserve.ts';
import { LogSync } from './log-sync.ts';
import { PageScrub } from './page-scrub.ts';
import type { StateFormat, StoredFormat } from '../formats/state-formats.ts';
import { stateFormats } from '../formats/state-formats.ts';
import type { WantedFormats } from './open-database.ts';
import { closeDatabase, openDatabase, writeFormat } from './open-database.ts';

export const stateFileName = 'state.db';

/** Room that is kept for commits that must succeed on a full disk. */
export interface ReserveOptions {
  readonly bytes: number;
  /** Told each time that it is used. */
  readonly released: () => void;
}

/** Records in one SQLite file (WAL). A group of commits is written at once, and told to those who wait when the log was synced. The file is locked by the process that has it open.
 *
 * While a store is open, no other code of the same process may open and close `state.db`: POSIX takes the locks
 * of a process away when it closes any descriptor of the file. Readers of raw files run in a process of their own. */
export class SqliteStateStore implements StateStore, Pick<StoredFormat, 'written' | 'raise'> {
  readonly #database: Database.Database;
  readonly #queue: CommitQueue;
  readonly #scrub: PageScrub;
  readonly #reserve: DiskReserve | undefined;
  readonly #log: LogSync;
  readonly #get: Database.Statement;
  readonly #list: Database.Statement;
  readonly #versionOf: Database.Statement;
  readonly #add: Database.Statement;
  readonly #replace: Database.Statement;
  readonly #remove: Database.Statement;
  #written: number;
  #closed = false;

  /** @param directory exists already
   * @throws StateLockedError when another process (or another store here) has it open
   * @param wanted default: the formats of this version
   * @throws StateFormatError when a newer Kustody, or something else, wrote it, StateFormatTooOldError */
  static open(
    directory: string,
    reserve?: ReserveOptions,
    wanted: WantedFormats = { formats: stateFormats },
  ): SqliteStateStore {
    const opened = openDatabase(directory, join(directory, stateFileName), wanted);
    const log = new LogSync(join(directory, `${stateFileName}-wal`));
    const held = reserve && new DiskReserve(directory, reserve.bytes, reserve.released);
    return new SqliteStateStore(opened, log, held);
  }

  private constructor(
    { database, format }: { readonly database: Database.Database; readonly format: number },
    log: LogSync,
    reserve: DiskReserve | undefined,
  ) {
    this.#written = format;
    this.#reserve = reserve;
    this.#log = log;
    this.#database = database;
    this.#queue = new CommitQueue(
      (commits) => this.#apply(commits),
      () => this.#log.sync(),
    );
    this.#scrub = new PageScrub(database, (work) => this.#withReserve(work));
    this.#get = database.prepare('SELECT version, value FROM record WHERE tab = ? AND id = ?').raw();
    // No text of UTF-8 holds the byte 0xff, so it ends the range of a prefix. One bound below: of two, SQLite looks up
    // one and reads from there to the other, so that each page of a long list would read all before it.
    this.#list = database
      .prepare(
        `SELECT id, version, value FROM record
         WHERE tab = ?1 AND id >= max(?2, ?3) AND id <> ?3 AND id < CAST(?4 AS TEXT) ORDER BY id LIMIT ?5`,
      )
      .raw();
    this.#versionOf = database.prepare('SELECT version FROM record WHERE tab = ? AND id = ?').raw();
    // Each looks at the version itself: one statement a record, not two.
    this.#add = database.prepare(
      'INSERT INTO record (tab, id, version, value) VALUES (?, ?, ?, ?) ON CONFLICT (tab, id) DO NOTHING',
    );
    this.#replace = database.prepare(
      'UPDATE record SET version = ?, value = ? WHERE tab = ? AND id = ? AND version = ?',
    );
    this.#remove = database.prepare('DELETE FROM record WHERE tab = ? AND id = ? AND version = ?');
  }

  get(table: string, id: string): Promise<StoredRecord | undefined> {
    this.#checkOpen();
    // Rows are always read to the end: a statement left half-way would hold a read transaction.
    const row = this.#get.all(table, id)[0];
    return Promise.resolve(row === undefined ? undefined : parseRow(table, [id, ...cells(row)]));
  }

  list(table: string, options: ListOptions = {}): Promise<readonly StoredRecord[]> {
    this.#checkOpen();
    const { prefix, after, limit } = checkListOptions(options);
    const end = Buffer.concat([Buffer.from(prefix), Buffer.from([0xff])]);
    const rows = this.#list.all(table, prefix, after ?? '', end, limit);
    return Promise.resolve(rows.map((row) => parseRow(table, cells(row))));
  }

  tables(): Promise<readonly string[]> {
    this.#checkOpen();
    const rows = this.#database.prepare('SELECT DISTINCT tab FROM record ORDER BY tab').pluck().all();
    return Promise.resolve(rows.map(String));
  }

  async commit(commit: RecordCommit): Promise<void> {
    this.#checkOpen();
    checkCommit(commit);
    await this.#queue.add(commit);
  }

  get written(): number {
    return this.#written;
  }

  async raise(step: StateFormat): Promise<void> {
    this.#checkOpen();
    invariant(step.format === this.#written + 1, 'formats are raised one by one');
    this.#withReserve(() => writeFormat(this.#database, step));
    await this.#log.sync();
    this.#written = step.format;
  }

  /** Overwrites in place what replaced and deleted values have left, and gives free pages back. That deleted cells are overwritten
   * (`secure_delete`) is not enough: where SQLite has moved records between pages, copies stay in the gaps. */
  async compact(): Promise<void> {
    this.#checkOpen();
    await this.#scrub.scrub();
    if (!this.#closed) await this.#scrub.reclaim();
  }

  /** Waits for commits under way, then leaves one file without a log. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#queue.drained();
    await this.#scrub.settled();
    await this.#log.close();
    closeDatabase(this.#database);
  }

  /** On a full disk those commits are left out that add, and the others get the room that is kept for them. */
  #apply(commits: readonly RecordCommit[]): readonly (CommitFailure | undefined)[] {
    if (this.#reserve?.isHeld !== false) {
      try {
        return this.#write(commits);
      } catch (error) {
        if (!saysFull(error)) throw error;
      }
    }
    const full = new StorageFullError();
    const others = commits.filter(({ adds }) => adds !== true);
    if (others.length === 0) return commits.map(() => full);
    try {
      const outcomes = this.#withReserve(() => this.#write(others)).values();
      return commits.map(({ adds }) => (adds === true ? full : outcomes.next().value));
    } catch (error) {
      throw saysFull(error) ? new StorageFullError({ cause: error }) : error;
    }
  }

  #withReserve<T>(work: () => T): T {
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!saysFull(error) || this.#reserve?.release() !== true) throw error;
      }
    }
  }

  /** One transaction for all; a commit whose expectations do not hold is left out. */
  #write(commits: readonly RecordCommit[]): readonly (StateConflictError | undefined)[] {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const [only] = commits;
      const isAlone = commits.length === 1 && only !== undefined;
      const outcomes = isAlone ? [this.#applyAlone(only)] : commits.map((commit) => this.#applyOne(commit));
      this.#database.exec(isAlone && outcomes[0] !== undefined ? 'ROLLBACK' : 'COMMIT');
      return outcomes;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /** With the transaction to itself. */
  #applyAlone(commit: RecordCommit): StateConflictError | undefined {
    return this.#unexpected(commit) ?? this.#writeRecords(commit.write);
  }

  #unexpected(commit: RecordCommit): StateConflictError | undefined {
    for (const { table, id, expect } of commit.expect ?? []) {
      const row = this.#versionOf.all(table, id)[0];
      if ((row === undefined ? null : cells(row)[0]) !== expect) return new StateConflictError(table, id);
    }
    return undefined;
  }

  #applyOne(commit: RecordCommit): StateConflictError | undefined {
    const unexpected = this.#unexpected(commit);
    if (unexpected !== undefined) return unexpected;
    if (commit.write.length <= 1) return this.#writeRecords(commit.write);
    this.#database.exec('SAVEPOINT one');
    const conflict = this.#writeRecords(commit.write);
    if (conflict !== undefined) this.#database.exec('ROLLBACK TO one');
    this.#database.exec('RELEASE one');
    return conflict;
  }

  /** @returns what kept the first record that was not as expected from being written; those before it are written */
  #writeRecords(writes: readonly RecordWrite[]): StateConflictError | undefined {
    for (const write of writes) {
      if (this.#writeOne(write).changes !== 1) return new StateConflictError(write.table, write.id);
    }
    return undefined;
  }

  #writeOne({ table, id, expect, put }: RecordWrite): Database.RunResult {
    if (put === null) return this.#remove.run(table, id, expect);
    const value = Buffer.from(put.value.buffer, put.value.byteOffset, put.value.byteLength);
    if (expect === null) return this.#add.run(table, id, put.version, value);
    return this.#replace.run(put.version, value, table, id, expect);
  }

  #rollBack(): void {
    // SQLite may have rolled back by itself (disk full); then there is nothing to do.
    if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
  }

  #checkOpen(): void {
    invariant(!this.#closed, 'a closed state store is not used');
    this.#log.check();
  }
}

function cells(row: unknown): readonly unknown[] {
  invariant(Array.isArray(row), 'raw rows are arrays');
  return row as readonly unknown[];
}

function parseRow(table: string, [id, version, value]: readonly unknown[]): StoredRecord {
  invariant(
    typeof id === 'string' && typeof version === 'number' && value instanceof Uint8Array,
    'the table holds what was written',
  );
  return { table, id, version, value };
}
