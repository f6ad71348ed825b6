import Database from 'libsql';
import { join } from 'node:path';
import { stateFileName } from '../../src/state/sqlite/sqlite-state-store.ts';

/** A record as it lies in the file of a stopped server. */
export interface StateRow {
  readonly table: string;
  readonly id: string;
  readonly version: number;
  readonly value: Buffer;
}

/** What somebody with the disk, and without the root key, can do to the state. No server may have it open. */
export function withStateFile<T>(directory: string, work: (file: StateFile) => T): T {
  const database = new Database(join(directory, stateFileName));
  try {
    return work(new StateFile(database));
  } finally {
    database.close();
  }
}

export class StateFile {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  rows(): readonly StateRow[] {
    const rows = this.#database.prepare('SELECT tab, id, version, value FROM record ORDER BY tab, id').raw().all();
    return (rows as [string, string, number, Uint8Array][]).map(([table, id, version, value]) => ({
      ...{ table, id, version },
      value: Buffer.from(value),
    }));
  }

  put({ table, id, version, value }: StateRow): void {
    this.#database.prepare('INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)').run(table, id, version, value);
  }

  remove({ table, id }: StateRow): void {
    this.#database.prepare('DELETE FROM record WHERE tab = ? AND id = ?').run(table, id);
  }
}

/** One bit in the middle of the sealed bytes. */
export function flipped(row: StateRow): StateRow {
  const value = Buffer.from(row.value);
  const at = value.length >> 1;
  value[at] = (value[at] ?? 0) ^ 1;
  return { ...row, value };
}
