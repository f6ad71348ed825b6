import type { Versioned } from '../state.ts';
import type { Entry } from '../tree/tree-page.ts';
import { keyOf } from '../tree/tree-page.ts';

interface Opened extends Entry {
  readonly record: Versioned<unknown>;
  /** The head of its owner when it was last held against the digests. */
  head?: object;
}

/** Records of some tables as they were opened, by the tag that sealed them: whoever has looked up which tag is current need not read, open
 * and check the record again. The least recently used goes first. What is handed out is frozen, since many have it. */
export class OpenedRecords {
  readonly #entriesMax: number;
  readonly #opened = new Map<string, Opened>();
  /** Lists that were read from the store since it was opened, with nothing in them that was removed or brought back. */
  readonly #checked = new Set<string>();

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  /** The record, if its owner's digests are those that it was held against before: nothing is looked up in them.
   * @param head of the owner, now */
  sameSince(head: object, table: string, id: string): Versioned<unknown> | undefined {
    const key = keyOf(table, id);
    const found = this.#opened.get(key);
    if (found?.head !== head) return undefined;
    this.#opened.delete(key);
    this.#opened.set(key, found);
    return found.record;
  }

  /** @param current what the digest tree says of the record now
   * @param head of that tree */
  get(table: string, id: string, current: Entry, head?: object): Versioned<unknown> | undefined {
    const key = keyOf(table, id);
    const found = this.#opened.get(key);
    if (found === undefined) return undefined;
    this.#opened.delete(key);
    if (found.version !== current.version || found.tag !== current.tag) return undefined;
    if (head !== undefined) found.head = head;
    this.#opened.set(key, found);
    return found.record;
  }

  keep(table: string, tag: string, record: Versioned<unknown>): void {
    const key = keyOf(table, record.id);
    this.#opened.delete(key);
    this.#opened.set(key, { record: frozen(record), version: record.version, tag });
    if (this.#opened.size <= this.#entriesMax) return;
    for (const oldest of this.#opened.keys()) {
      this.#opened.delete(oldest);
      return;
    }
  }

  /** A list that has not been looked at in the store is, once: only there is what was brought back. */
  isChecked(table: string, prefix = ''): boolean {
    return this.#checked.has(keyOf(table, prefix));
  }

  checked(table: string, prefix = ''): void {
    if (this.#checked.size >= this.#entriesMax) this.#checked.clear();
    this.#checked.add(keyOf(table, prefix));
  }

  clear(): void {
    this.#opened.clear();
    this.#checked.clear();
  }
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
