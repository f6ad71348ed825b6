import { RecentMap } from '../../base/recent-map.ts';
import type { Entry } from '../tree/tree-page.ts';
import { keyOf } from '../tree/tree-page.ts';

interface Kept<Whole> extends Entry {
  readonly record: Whole;
  /** When it was last held against the digests. */
  marks?: DigestMarks;
}

/** What stands for digests: another object in place of one of these says that they have changed. */
export interface DigestMarks {
  /** Of all owners. */
  readonly all: object;
  /** Of the owner alone. */
  readonly head: object;
}

interface KeptList<Whole> {
  /** As in `DigestMarks`. */
  readonly all: object;
  readonly records: readonly Whole[];
}

/** Longer lists are put together anew. */
const listLengthMax = 64;
const listsMax = 1_024;

/** Records of some tables, opened or sealed, by the tag that sealed them: whoever has looked up which tag is current need not read (open)
 * and check the record again. What nobody asks for goes first. What is handed out is frozen, since many have it. */
export class KeptRecords<Whole extends { readonly id: string; readonly version: number }> {
  readonly #entriesMax: number;
  readonly #kept: RecentMap<string, Kept<Whole>>;
  /** Lists that were read from the store since it was opened, with nothing in them that was removed or brought back. */
  readonly #checked = new Set<string>();
  readonly #lists = new RecentMap<string, KeptList<Whole>>(listsMax);

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
    this.#kept = new RecentMap(entriesMax);
  }

  /** The record, if its owner's digests are those that it was held against before: nothing is looked up in them.
   * @param all of all owners, now
   * @param headOf the mark of its owner, now */
  sameSince(all: object, headOf: () => object | undefined, table: string, id: string): Whole | undefined {
    const key = keyOf(table, id);
    const found = this.#kept.get(key);
    if (found?.marks === undefined) return undefined;
    if (found.marks.all !== all) {
      const head = headOf();
      if (found.marks.head !== head) return undefined;
      found.marks = { all, head };
    }
    return found.record;
  }

  /** @param current what the digest tree says of the record now
   * @param marks of that tree */
  get(table: string, id: string, current: Entry, marks?: DigestMarks): Whole | undefined {
    const key = keyOf(table, id);
    const found = this.#kept.get(key);
    if (found === undefined) return undefined;
    if (found.version !== current.version || found.tag !== current.tag) {
      this.#kept.delete(key);
      return undefined;
    }
    if (marks !== undefined) found.marks = marks;
    return found.record;
  }

  keep(table: string, tag: string, record: Whole): void {
    this.#kept.set(keyOf(table, record.id), { record: frozen(record), version: record.version, tag });
  }

  /** A list that has not been looked at in the store is, once: only there is what was brought back. */
  isChecked(table: string, prefix = ''): boolean {
    return this.#checked.has(keyOf(table, prefix));
  }

  checked(table: string, prefix = ''): void {
    if (this.#checked.size >= this.#entriesMax) this.#checked.clear();
    this.#checked.add(keyOf(table, prefix));
  }

  /** The whole list, if nothing was written for anybody since it was put together.
   * @param all of all owners, now
   * @param limit the list is shorter */
  listSince(all: object, table: string, prefix: string, limit: number): readonly Whole[] | undefined {
    const found = this.#lists.get(keyOf(table, prefix));
    return found?.all === all && found.records.length < limit ? found.records : undefined;
  }

  /** @param all as it was before the first record was looked up
   * @param records all that there are, each as it is kept */
  keepList(all: object, table: string, prefix: string, records: readonly Whole[]): void {
    if (records.length <= listLengthMax)
      this.#lists.set(keyOf(table, prefix), { all, records: Object.freeze(records) });
  }

  clear(): void {
    this.#lists.clear();
    this.#kept.clear();
    this.#checked.clear();
  }
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
