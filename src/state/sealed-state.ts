import { invariant } from '../base/invariant.ts';
import type { Json } from '../base/json.ts';
import type { RandomBytes } from '../base/random.ts';
import { listLimitMax } from './record-rules.ts';
import { RecordSeal, SealedRecordError } from './record-seal.ts';
import type { RootKey } from './root-key.ts';
import type { State, StateExpectation, StateWrite, Table, Versioned } from './state.ts';
import type { ListOptions, RecordWrite, StateStore, StoredRecord } from './state-store.ts';
import { StateConflictError } from './state-store.ts';

export interface SealedStateOptions {
  readonly store: StateStore;
  readonly rootKey: RootKey;
  readonly randomBytes: RandomBytes;
}

/** The root key is not the one that this state was sealed with. */
export class WrongRootKeyError extends Error {
  override readonly name = 'WrongRootKeyError';
  constructor() {
    super('The root key does not open this state. Give the key that the data directory was made with.');
  }
}

const storeIdBytes = 16;
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

  /** Makes the check record in a new store.
   * @throws WrongRootKeyError */
  static async open({ store, rootKey, randomBytes }: SealedStateOptions): Promise<SealedState> {
    const found = await store.get(check.table, check.id);
    const record = found ?? (await createCheck(store, rootKey, randomBytes));
    const seal = new RecordSeal(rootKey, Buffer.from(record.value.subarray(0, storeIdBytes)), randomBytes);
    try {
      seal.open({ ...check, value: record.value.subarray(storeIdBytes) });
    } catch (error) {
      throw error instanceof SealedRecordError ? new WrongRootKeyError() : error;
    }
    return new SealedState(store, seal, randomBytes);
  }

  private constructor(store: StateStore, seal: RecordSeal, randomBytes: RandomBytes) {
    this.#store = store;
    this.#seal = seal;
    this.#randomBytes = randomBytes;
  }

  async get<T>(table: Table<T>, id: string): Promise<Versioned<T> | undefined> {
    const record = await this.#store.get(table.name, id);
    return record && this.#open(table, record);
  }

  async list<T>(table: Table<T>, options?: ListOptions): Promise<readonly Versioned<T>[]> {
    const records = await this.#store.list(table.name, options);
    invariant(options?.limit !== undefined || records.length < listLimitMax, 'whoever asks without a limit gets all');
    return records.map((record) => this.#open(table, record));
  }

  async commit(commit: { expect?: readonly StateExpectation[]; write: readonly StateWrite[] }): Promise<void> {
    const expected = commit.expect?.map(({ table, id, expect }) => ({ table: table.name, id, expect }));
    const nonces = this.#seal.nonces(commit.write.length);
    const write = commit.write.map((one, index) => this.#sealed(one, nonces[index]));
    await this.#store.commit({ ...(expected && { expect: expected }), write });
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

  #open<T>(table: Table<T>, record: StoredRecord): Versioned<T> {
    const text = this.#seal.open(record).toString('utf8');
    return { id: record.id, version: record.version, value: table.parse(parseJson(text)) };
  }

  #sealed({ table, id, expect, put }: StateWrite, nonce: Uint8Array | undefined): RecordWrite {
    if (put === null) return { table: table.name, id, expect, put: null };
    const text = JSON.stringify(put) as string | undefined;
    invariant(text !== undefined, 'a record is JSON');
    table.parse(parseJson(text)); // what cannot be read again is not written
    const version = expect === null ? this.#firstVersion() : expect + 1;
    const value = this.#seal.seal({ table: table.name, id, version, value: Buffer.from(text) }, nonce);
    return { table: table.name, id, expect, put: { version, value } };
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
