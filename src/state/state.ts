import type { Json } from '../base/json.ts';
import type { Soon } from '../base/soon.ts';
import type { SealedRecordError } from './record-seal.ts';

/** A decoded record. `version` is opaque: hand it back in the next commit. */
export interface Versioned<T> {
  readonly id: string;
  readonly version: number;
  readonly value: T;
}

/** The typed name of one table of JSON records. `parse` checks what comes back from the store; it throws on a shape
 * that our own code cannot have written (or a newer format). */
export interface Table<T> {
  readonly name: string;
  readonly parse: (value: Json) => T;
}

export interface StateWrite {
  readonly table: Table<never>;
  readonly id: string;
  /** The version read, or `null` when the record must not exist yet. */
  readonly expect: number | null;
  /** The new value, or `null` to delete. */
  readonly put: unknown;
}

export interface StateCommit {
  readonly expect?: readonly StateExpectation[];
  readonly write: readonly StateWrite[];
  /** See `RecordCommit`. */
  readonly adds?: boolean;
}

export interface StateExpectation {
  readonly table: Table<never>;
  readonly id: string;
  readonly expect: number | null;
}

export interface StateListOptions {
  readonly prefix?: string;
  readonly after?: string;
  readonly limit?: number;
  /** Is handed what does not open; it is left out. For lists over several owners: the damage of one is not another's. */
  readonly damaged?: (error: SealedRecordError) => void;
}

/** What the rest of Kustody sees of the state: typed records, sealed under the root key before they reach a store. */
export interface State {
  /** @throws SealedRecordError */
  get<T>(table: Table<T>, id: string): Promise<Versioned<T> | undefined>;
  /** The record where it is in memory and current, without a wait. undefined says nothing: then `get` tells. */
  known?<T>(table: Table<T>, id: string): Versioned<T> | undefined;
  /** A list without a limit is complete: where there may be 10,000 and more, it is read in pages (`listAll`).
   * @throws SealedRecordError for the first damaged record, unless `options.damaged` takes it */
  list<T>(table: Table<T>, options?: StateListOptions): Promise<readonly Versioned<T>[]>;
  /** All or nothing, durable when it resolves. @throws StateConflictError, StorageFullError */
  commit(commit: StateCommit): Promise<void>;
  /** Stays the same object as long as no record of whoever owns this one is written; then another stands in its place before the commit
   * is acknowledged. undefined where that cannot be told: then nothing that was worked out of such records may be kept. */
  markOf?(table: Pick<Table<never>, 'name'>, id: string): object | undefined;
  /** The same for all owners at once, but for those whose records may all be lost (history): one look instead of many. */
  markOfAll?(): object | undefined;
}

/** As `State.get`, at once where the record is in memory. */
export const getSoon = <T>(state: State, table: Table<T>, id: string): Soon<Versioned<T> | undefined> =>
  state.known?.(table, id) ?? state.get(table, id);

/** The version that a record has once it was written in the place of `version`; of one that was not there nobody can tell. */
export const versionAfter = (version: number): number => version + 1;

/** Checks the pairing of table and value at compile time; `StateWrite` itself cannot say it. */
export function writeRecord<T>(table: Table<T>, id: string, expect: number | null, put: T | null): StateWrite {
  return { table: table as unknown as Table<never>, id, expect, put };
}

export function expectRecord<T>(table: Table<T>, id: string, expect: number | null): StateExpectation {
  return { table: table as unknown as Table<never>, id, expect };
}
