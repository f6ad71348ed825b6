/** What stands for the records that a result came from: `State.markOf` of each. */
export type Marks = readonly (object | undefined)[];

interface Kept<T> {
  readonly marks: Marks;
  readonly value: T;
}

/** Results that were worked out of records, each good as long as no owner of these records has changed. Marks are read before the first
 * record is: then a result of records that changed meanwhile is never found again. The least recently used goes first. */
export class WhileUnchanged<K, T> {
  readonly #entriesMax: number;
  readonly #kept = new Map<K, Kept<T>>();

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  /** @param marks as they are now, in the same order as they were kept */
  get(key: K, marks: Marks): T | undefined {
    const found = this.#kept.get(key);
    if (found === undefined) return undefined;
    this.#kept.delete(key);
    if (!areSame(found.marks, marks)) return undefined;
    this.#kept.set(key, found);
    return found.value;
  }

  /** @param marks as they were before the first record was read; nothing is kept where one is missing */
  keep(key: K, marks: Marks, value: T): void {
    if (marks.length === 0 || marks.includes(undefined)) return;
    this.#kept.delete(key);
    this.#kept.set(key, { marks, value });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#entriesMax) break;
      this.#kept.delete(oldest);
    }
  }

  delete(key: K): void {
    this.#kept.delete(key);
  }
}

const areSame = (left: Marks, right: Marks): boolean =>
  left.length === right.length && left.every((mark, index) => mark !== undefined && mark === right[index]);
