import { StorageFullError } from '../../base/storage-full.ts';
import { SealedRecordError } from '../record-seal.ts';
import type { RecordCommit, RecordExpectation, RecordWrite, StateStore } from '../state-store.ts';
import { StateConflictError } from '../state-store.ts';
import type { TableRows } from '../table-rows.ts';
import type { StateAnchor } from './anchor.ts';
import { rebuildOwner } from './build-trees.ts';
import type { TreeEdit } from './tree-edit.ts';
import { keyOf, tagOf } from './tree-page.ts';
import { pointOf, treeTables } from './tree-records.ts';
import type { Heads, Lineage, TreeState } from './tree-state.ts';

export interface VerifiedStoreParts {
  readonly store: StateStore;
  readonly trees: TreeState;
  readonly heads: Heads;
  readonly tables: TableRows;
  readonly anchor: StateAnchor | undefined;
}

/** What the digests say of a record. */
export interface Said {
  readonly table: string;
  readonly id: string;
}

interface Waiting {
  readonly commit: RecordCommit;
  /** The pages that say something of these are sealed anew, whatever lies in the store. */
  readonly said: readonly Said[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const isAdding = ({ commit }: Waiting): boolean => commit.adds === true;
const isResealing = ({ commit }: Waiting): boolean => commit.reseals === true;

/** Another handle of the same store may write in between, so often. */
const attemptsMax = 8;

/** Makes one durable commit of all that came in while the last one was made: the records, the pages that lead to them, the heads of
 * their owners and the top. What a commit expects is held against the digests, so the store never decides what is current.
 * Order: one commit of the store → the anchor → whoever waits is told. */
export class CommitGroups {
  readonly #parts: VerifiedStoreParts;
  /** Losable records that are damaged: the version that lies in the store. */
  readonly #forgiven = new Map<string, number | null>();
  #heads: Heads;
  #markOfAll: object = {};
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #making: Promise<void> | undefined;

  constructor(parts: VerifiedStoreParts) {
    this.#parts = parts;
    this.#heads = parts.heads;
  }

  get heads(): Heads {
    return this.#heads;
  }

  /** Stays the same while heads change that belong to owners whose records may be lost, and no others. */
  get markOfAll(): object {
    return this.#markOfAll;
  }

  /** One that reseals is made though it writes no record: the top is sealed anew with each. */
  add(commit: RecordCommit, said: readonly Said[] = []): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, said, resolve, reject });
      this.#running ??= new Promise<void>((begin) => setImmediate(begin)).then(() => this.#run());
    });
  }

  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  forgive(table: string, id: string, version: number | null): void {
    if (this.#forgiven.size >= 10_000) this.#forgiven.clear();
    this.#forgiven.set(keyOf(table, id), version);
  }

  /** Whether the state has gone on since; waits for a commit under way. */
  async movedFrom(heads: Heads): Promise<boolean> {
    await this.#making;
    return this.#heads !== heads || this.#reloaded();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      // What fails besides, as reading the state again after a refusal, also has somebody who waits for it.
      this.#making = this.#make(group).catch((error: unknown) => {
        for (const { reject } of group) reject(error);
      });
      await this.#making;
    }
    this.#running = undefined;
  }

  /** When the store refuses what the digests allow, the members are tried one by one: the damage of one is not the others'. */
  async #make(group: readonly Waiting[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#commit(group);
        return;
      } catch (error) {
        if (error instanceof LostOwner && attempt < attemptsMax) {
          this.#moveTo(await rebuildOwner(this.#parts, this.#heads, error.owner));
          await this.#parts.anchor?.advance(pointOf(this.#heads.top));
          continue;
        }
        if (error instanceof StorageFullError && group.some(isAdding) && !group.every(isAdding)) {
          for (const { reject } of group.filter(isAdding)) reject(error);
          await this.#make(group.filter((one) => !isAdding(one)));
          return;
        }
        if (!(error instanceof StateConflictError)) {
          for (const { reject } of group) reject(error);
          return;
        }
        const { table, id } = error;
        if (attempt < attemptsMax && (await this.#reloaded())) continue;
        if (group.length > 1) {
          for (const one of group) await this.#make([one]);
          return;
        }
        const kind = treeTables.includes(table) ? 'unverified' : 'old';
        for (const { reject } of group) reject(new SealedRecordError(table, id, kind));
        return;
      }
    }
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const { store, trees, anchor } = this.#parts;
    await anchor?.ready();
    const edits = new Map<string, TreeEdit>();
    const writes = new Map<string, RecordWrite>();
    const outcomes: (() => void)[] = [];
    for (const one of group) {
      const refused = await this.#apply(one, edits, writes);
      outcomes.push(refused === undefined ? one.resolve : () => one.reject(refused));
    }
    const written = [...writes.values()].filter(({ expect, put }) => expect !== null || put !== null);
    const reseals = group.some(isResealing);
    if (written.length > 0 || reseals) {
      const { top } = this.#heads;
      const lineage = anchor === undefined ? carried(top) : { anchored: true, lineage: [pointOf(top)] };
      const change = await trees.change(this.#heads, edits, lineage);
      // On a full disk what adds is refused; the others are then made without it, of the room that is kept for them.
      await store.commit({
        write: [...written, ...change.writes],
        ...(group.some(isAdding) && { adds: true }),
        ...(reseals && { reseals }),
      });
      trees.keep(change);
      for (const key of writes.keys()) this.#forgiven.delete(key);
      this.#moveTo(change.heads, [...edits.keys()]);
      await anchor?.advance(pointOf(change.heads.top));
    }
    // Not before: when the store refuses, all of it is tried anew.
    for (const tell of outcomes) tell();
  }

  /** @returns why the commit is not made; then nothing of it is in `edits` */
  async #apply(
    { commit, said }: Waiting,
    edits: Map<string, TreeEdit>,
    writes: Map<string, RecordWrite>,
  ): Promise<Error | undefined> {
    for (const expectation of [...(commit.expect ?? []), ...commit.write]) {
      const refused = await this.#refusal(expectation, edits);
      if (refused !== undefined) return refused;
    }
    for (const { table, id } of said) {
      const unread = await this.#sayAgain(table, id, edits);
      if (unread !== undefined) return unread;
    }
    for (const { table, id, expect, put } of commit.write) {
      const key = keyOf(table, id);
      await this.#edit(table, id, edits).set(key, put && { version: put.version, tag: tagOf(put.value) });
      const [earlier, lying] = [writes.get(key), this.#forgiven.get(key)];
      const inStore = earlier === undefined ? (lying === undefined ? expect : lying) : earlier.expect;
      writes.set(key, { table, id, expect: inStore, put });
    }
    return undefined;
  }

  async #sayAgain(table: string, id: string, edits: Map<string, TreeEdit>): Promise<SealedRecordError | undefined> {
    const key = keyOf(table, id);
    try {
      const edit = this.#edit(table, id, edits);
      const entry = await edit.find(key);
      if (entry !== undefined) await edit.set(key, entry);
      return undefined;
    } catch (error) {
      if (error instanceof SealedRecordError) return error;
      throw error;
    }
  }

  async #refusal({ table, id, expect }: RecordExpectation, edits: Map<string, TreeEdit>): Promise<Error | undefined> {
    if (this.#heads.owners.get(this.#parts.tables.ownerOf(table, id)) === 'damaged')
      return new SealedRecordError(table, id, 'unverified');
    try {
      const found = (await this.#edit(table, id, edits).find(keyOf(table, id)))?.version ?? null;
      if (found === expect || (expect === null && this.#forgiven.has(keyOf(table, id)))) return undefined;
      return new StateConflictError(table, id);
    } catch (error) {
      if (!(error instanceof SealedRecordError)) throw error;
      const owner = this.#parts.tables.ownerOf(table, id);
      if (this.#parts.tables.isLosableOwner(owner)) throw new LostOwner(owner);
      return new SealedRecordError(table, id, 'unverified', { cause: error });
    }
  }

  #edit(table: string, id: string, edits: Map<string, TreeEdit>): TreeEdit {
    const owner = this.#parts.tables.ownerOf(table, id);
    const head = this.#heads.owners.get(owner);
    const edit = edits.get(owner) ?? this.#parts.trees.edit(owner, head === 'damaged' ? undefined : head);
    edits.set(owner, edit);
    return edit;
  }

  /** Another handle of the same store may have written. */
  async #reloaded(): Promise<boolean> {
    const before = this.#heads;
    const top = await this.#parts.trees.records.top();
    if (top === undefined || top.version <= before.top.version) return false;
    this.#moveTo(await this.#parts.trees.loadHeads());
    return true;
  }

  /** @param owners whose records were read or written for it; without them nobody knows */
  #moveTo(heads: Heads, owners?: readonly string[]): void {
    const from = this.#heads;
    this.#heads = heads;
    const isLost = (owner: string): boolean => this.#parts.tables.isLosableOwner(owner);
    const isSame = (owner: string): boolean => heads.owners.get(owner) === from.owners.get(owner);
    if (owners?.every((owner) => isSame(owner) || isLost(owner)) !== true) this.#markOfAll = {};
  }
}

/** The digests of an owner whose records may be lost are damaged: they are made anew. */
class LostOwner extends Error {
  override readonly name = 'LostOwner';
  constructor(readonly owner: string) {
    super(`The digests of ${owner} are damaged.`);
  }
}

/** Without an anchor the points are carried on where one may still stand. */
function carried(top: Heads['top']): Lineage {
  if (!top.anchored) return { anchored: false, lineage: top.lineage };
  return { anchored: false, lineage: [...top.lineage, pointOf(top)] };
}
