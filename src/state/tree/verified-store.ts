import { checkCommit, checkListOptions } from '../record-rules.ts';
import type { RecordDamage } from '../record-seal.ts';
import { SealedRecordError } from '../record-seal.ts';
import type { ListOptions, RecordCommit, RecordWrite, StoredRecord } from '../state-store.ts';
import type { Said, VerifiedStoreParts } from './commit-groups.ts';
import { CommitGroups } from './commit-groups.ts';
import type { Entry, LeafItem } from './tree-page.ts';
import { compareKeys, keyOf, tagOf } from './tree-page.ts';
import { entriesIn, findEntry, pagesIn } from './tree-reader.ts';
import { headId, headTable, ownerOfHead, pageTable, topOwner } from './tree-records.ts';
import type { Heads } from './tree-state.ts';

/** A record as it was written last, or why it is not. */
export type VerifiedRecord = StoredRecord | SealedRecordError;

export interface VerifiedPage {
  readonly records: readonly VerifiedRecord[];
  /** There may be more after this id; undefined: that is all. */
  readonly end: string | undefined;
}

/** While others commit, what was read may be older or newer than the digests; then it is read again, so often. */
const attemptsMax = 8;

/** Sealed records, each held against the digest tree of its owner: an old one that was put back, one that was removed and one that came
 * back are refused by name. Reading costs the pages between the root and the record that are not in memory. */
export class VerifiedStore {
  readonly #parts: VerifiedStoreParts;
  readonly #groups: CommitGroups;

  constructor(parts: VerifiedStoreParts) {
    this.#parts = parts;
    this.#groups = new CommitGroups(parts);
  }

  /** @throws SealedRecordError */
  async get(table: string, id: string): Promise<StoredRecord | undefined> {
    const owner = this.#parts.tables.ownerOf(table, id);
    for (let attempt = 1; ; attempt += 1) {
      const { heads } = this.#groups;
      const record = await this.#parts.store.get(table, id);
      const damage = await this.#damageOf(heads, owner, table, id, record);
      if (damage === undefined) return record;
      if (attempt < attemptsMax && (await this.#groups.movedFrom(heads))) continue;
      this.forgive(table, id, record);
      throw new SealedRecordError(table, id, damage);
    }
  }

  /** The head of the record's owner, which is made anew with each commit that writes for it; undefined unless it can be read. */
  headOf(table: string, id: string): object | undefined {
    const head = this.#groups.heads.owners.get(this.#parts.tables.ownerOf(table, id));
    return head === 'damaged' ? undefined : head;
  }

  /** Another object from each commit on that writes for an owner whose records must not be lost. */
  get markOfAll(): object {
    return this.#groups.markOfAll;
  }

  /** What the digests say of a record now; undefined too when they cannot be read, which `get` says by name. */
  async entryOf(table: string, id: string): Promise<Entry | undefined> {
    const owner = this.#parts.tables.ownerOf(table, id);
    const head = this.#groups.heads.owners.get(owner);
    if (head === undefined || head === 'damaged') return undefined;
    return unlessSealed(() => findEntry(head.root, keyOf(table, id), this.#parts.trees.loader(owner)));
  }

  /** The same of a whole list, by id and in order; undefined too when it is longer than `limit`. */
  async entriesOf(table: string, options: ListOptions): Promise<ReadonlyMap<string, Entry> | undefined> {
    const { entries, unread, end } = await this.#entries(this.#groups.heads, table, checkListOptions(options));
    return unread.size > 0 || end !== undefined ? undefined : entries;
  }

  /** As `StateStore.list`; what is not as it was written stands in its place. Owners whose digests cannot be read count as one damaged
   * record each, since nobody knows what they had. */
  async list(table: string, options: ListOptions): Promise<VerifiedPage> {
    for (let attempt = 1; ; attempt += 1) {
      const { heads } = this.#groups;
      const listed = await this.#listOnce(heads, table, options);
      const damaged = listed.records.some((one) => one instanceof SealedRecordError);
      if (!damaged) return listed;
      if (attempt < attemptsMax && (await this.#groups.movedFrom(heads))) continue;
      return listed;
    }
  }

  /** @throws StateConflictError, SealedRecordError, AnchorError */
  commit(commit: RecordCommit): Promise<void> {
    checkCommit(commit);
    return this.#groups.add(commit);
  }

  /** Owners of records, in no order. @throws SealedRecordError when the digests of one are not those that were written last */
  owners(): readonly string[] {
    const { owners } = this.#groups.heads;
    for (const [owner, head] of owners)
      if (head === 'damaged') throw new SealedRecordError(headTable, headId(owner), 'unverified');
    return [...owners.keys()];
  }

  /** The first records of an owner after `after`, as the digests say, at most `limit`. @throws SealedRecordError */
  async saidOf(owner: string, after: string | undefined, limit: number): Promise<readonly (Said & { key: string })[]> {
    const head = this.#groups.heads.owners.get(owner);
    if (head === 'damaged') throw new SealedRecordError(headTable, headId(owner), 'unverified');
    const range = { prefix: '', after, limit };
    const items = await entriesIn(head?.root, range, this.#parts.trees.loader(owner));
    return items.map(({ key }) => {
      const [table = '', id = ''] = key.split('\0');
      return { key, table, id };
    });
  }

  /** Seals records anew, whose values stay, and what leads to them; and what leads to those that are only `said`, since they do not open.
   * @throws StateConflictError, SealedRecordError, AnchorError */
  reseal(write: readonly RecordWrite[], said: readonly Said[]): Promise<void> {
    const commit = { write, reseals: true };
    checkCommit(commit);
    return this.#groups.add(commit, said);
  }

  /** Whether what lies at a place of the digests is what is read there now. */
  async isInUse({ table, id, value }: StoredRecord): Promise<boolean> {
    const { heads } = this.#groups;
    const tag = tagOf(value);
    if (table === headTable) {
      const head = id === headId(topOwner) ? heads.top : heads.owners.get(ownerOfHead(id));
      return head !== 'damaged' && head?.tag === tag;
    }
    if (table !== pageTable) return (await this.entryOf(table, id))?.tag === tag;
    const at = id.lastIndexOf('/');
    const owner = id.slice(0, at);
    const head = owner === topOwner ? heads.top : heads.owners.get(owner);
    if (head === undefined || head === 'damaged') return false;
    const refs = await pagesIn(head.root, this.#parts.trees.loader(owner));
    return refs.some((ref) => ref.page === Number(id.slice(at + 1)) && ref.tag === tag);
  }

  /** Counts the commits of the whole state. */
  get position(): number {
    return this.#groups.heads.top.version;
  }

  compact(): Promise<void> {
    return this.#parts.store.compact();
  }

  async close(): Promise<void> {
    await this.#groups.idle();
    await this.#parts.store.close();
    this.#parts.anchor?.close();
  }

  /** A losable record that is damaged counts as absent for the next who writes it. @param stored what lies there now */
  forgive(table: string, id: string, stored: StoredRecord | undefined): void {
    if (this.#parts.tables.isLosable(table)) this.#groups.forgive(table, id, stored?.version ?? null);
  }

  async #damageOf(heads: Heads, owner: string, table: string, id: string, record: StoredRecord | undefined) {
    const head = heads.owners.get(owner);
    if (head === 'damaged') return 'unverified';
    try {
      const entry = await findEntry(head?.root, keyOf(table, id), this.#parts.trees.loader(owner));
      return damageBetween(entry, record);
    } catch (error) {
      if (error instanceof SealedRecordError) return 'unverified';
      throw error;
    }
  }

  async #listOnce(heads: Heads, table: string, options: ListOptions): Promise<VerifiedPage> {
    const { prefix, after, limit } = checkListOptions(options);
    const records = await this.#parts.store.list(table, options);
    const { entries, unread, end } = await this.#entries(heads, table, { prefix, after, limit });
    // Beyond the end of the shorter of the two there is nothing to hold the other against.
    const recordsEnd = records.length < limit ? undefined : records.at(-1)?.id;
    const last =
      end === undefined ? recordsEnd : recordsEnd === undefined || compareKeys(end, recordsEnd) < 0 ? end : recordsEnd;
    const isInside = (id: string): boolean => last === undefined || compareKeys(id, last) <= 0;
    const stored = new Map(records.map((record) => [record.id, record]));
    const ids = [...new Set([...stored.keys(), ...entries.keys()])].filter(isInside).toSorted(compareKeys);
    const listed = ids.map((id): VerifiedRecord => {
      const record = stored.get(id);
      const damage = unread.has(this.#parts.tables.ownerOf(table, id))
        ? 'unverified'
        : damageBetween(entries.get(id), record);
      if (damage === undefined && record !== undefined) return record;
      this.forgive(table, id, record);
      return new SealedRecordError(table, id, damage ?? 'gone');
    });
    const unreadable = [...unread].map((owner) => new SealedRecordError(table, `of ${owner}`, 'unverified'));
    return { records: [...unreadable, ...listed], end: last };
  }

  /** What the trees of all owners that may have records there say, by id. `end`: up to where, when that is not all. */
  async #entries(heads: Heads, table: string, range: { prefix: string; after: string | undefined; limit: number }) {
    const { prefix, after, limit } = range;
    const keys = { prefix: keyOf(table, prefix), after: after === undefined ? undefined : keyOf(table, after), limit };
    const found: LeafItem[] = [];
    const unread = new Set<string>();
    const mayHave = this.#parts.tables.ownersWithin(table, prefix);
    for (const [owner, head] of heads.owners) {
      if (!mayHave(owner)) continue;
      try {
        if (head === 'damaged') unread.add(owner);
        else found.push(...(await entriesIn(head.root, keys, this.#parts.trees.loader(owner))));
      } catch (error) {
        if (!(error instanceof SealedRecordError)) throw error;
        unread.add(owner);
      }
    }
    const nearest = found.toSorted((left, right) => compareKeys(left.key, right.key)).slice(0, limit);
    const entries = new Map<string, Entry>(nearest.map((item) => [item.key.slice(table.length + 1), item]));
    const end = nearest.length < limit ? undefined : nearest.at(-1)?.key.slice(table.length + 1);
    return { entries, unread, end };
  }
}

async function unlessSealed<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof SealedRecordError) return undefined;
    throw error;
  }
}

function damageBetween(entry: Entry | undefined, record: StoredRecord | undefined): RecordDamage | undefined {
  if (entry === undefined) return record === undefined ? undefined : 'back';
  if (record === undefined) return 'gone';
  return entry.version === record.version && entry.tag === tagOf(record.value) ? undefined : 'old';
}
