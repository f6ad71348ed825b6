/** One stored record. Stores know nothing of what is inside. */
export interface StoredRecord {
  readonly table: string;
  readonly id: string;
  /** Changes with every write. Chosen by the writer, compared by the store; a positive safe integer. */
  readonly version: number;
  readonly value: Uint8Array;
}

/** A write names the version it replaces (`null`: the record must not exist), so that nothing is overwritten unseen. */
export interface RecordWrite {
  readonly table: string;
  readonly id: string;
  readonly expect: number | null;
  /** `null` deletes. */
  readonly put: { readonly version: number; readonly value: Uint8Array } | null;
}

/** A record that must still be as it was read, without being written. */
export interface RecordExpectation {
  readonly table: string;
  readonly id: string;
  readonly expect: number | null;
}

export interface RecordCommit {
  readonly expect?: readonly RecordExpectation[];
  readonly write: readonly RecordWrite[];
  /** It may not use the last room on a full disk, which is kept for what takes away: rows that come in. */
  readonly adds?: boolean;
  /** The same values under another root key: versions stay, since nobody has anything new to read. */
  readonly reseals?: boolean;
}

export interface ListOptions {
  /** Only ids that start with this; default all. Ids are ordered by their UTF-8 bytes. */
  readonly prefix?: string;
  /** Only ids after this one (exclusive). */
  readonly after?: string;
  /** At most so many; default and maximum 10,000. */
  readonly limit?: number;
}

/** Durable records. `commit` is all or nothing, durable when it resolves, and nothing is awaited inside.
 * Concurrent commits are grouped into one durable write. A failed commit leaves no trace. */
export interface StateStore {
  get(table: string, id: string): Promise<StoredRecord | undefined>;
  list(table: string, options?: ListOptions): Promise<readonly StoredRecord[]>;
  /** The names of all tables that hold a record, in order. */
  tables(): Promise<readonly string[]>;
  /** @throws StateConflictError when an expectation does not hold
   * @throws StorageFullError */
  commit(commit: RecordCommit): Promise<void>;
  /** Leaves no replaced or deleted value behind on disk. Costs as much as writing everything once: for a change of custody. */
  compact(): Promise<void>;
  /** Waits for commits under way. */
  close(): Promise<void>;
}

export class StateConflictError extends Error {
  override readonly name = 'StateConflictError';
  constructor(
    readonly table: string,
    readonly id: string,
  ) {
    super(`Record ${table}/${id} has changed since it was read.`);
  }
}
