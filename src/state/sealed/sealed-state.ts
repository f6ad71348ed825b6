import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json } from '../../base/json.ts';
import type { RandomBytes } from '../../base/random.ts';
import { listLimitMax } from '../record-rules.ts';
import type { RecordSeal } from '../record-seal.ts';
import { SealedRecordError } from '../record-seal.ts';
import type { RootKey } from '../root-key.ts';
import type { State, StateCommit, StateListOptions, StateWrite, Table, Versioned } from '../state.ts';
import { versionAfter } from '../state.ts';
import type { OpenedCheck } from './check-record.ts';
import { beginResealing, checkVersions, endResealing, openCheck, withNewTrees } from './check-record.ts';
import type { ResealCounts, ResealSteps } from './reseal.ts';
import { resealAll } from './reseal.ts';
import type { StateCopy } from './state-copy.ts';
import { copyRecords, writesBack } from './state-copy.ts';
import type { RecordWrite, StateStore, StoredRecord } from '../state-store.ts';
import type { TableRow } from '../table-rows.ts';
import { TableRows } from '../table-rows.ts';
import type { StateAnchor } from '../tree/anchor.ts';
import { checkTable, rebuildOwner } from '../tree/build-trees.ts';
import { headId, headTable, pointOf, treeTables } from '../tree/tree-records.ts';
import { tagOf } from '../tree/tree-page.ts';
import { TreeState } from '../tree/tree-state.ts';
import type { VerifiedRecord } from '../tree/verified-store.ts';
import { VerifiedStore } from '../tree/verified-store.ts';
import { KeptRecords } from './kept-records.ts';
import type { Veiled } from './memory-veil.ts';
import { MemoryVeil } from './memory-veil.ts';

export interface SealedStateOptions {
  readonly store: StateStore;
  readonly rootKey: RootKey;
  /** While one takes the place of another: the other of the two. Which one seals is what the state says. */
  readonly otherRootKey?: RootKey | undefined;
  readonly randomBytes: RandomBytes;
  readonly tables?: readonly TableRow[];
  /** Told once of each record that does not open, whoever reads it and whatever follows. */
  readonly damaged?: (error: SealedRecordError) => void;
  /** Closed with the state. */
  readonly anchor?: StateAnchor | undefined;
  /** So many records of tables that are kept open stay in memory; default none. For a store that only this process writes: what another
   * handle of it has written is not seen until the digests are read again. */
  readonly keptOpenMax?: number;
}

/** 16 MiB of them at most; what is longer is read each time. */
const keptVeiledMax = 1024;
const keptVeiledBytesMax = 16 * 1024;
const toldMax = 10_000;

interface VeiledRecord {
  readonly id: string;
  readonly version: number;
  /** Its JSON. */
  readonly veiled: Veiled;
}

/** Typed JSON records, each sealed on its own before it reaches the store. Table, id and version stay readable there (they order
 * and find records), so ids hold no secrets. A record that was changed, cut, or moved to another table, id, version or data
 * directory is refused with SealedRecordError; so is an old copy of one, and one that was removed or brought back (`VerifiedStore`). */
export class SealedState implements State {
  readonly #store: VerifiedStore;
  readonly #tableNames: () => Promise<readonly string[]>;
  /** Below the digests. */
  readonly #base: StateStore;
  readonly #seal: RecordSeal;
  #check: OpenedCheck;
  readonly #randomBytes: RandomBytes;
  readonly #tables: TableRows;
  readonly #damaged: (error: SealedRecordError) => void;
  readonly #opened: KeptRecords<Versioned<unknown>> | undefined;
  readonly #veiled: KeptRecords<VeiledRecord> | undefined;
  readonly #veil: MemoryVeil;
  /** `table/id` of damaged records that were told. */
  readonly #told = new Set<string>();

  /** Makes the check record in a new store. A state of an earlier version gets its digest trees now, from the records as they are.
   * @throws WrongRootKeyError, StateRolledBackError, AnchorError */
  static async open(options: SealedStateOptions): Promise<SealedState> {
    const { store, anchor } = options;
    const opened = await openCheck(options);
    const parts = { store, tables: new TableRows(options.tables), trees: new TreeState(store, opened.seal) };
    let heads =
      opened.version === checkVersions.withTrees
        ? await parts.trees.loadHeads()
        : await withNewTrees(parts, opened, 1, true);
    anchor?.check(heads.top);
    for (const [owner, head] of heads.owners) {
      if (head !== 'damaged') continue;
      options.damaged?.(new SealedRecordError(headTable, headId(owner), 'old'));
      if (parts.tables.isLosableOwner(owner)) heads = await rebuildOwner(parts, heads, owner);
    }
    anchor?.accept(pointOf(heads.top));
    return new SealedState(options, opened, new VerifiedStore({ ...parts, heads, anchor }));
  }

  /** Takes the state as it lies there for the right one: makes the trees anew and moves the anchor. Nothing else has it open.
   * @throws WrongRootKeyError */
  static async accept(
    options: Pick<SealedStateOptions, 'store' | 'rootKey' | 'otherRootKey' | 'randomBytes' | 'tables' | 'anchor'>,
  ): Promise<void> {
    const { store, anchor } = options;
    const opened = await openCheck(options);
    const parts = { store, tables: new TableRows(options.tables), trees: new TreeState(store, opened.seal) };
    const before = await parts.trees.records.top();
    const counter = Math.max(before?.version ?? 0, anchor?.read()?.counter ?? 0) + 1;
    const { top } = await withNewTrees(parts, opened, counter, false);
    anchor?.accept(pointOf(top));
    opened.seal.close();
  }

  private constructor(options: SealedStateOptions, check: OpenedCheck, store: VerifiedStore) {
    const { randomBytes, tables, damaged, keptOpenMax = 0 } = options;
    this.#store = store;
    this.#opened = keptOpenMax > 0 ? new KeptRecords(keptOpenMax) : undefined;
    this.#veiled = keptOpenMax > 0 ? new KeptRecords(Math.min(keptOpenMax, keptVeiledMax)) : undefined;
    this.#veil = new MemoryVeil(randomBytes);
    this.#tableNames = () => options.store.tables();
    this.#base = options.store;
    this.#seal = check.seal;
    this.#check = check;
    this.#randomBytes = randomBytes;
    this.#tables = new TableRows(tables);
    this.#damaged = damaged ?? (() => undefined);
  }

  /** @returns undefined also for a losable record that is damaged */
  get<T>(table: Table<T>, id: string): Promise<Versioned<T> | undefined> {
    const opened = this.#unchanged(this.#keptOpen(table), table, id);
    return opened === undefined ? this.#get(table, id) : Promise.resolve(opened as Versioned<T>);
  }

  known<T>(table: Table<T>, id: string): Versioned<T> | undefined {
    const opened = this.#unchanged(this.#keptOpen(table), table, id);
    if (opened !== undefined) return opened as Versioned<T>;
    const veiled = this.#unchanged(this.#keptVeiled(table), table, id);
    return veiled && this.#unveiled(table, veiled);
  }

  async #get<T>(table: Table<T>, id: string): Promise<Versioned<T> | undefined> {
    try {
      const opened = await this.#inMemory(this.#keptOpen(table), table, id);
      if (opened !== undefined) return opened as Versioned<T>;
      const veil = this.#keptVeiled(table);
      const veiled = this.#unchanged(veil, table, id) ?? (await this.#inMemory(veil, table, id));
      if (veiled !== undefined) return this.#unveiled(table, veiled);
      const record = await this.#store.get(table.name, id);
      return record && this.#open(table, record, veil);
    } catch (error) {
      this.#lost(table, error);
      return undefined;
    }
  }

  /** What is left out does not make the list shorter than `limit`: a short list is the end, here as in every store. */
  async list<T>(table: Table<T>, options: StateListOptions = {}): Promise<readonly Versioned<T>[]> {
    const { damaged, limit = listLimitMax, ...range } = options;
    const opened = this.#unchangedList(table, range, limit) ?? (await this.#openedList(table, { limit, ...range }));
    if (opened !== undefined) return opened;
    const intact: Versioned<T>[] = [];
    let isWhole = range.after === undefined;
    for (let { after } = range; ;) {
      const wanted = limit - intact.length;
      const page = await this.#store.list(table.name, {
        ...range,
        limit: wanted,
        ...(after === undefined ? {} : { after }),
      });
      const before = intact.length;
      for (const record of page.records) intact.push(...this.#listed(table, record, damaged));
      if (intact.length - before < page.records.length) isWhole = false;
      after = page.end;
      invariant(options.limit !== undefined || after === undefined, 'whoever asks without a limit gets all');
      if (isWhole && after === undefined) this.#keptOpen(table)?.checked(table.name, range.prefix);
      if (after === undefined || intact.length === limit) return intact;
    }
  }

  markOf({ name }: Pick<Table<never>, 'name'>, id: string): object | undefined {
    return this.#opened && this.#store.headOf(name, id);
  }

  markOfAll(): object | undefined {
    return this.#opened && this.#store.markOfAll;
  }

  async commit(commit: StateCommit): Promise<void> {
    const expected = commit.expect?.map(({ table, id, expect }) => ({ table: table.name, id, expect }));
    const nonces = this.#seal.nonces(commit.write.length);
    const write = commit.write.map((one, index) => this.#sealed(one, nonces[index]));
    const { adds = false } = commit;
    await this.#store.commit({ write, ...(expected && { expect: expected }), ...(adds && { adds }) });
  }

  /** Counts the commits of the whole state. */
  get position(): number {
    return this.#store.position;
  }

  /** The one that seals now. */
  get rootKey(): RootKey {
    return this.#check.rootKey;
  }

  /** What records may be sealed under besides: another root key is taking its place. */
  get oldRootKey(): RootKey | undefined {
    return this.#check.oldRootKey;
  }

  /** Hex: what a root key is known by in this state. */
  nameOf(rootKey: RootKey): string {
    return rootKey.nameFor(this.#check.storeId);
  }

  /** Seals every record under another root key, or goes on with that; others read and commit meanwhile. Called once at a time.
   *
   * Order: the check says so (from here on the old key alone opens nothing) → all records are sealed anew, and what leads to them → what they were
   * is overwritten on disk → whoever begins it says that it may end → the check says that it is done (from here on the new key alone opens everything).
   * @returns undefined when that key has sealed everything already
   * @throws NotResealedError, SealedRecordError when digests are damaged, StorageFullError, AnchorError */
  async reseal(next: RootKey, { progress, mayEnd }: ResealSteps = {}): Promise<ResealCounts | undefined> {
    const { storeId, rootKey, oldRootKey } = this.#check;
    const isBegun = rootKey.nameFor(storeId) === next.nameFor(storeId);
    if (isBegun && oldRootKey === undefined) return undefined;
    invariant(isBegun || oldRootKey === undefined, 'what was begun with another root key is ended first');
    this.#store.owners(); // refused before anything is written
    if (!isBegun) this.#check = await beginResealing(this.#base, this.#check, next);
    const counts = await resealAll({ store: this.#base, verified: this.#store, seal: this.#seal }, progress);
    await this.#store.compact();
    await mayEnd?.();
    this.#check = await endResealing(this.#base, this.#check);
    return counts;
  }

  /** All records but those of the tables that are left out, sealed as they are. Others may commit meanwhile: `position` tells.
   * @throws SealedRecordError */
  copy(isLeftOut: (table: string) => boolean): Promise<StateCopy> {
    const isOther = (table: string): boolean => table === checkTable || treeTables.includes(table) || isLeftOut(table);
    return copyRecords({ store: this.#store, tables: this.#tableNames }, isOther);
  }

  /** What a commit writes that makes the state as it was copied. @throws SealedRecordError */
  async writesBackTo(copy: StateCopy, isLeftOut: (table: string) => boolean): Promise<readonly StateWrite[]> {
    const current = await this.copy(isLeftOut);
    return writesBack(copy, current, (record) => parseJson(this.#seal.open(record).toString('utf8')));
  }

  /** Leaves no replaced or deleted value behind on disk: for a change of custody. */
  compact(): Promise<void> {
    return this.#store.compact();
  }

  /** Closes the store too. */
  async close(): Promise<void> {
    await this.#store.close();
    this.#opened?.clear();
    this.#veiled?.clear();
    this.#seal.close();
  }

  #keptOpen(table: Table<unknown>): KeptRecords<Versioned<unknown>> | undefined {
    return this.#tables.isKeptOpen(table.name) ? this.#opened : undefined;
  }

  #keptVeiled(table: Table<unknown>): KeptRecords<VeiledRecord> | undefined {
    return this.#tables.isKeptVeiled(table.name) ? this.#veiled : undefined;
  }

  #unveiled<T>(table: Table<T>, { id, version, veiled }: VeiledRecord): Versioned<T> {
    const plain = this.#veil.unveil(veiled);
    const text = plain.toString('utf8');
    zeroBytes(plain);
    return { id, version, value: table.parse(parseJson(text)) };
  }

  /** @returns undefined unless it is there, and nothing that its owner has was written since it was looked for */
  #unchanged<Whole extends { readonly id: string; readonly version: number }>(
    kept: KeptRecords<Whole> | undefined,
    { name }: Table<unknown>,
    id: string,
  ): Whole | undefined {
    return kept?.sameSince(this.#store.markOfAll, () => this.#store.headOf(name, id), name, id);
  }

  /** @returns undefined unless it is there, and current */
  async #inMemory<Whole extends { readonly id: string; readonly version: number }>(
    kept: KeptRecords<Whole> | undefined,
    table: Table<unknown>,
    id: string,
  ): Promise<Whole | undefined> {
    const head = kept && this.#store.headOf(table.name, id);
    if (kept === undefined || head === undefined) return undefined;
    const marks = { all: this.#store.markOfAll, head };
    const current = await this.#store.entryOf(table.name, id);
    return current && kept.get(table.name, id, current, marks);
  }

  /** @returns undefined unless it was put together since anything was written */
  #unchangedList<T>(
    table: Table<T>,
    { prefix = '', after }: StateListOptions,
    limit: number,
  ): readonly Versioned<T>[] | undefined {
    if (after !== undefined) return undefined;
    const found = this.#keptOpen(table)?.listSince(this.#store.markOfAll, table.name, prefix, limit);
    return found as readonly Versioned<T>[] | undefined;
  }

  /** @returns undefined unless all of it is in memory */
  async #openedList<T>(
    table: Table<T>,
    range: StateListOptions & { readonly limit: number },
  ): Promise<readonly Versioned<T>[] | undefined> {
    const kept = this.#keptOpen(table);
    if (kept?.isChecked(table.name, range.prefix) !== true || range.after !== undefined) return undefined;
    const { markOfAll } = this.#store;
    const entries = await this.#store.entriesOf(table.name, range);
    if (entries === undefined) return undefined;
    const opened: Versioned<T>[] = [];
    for (const [id, entry] of entries) {
      const record = kept.get(table.name, id, entry);
      if (record === undefined) return undefined;
      opened.push(record as Versioned<T>);
    }
    kept.keepList(markOfAll, table.name, range.prefix ?? '', opened);
    return opened;
  }

  #listed<T>(table: Table<T>, record: VerifiedRecord, damaged: StateListOptions['damaged']): readonly Versioned<T>[] {
    try {
      if (record instanceof SealedRecordError) throw record;
      return [this.#open(table, record)];
    } catch (error) {
      try {
        this.#lost(table, error);
      } catch (fatal) {
        if (damaged === undefined || !(fatal instanceof SealedRecordError)) throw fatal;
        damaged(fatal);
      }
      return [];
    }
  }

  /** Tells of a damaged record. @throws the error unless it may be lost */
  #lost(table: Table<unknown>, error: unknown): void {
    if (!(error instanceof SealedRecordError)) throw error;
    const name = `${error.table}/${error.id}`;
    if (!this.#told.has(name)) {
      if (this.#told.size >= toldMax) this.#told.clear();
      this.#told.add(name);
      this.#damaged(error);
    }
    if (!this.#tables.isLosable(table.name)) throw error;
  }

  /** @param veil keeps it, too */
  #open<T>(table: Table<T>, record: StoredRecord, veil?: KeptRecords<VeiledRecord>): Versioned<T> {
    try {
      const plain = this.#seal.open(record);
      const { id, version } = record;
      const opened = { id, version, value: parsed(table, record, plain.toString('utf8')) };
      this.#keptOpen(table)?.keep(table.name, tagOf(record.value), opened);
      if (plain.length <= keptVeiledBytesMax)
        veil?.keep(table.name, tagOf(record.value), { id, version, veiled: this.#veil.veil(plain) });
      return opened;
    } catch (error) {
      if (error instanceof SealedRecordError) this.#store.forgive(record.table, record.id, record);
      throw error;
    }
  }

  #sealed({ table, id, expect, put }: StateWrite, nonce: Uint8Array | undefined): RecordWrite {
    if (put === null) return { table: table.name, id, expect, put: null };
    const text = JSON.stringify(put) as string | undefined;
    invariant(text !== undefined, 'a record is JSON');
    table.parse(parseJson(text)); // what cannot be read again is not written
    const version = expect === null ? this.#firstVersion() : versionAfter(expect);
    const value = this.#seal.seal({ table: table.name, id, version, value: Buffer.from(text) }, nonce);
    return { table: table.name, id, expect, put: { version, value } };
  }

  /** A record made again after a delete does not repeat the versions of the old one, so neither a writer that read
   * the old one nor an old copy of it can pass for current. 48 bits leave 2^52 writes. */
  #firstVersion(): number {
    return Buffer.from(this.#randomBytes(6)).readUIntBE(0, 6) + 1;
  }
}

function parsed<T>(table: Table<T>, { id }: StoredRecord, text: string): T {
  try {
    return table.parse(parseJson(text));
  } catch (cause) {
    throw new SealedRecordError(table.name, id, 'unreadable', { cause });
  }
}

function parseJson(text: string): Json {
  return JSON.parse(text) as Json;
}
