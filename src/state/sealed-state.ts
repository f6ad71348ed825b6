import { invariant } from '../base/invariant.ts';
import type { Json } from '../base/json.ts';
import type { RandomBytes } from '../base/random.ts';
import { listLimitMax } from './record-rules.ts';
import { RecordSeal, SealedRecordError } from './record-seal.ts';
import type { RootKey } from './root-key.ts';
import type { State, StateCommit, StateListOptions, StateWrite, Table, Versioned } from './state.ts';
import type { RecordWrite, StateStore, StoredRecord } from './state-store.ts';
import { StateConflictError } from './state-store.ts';
import type { TableRow } from './table-rows.ts';
import { TableRows } from './table-rows.ts';

export interface SealedStateOptions {
  readonly store: StateStore;
  readonly rootKey: RootKey;
  readonly randomBytes: RandomBytes;
  readonly tables?: readonly TableRow[];
  /** Told once of each record that does not open, whoever reads it and whatever follows. */
  readonly damaged?: (error: SealedRecordError) => void;
}

/** The root key is not the one that this state was sealed with. */
export class WrongRootKeyError extends Error {
  override readonly name = 'WrongRootKeyError';
  constructor() {
    super(
      `The root key does not open this state (record ${check.table}/${check.id}). Give the key that the data directory was made with; if this is that key, the record was damaged.`,
    );
  }
}

const storeIdBytes = 16;
const toldMax = 10_000;
const check = { table: 'seal', id: 'check', version: 1 };

/** Whether a root key has sealed something in the store: then no other will do. */
export const isSealed = async (store: StateStore): Promise<boolean> =>
  (await store.get(check.table, check.id)) !== undefined;

/** Typed JSON records, each sealed on its own before it reaches the store. Table, id and version stay readable there (they order
 * and find records), so ids hold no secrets. A record that was changed, cut, or moved to another table, id, version or data
 * directory is refused with SealedRecordError. Putting back an old copy of a record with its old version is not noticed. */
export class SealedState implements State {
  readonly #store: StateStore;
  readonly #seal: RecordSeal;
  readonly #randomBytes: RandomBytes;
  readonly #tables: TableRows;
  readonly #damaged: (error: SealedRecordError) => void;
  /** `table/id`: what was told, and for losable records the version that lies there. */
  readonly #known = new Map<string, number>();

  /** Makes the check record in a new store.
   * @throws WrongRootKeyError */
  static async open(options: SealedStateOptions): Promise<SealedState> {
    const { store, rootKey, randomBytes } = options;
    const found = await store.get(check.table, check.id);
    const record = found ?? (await createCheck(store, rootKey, randomBytes));
    const seal = new RecordSeal(rootKey, Buffer.from(record.value.subarray(0, storeIdBytes)), randomBytes);
    try {
      seal.open({ ...check, value: record.value.subarray(storeIdBytes) });
    } catch (error) {
      throw error instanceof SealedRecordError ? new WrongRootKeyError() : error;
    }
    return new SealedState(options, seal);
  }

  private constructor({ store, randomBytes, tables, damaged }: SealedStateOptions, seal: RecordSeal) {
    this.#store = store;
    this.#seal = seal;
    this.#randomBytes = randomBytes;
    this.#tables = new TableRows(tables);
    this.#damaged = damaged ?? (() => undefined);
  }

  /** @returns undefined also for a losable record that does not open */
  async get<T>(table: Table<T>, id: string): Promise<Versioned<T> | undefined> {
    const record = await this.#store.get(table.name, id);
    return record && this.#intact(table, record);
  }

  /** What is left out does not make the list shorter than `limit`: a short list is the end, here as in every store. */
  async list<T>(table: Table<T>, options: StateListOptions = {}): Promise<readonly Versioned<T>[]> {
    const { damaged, limit = listLimitMax, ...range } = options;
    const intact: Versioned<T>[] = [];
    for (let { after } = range; ;) {
      const wanted = limit - intact.length;
      const records = await this.#store.list(table.name, {
        ...range,
        limit: wanted,
        ...(after === undefined ? {} : { after }),
      });
      for (const record of records) intact.push(...this.#listed(table, record, damaged));
      after = records.at(-1)?.id;
      invariant(options.limit !== undefined || records.length < wanted, 'whoever asks without a limit gets all');
      if (records.length < wanted || intact.length === limit) return intact;
    }
  }

  async commit(commit: StateCommit): Promise<void> {
    const expected = commit.expect?.map(({ table, id, expect }) => ({ table: table.name, id, expect }));
    const nonces = this.#seal.nonces(commit.write.length);
    const write = commit.write.map((one, index) => this.#sealed(one, nonces[index]));
    const { adds = false } = commit;
    await this.#store.commit({ ...(expected && { expect: expected }), write, ...(adds && { adds }) });
  }

  /** Leaves no replaced or deleted value behind on disk: for a change of custody. */
  compact(): Promise<void> {
    return this.#store.compact();
  }

  /** Closes the store too. */
  async close(): Promise<void> {
    await this.#store.close();
    this.#seal.close();
  }

  #listed<T>(table: Table<T>, record: StoredRecord, damaged: StateListOptions['damaged']): readonly Versioned<T>[] {
    try {
      const opened = this.#intact(table, record);
      return opened === undefined ? [] : [opened];
    } catch (error) {
      if (damaged === undefined || !(error instanceof SealedRecordError)) throw error;
      damaged(error);
      return [];
    }
  }

  /** @returns undefined for a losable record that does not open
   * @throws SealedRecordError for any other */
  #intact<T>(table: Table<T>, record: StoredRecord): Versioned<T> | undefined {
    try {
      return this.#open(table, record);
    } catch (error) {
      if (!(error instanceof SealedRecordError)) throw error;
      this.#tell(error, record.version);
      if (this.#tables.isLosable(error.table)) return undefined;
      throw error;
    }
  }

  #tell(error: SealedRecordError, version: number): void {
    const name = `${error.table}/${error.id}`;
    if (this.#known.get(name) === version) return;
    if (this.#known.size >= toldMax) this.#known.clear();
    this.#known.set(name, version);
    this.#damaged(error);
  }

  #open<T>(table: Table<T>, record: StoredRecord): Versioned<T> {
    const text = this.#seal.open(record).toString('utf8');
    try {
      return { id: record.id, version: record.version, value: table.parse(parseJson(text)) };
    } catch (cause) {
      throw new SealedRecordError(record.table, record.id, 'unreadable', { cause });
    }
  }

  #sealed(write: StateWrite, nonce: Uint8Array | undefined): RecordWrite {
    const { table, id, put } = write;
    const expect = write.expect ?? this.#replaceable(table.name, id);
    if (put === null) return { table: table.name, id, expect, put: null };
    const text = JSON.stringify(put) as string | undefined;
    invariant(text !== undefined, 'a record is JSON');
    table.parse(parseJson(text)); // what cannot be read again is not written
    const version = expect === null ? this.#firstVersion() : expect + 1;
    const value = this.#seal.seal({ table: table.name, id, version, value: Buffer.from(text) }, nonce);
    return { table: table.name, id, expect, put: { version, value } };
  }

  /** What a writer that found nothing replaces: a losable record that does not open. */
  #replaceable(table: string, id: string): number | null {
    return (this.#tables.isLosable(table) ? this.#known.get(`${table}/${id}`) : undefined) ?? null;
  }

  /** A record made again after a delete does not repeat the versions of the old one, so neither a writer that read
   * the old one nor an old copy of it can pass for current. 48 bits leave 2^52 writes. */
  #firstVersion(): number {
    return Buffer.from(this.#randomBytes(6)).readUIntBE(0, 6) + 1;
  }
}

async function createCheck(
  store: StateStore,
  rootKey: RootKey,
  randomBytes: RandomBytes,
): Promise<{ value: Uint8Array }> {
  const storeId = Buffer.from(randomBytes(storeIdBytes));
  const seal = new RecordSeal(rootKey, storeId, randomBytes);
  const value = Buffer.concat([storeId, seal.seal({ ...check, value: Buffer.from('{}') })]);
  seal.close();
  const { table, id, version } = check;
  try {
    await store.commit({ write: [{ table, id, expect: null, put: { version, value } }] });
    return { value };
  } catch (error) {
    // Another process of a team server was faster: its record counts.
    const theirs = error instanceof StateConflictError ? await store.get(table, id) : undefined;
    if (theirs === undefined) throw error;
    return theirs;
  }
}

function parseJson(text: string): Json {
  return JSON.parse(text) as Json;
}
