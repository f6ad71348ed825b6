import { RecentMap } from '../base/recent-map.ts';

/** What stands for the records that a result came from: `State.markOf` of each. */
export type Marks = readonly (object | undefined)[];

interface Kept<T> {
  readonly marks: Marks;
  readonly value: T;
  /** `State.markOfAll` when the marks were last compared. */
  all?: object | undefined;
}

/** Results that were worked out of records, each good as long as no owner of these records has changed. Marks are read before the first
 * record is: then a result of records that changed meanwhile is never found again. They are so many; what nobody asks for goes first. */
export class WhileUnchanged<K, T> {
  readonly #markOfAll: () => object | undefined;
  readonly #kept: RecentMap<K, Kept<T>>;

  /** @param markOfAll of the state that all marks are of: as long as it is the same, no mark is read. Default: they always are */
  constructor(entriesMax: number, markOfAll: () => object | undefined = () => undefined) {
    this.#kept = new RecentMap(entriesMax);
    this.#markOfAll = markOfAll;
  }

  /** @param marks reads those of now, in the same order as they were kept, of the records that the value came from */
  get(key: K, marks: (value: T) => Marks): T | undefined {
    const found = this.#kept.get(key);
    if (found === undefined) return undefined;
    const all = this.#markOfAll();
    if (all !== undefined && found.all === all) return found.value;
    found.all = all;
    if (areSame(found.marks, marks(found.value))) return found.value;
    this.#kept.delete(key);
    return undefined;
  }

  /** @param marks as they were before the first record was read; nothing is kept where one is missing */
  keep(key: K, marks: Marks, value: T): void {
    if (marks.length === 0 || marks.includes(undefined)) return;
    this.#kept.set(key, { marks, value });
  }

  delete(key: K): void {
    this.#kept.delete(key);
  }
}

const areSame = (left: Marks, right: Marks): boolean =>
  left.length === right.length && left.every((mark, index) => mark !== undefined && mark === right[index]);
