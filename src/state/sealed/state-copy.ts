import { invariant } from '../../base/invariant.ts';
import type { Json } from '../../base/json.ts';
import { SealedRecordError } from '../record-seal.ts';
import type { StateWrite, Table } from '../state.ts';
import { writeRecord } from '../state.ts';
import type { StoredRecord } from '../state-store.ts';
import type { VerifiedStore } from '../tree/verified-store.ts';

/** A record may be large, as a page of extents in a catalog is: so many are read at a time. */
const recordsEach = 250;

/** All records of a state at one moment, as they lie in the store: sealed. In memory only. */
export interface StateCopy {
  /** By `table/id`. */
  readonly records: ReadonlyMap<string, StoredRecord>;
}

/** What a copy is made from, and held against. */
export interface CopySource {
  readonly store: VerifiedStore;
  /** Tables that hold records, those of the digest trees left out. */
  readonly tables: () => Promise<readonly string[]>;
}

const keyOf = ({ table, id }: Pick<StoredRecord, 'table' | 'id'>): string => `${table}/${id}`;

/** @param isLeftOut tables that stay as they are
 * @throws SealedRecordError when a record is damaged */
export async function copyRecords(source: CopySource, isLeftOut: (table: string) => boolean): Promise<StateCopy> {
  const records = new Map<string, StoredRecord>();
  for (const table of await source.tables()) {
    if (isLeftOut(table)) continue;
    for (let after: string | undefined; ;) {
      const page = await source.store.list(table, { limit: recordsEach, ...(after === undefined ? {} : { after }) });
      for (const record of page.records) {
        if (record instanceof SealedRecordError) throw record;
        records.set(keyOf(record), record);
      }
      after = page.end;
      if (after === undefined) break;
    }
  }
  return { records };
}

/** The writes that make the state what it was. A record that has its version still is the same record, since versions are used once.
 * @param open gives the value of a record as it was sealed */
export function writesBack(
  copy: StateCopy,
  current: StateCopy,
  open: (record: StoredRecord) => Json,
): readonly StateWrite[] {
  const writes: StateWrite[] = [];
  for (const [key, { table, id, version }] of current.records)
    if (!copy.records.has(key)) writes.push(writeRecord(anyTable(table), id, version, null));
  for (const [key, record] of copy.records) {
    const now = current.records.get(key);
    if (now?.version === record.version) continue;
    const value = open(record);
    invariant(value !== null, 'a record is not null');
    writes.push(writeRecord(anyTable(record.table), record.id, now?.version ?? null, value));
  }
  return writes;
}

/** A record that was read once is not parsed again: it has passed. */
const anyTable = (name: string): Table<Json> => ({ name, parse: (value) => value });
