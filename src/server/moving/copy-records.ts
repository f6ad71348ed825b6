import { createHash } from 'node:crypto';
import { FewAtOnce } from '../../base/few-at-once.ts';
import type { ChangedRecord } from '../../state/held-store.ts';
import { keyOf } from '../../state/held-store.ts';
import type { RecordWrite, StateStore, StoredRecord } from '../../state/state-store.ts';
import { markTable } from '../move-marks.ts';
import { MoveError } from './move-error.ts';

/** Records as they lie in a store: how many, the bytes of their sealed values, and what tells all of them from any others. */
export interface RecordSum {
  readonly records: number;
  readonly bytes: number;
  /** SHA-256, hex, over table, id, version and sealed value of each, in their order. */
  readonly digest: string;
}

/** Records may be large, as pages of extents in catalogs are: of 60 KB. */
const pageLength = 100;
const commitRecordsMax = 250;
const commitBytesMax = 4 * 1024 * 1024;
const readsAtOnce = 16;
/** So many of both stores are held in memory together. */
const heldMax = 64;

/** Makes the records of one store those of another, sealed as they are: what differs is replaced, what is too much goes, what is there already
 * is not written again. So it can be repeated after an end at any point. Nobody else writes to either.
 * @param done told how many records were looked at so far */
export async function copyRecords(from: StateStore, to: StateStore, done: (records: number) => void): Promise<void> {
  let looked = 0;
  for (const table of await tablesOf(from, to)) {
    const writer = new Batches(to);
    const target = recordsOf(to, table);
    let there = await target.next();
    for await (const record of recordsOf(from, table)) {
      for (; there.done !== true && compareIds(there.value.id, record.id) < 0; there = await target.next())
        await writer.remove(there.value);
      const other = there.done !== true && there.value.id === record.id ? there.value : undefined;
      if (other === undefined || !isSame(record, other)) {
        if (other !== undefined) await writer.remove(other);
        await writer.add(record);
      }
      if (other !== undefined) there = await target.next();
      done((looked += 1));
    }
    for (; there.done !== true; there = await target.next()) await writer.remove(there.value);
    await writer.flush();
  }
}

/** Makes these records of one store those of another, whatever became of them. */
export async function copyAgain(from: StateStore, to: StateStore, changed: readonly ChangedRecord[]): Promise<void> {
  const writer = new Batches(to);
  const few = new FewAtOnce(readsAtOnce);
  const wanted = changed.filter(({ table }) => table !== markTable);
  for (let at = 0; at < wanted.length; at += heldMax) {
    const read = wanted
      .slice(at, at + heldMax)
      .map(({ table, id }) => few.run(async () => [await from.get(table, id), await to.get(table, id)] as const));
    for (const outcome of await Promise.allSettled(read)) {
      if (outcome.status === 'rejected') throw outcome.reason;
      const [record, other] = outcome.value;
      if (record !== undefined && other !== undefined && isSame(record, other)) continue;
      if (other !== undefined) await writer.remove(other);
      if (record !== undefined) await writer.add(record);
    }
  }
  await writer.flush();
}

/** Reads every record of both, while somebody writes to the first. @param changed records that were written since both were the same
 * @throws MoveError for any other one that differs */
export async function requireSameBut(
  from: StateStore,
  to: StateStore,
  changed: Pick<ReadonlySet<string>, 'has'>,
): Promise<void> {
  for (const table of await tablesOf(from, to)) {
    const target = recordsOf(to, table);
    let there = await target.next();
    const require = (record: StoredRecord | undefined, other: StoredRecord | undefined): void => {
      if (record !== undefined && other !== undefined && isSame(record, other)) return;
      const { id } = record ?? other ?? { id: '' };
      if (!changed.has(keyOf({ table, id })))
        throw new MoveError(`The record ${table}/${id} was read back at the target as something else than it is.`);
    };
    for await (const record of recordsOf(from, table)) {
      for (; there.done !== true && compareIds(there.value.id, record.id) < 0; there = await target.next())
        require(undefined, there.value);
      const other = there.done !== true && there.value.id === record.id ? there.value : undefined;
      require(record, other);
      if (other !== undefined) there = await target.next();
    }
    for (; there.done !== true; there = await target.next()) require(undefined, there.value);
  }
}

/** Removes all records of a table, some at a time. Nobody else writes to it. */
export async function removeRecords(store: StateStore, table: string): Promise<void> {
  const writer = new Batches(store);
  for await (const record of recordsOf(store, table)) await writer.remove(record);
  await writer.flush();
}

/** Copies the records of a table into one that is empty, some at a time. */
export async function copyTable(store: StateStore, from: string, to: string): Promise<void> {
  const writer = new Batches(store);
  for await (const record of recordsOf(store, from)) await writer.add({ ...record, table: to });
  await writer.flush();
}

/** Reads every record of a store. */
export async function sumRecords(
  store: StateStore,
  done: (records: number) => void = () => undefined,
): Promise<RecordSum> {
  const hash = createHash('sha256');
  let [records, bytes] = [0, 0];
  for (const table of await tablesOf(store)) {
    for await (const { id, version, value } of recordsOf(store, table)) {
      // A text of JSON before the value, with the value's length: no two lists of records are the same bytes.
      hash.update(`${JSON.stringify([table, id, version, value.byteLength])}\n`).update(value);
      bytes += value.byteLength;
      done((records += 1));
    }
  }
  return { records, bytes, digest: hash.digest('hex') };
}

/** @throws MoveError */
export function requireSameRecords(
  source: RecordSum,
  target: RecordSum,
  wrong = 'What was read back at the target is not what the source has',
): void {
  if (source.records === target.records && source.digest === target.digest) return;
  throw new MoveError(
    `${wrong}: ${target.records} records with the digest ${target.digest}, instead of ${source.records} with ${source.digest}. The source was left as it is.`,
  );
}

/** Ids that a store in PostgreSQL cannot have, which others can. @throws MoveError */
export async function requireShortIds(store: StateStore, bytesMax: number): Promise<void> {
  for (const table of await tablesOf(store))
    for await (const { id } of recordsOf(store, table))
      if (Buffer.byteLength(id) > bytesMax)
        throw new MoveError(
          `A record of the table ${table} has a name of ${Buffer.byteLength(id)} bytes; a state in PostgreSQL takes ${bytesMax}.`,
        );
}

async function tablesOf(...stores: readonly StateStore[]): Promise<readonly string[]> {
  const names = new Set((await Promise.all(stores.map((store) => store.tables()))).flat());
  names.delete(markTable);
  return [...names].sort();
}

async function* recordsOf(store: StateStore, table: string): AsyncGenerator<StoredRecord, undefined> {
  for (let after: string | undefined; ;) {
    const page = await store.list(table, { limit: pageLength, ...(after === undefined ? {} : { after }) });
    await new Promise((resolve) => setImmediate(resolve)); // a store may answer at once: others on this thread have their turn
    yield* page;
    after = page.at(-1)?.id;
    if (after === undefined || page.length < pageLength) return;
  }
}

/** As stores order them. */
const compareIds = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right));

const isSame = (left: StoredRecord, right: StoredRecord): boolean =>
  left.version === right.version && Buffer.compare(left.value, right.value) === 0;

/** Writes to the target, some at a time. A record of the same version with another value is first removed: a write changes the version. */
class Batches {
  readonly #store: StateStore;
  #removed: RecordWrite[] = [];
  #added: RecordWrite[] = [];
  #bytes = 0;

  constructor(store: StateStore) {
    this.#store = store;
  }

  remove({ table, id, version }: StoredRecord): Promise<void> {
    this.#removed.push({ table, id, expect: version, put: null });
    return this.#flushLarge();
  }

  add({ table, id, version, value }: StoredRecord): Promise<void> {
    this.#added.push({ table, id, expect: null, put: { version, value } });
    this.#bytes += value.byteLength;
    return this.#flushLarge();
  }

  async #flushLarge(): Promise<void> {
    const count = Math.max(this.#removed.length, this.#added.length);
    if (count >= commitRecordsMax || this.#bytes >= commitBytesMax) await this.flush();
  }

  /** Order: what goes → what comes in its place. */
  async flush(): Promise<void> {
    const [removed, added] = [this.#removed, this.#added];
    [this.#removed, this.#added, this.#bytes] = [[], [], 0];
    if (removed.length > 0) await this.#store.commit({ write: removed });
    if (added.length > 0) await this.#store.commit({ write: added });
  }
}
