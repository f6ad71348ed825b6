import { invariant } from '../../base/invariant.ts';
import { CommitQueue } from '../commit-queue.ts';
import { checkCommit, checkListOptions } from '../record-rules.ts';
import type { ListOptions, RecordCommit, StateStore, StoredRecord } from '../state-store.ts';
import { StateConflictError } from '../state-store.ts';

/** What outlives a memory store: hand it to the next one to "reopen". */
export type MemoryRecords = Map<string, Map<string, StoredRecord>>;

/** Records in memory, for tests and for instances that leave nothing behind. */
export class MemoryStateStore implements StateStore {
  readonly #tables: MemoryRecords;
  readonly #queue = new CommitQueue((commits) => commits.map((commit) => this.#apply(commit)));
  #closed = false;

  constructor(records: MemoryRecords = new Map()) {
    this.#tables = records;
  }

  get(table: string, id: string): Promise<StoredRecord | undefined> {
    this.#checkOpen();
    const record = this.#tables.get(table)?.get(id);
    return Promise.resolve(record && { ...record, value: Buffer.from(record.value) });
  }

  list(table: string, options: ListOptions = {}): Promise<readonly StoredRecord[]> {
    this.#checkOpen();
    const { prefix, after, limit } = checkListOptions(options);
    const ids = [...(this.#tables.get(table)?.keys() ?? [])]
      .filter((id) => id.startsWith(prefix) && (after === undefined || compareUtf8(id, after) > 0))
      .sort(compareUtf8)
      .slice(0, limit);
    const records = ids.flatMap((id) => this.#tables.get(table)?.get(id) ?? []);
    return Promise.resolve(records.map((record) => ({ ...record, value: Buffer.from(record.value) })));
  }

  tables(): Promise<readonly string[]> {
    this.#checkOpen();
    const names = [...this.#tables].flatMap(([name, records]) => (records.size > 0 ? [name] : []));
    return Promise.resolve(names.sort());
  }

  async commit(commit: RecordCommit): Promise<void> {
    this.#checkOpen();
    checkCommit(commit);
    await this.#queue.add(commit);
  }

  compact(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue.drained();
  }

  #apply(commit: RecordCommit): StateConflictError | undefined {
    for (const { table, id, expect } of [...(commit.expect ?? []), ...commit.write]) {
      if ((this.#tables.get(table)?.get(id)?.version ?? null) !== expect) return new StateConflictError(table, id);
    }
    for (const { table, id, put } of commit.write) {
      const records = this.#tables.get(table) ?? new Map<string, StoredRecord>();
      this.#tables.set(table, records);
      if (put === null) records.delete(id);
      else records.set(id, { table, id, version: put.version, value: Buffer.from(put.value) });
    }
    return undefined;
  }

  #checkOpen(): void {
    invariant(!this.#closed, 'a closed state store is not used');
  }
}

const compareUtf8 = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right));
