import { invariant } from '../base/invariant.ts';
import type { ListOptions, RecordCommit, StateStore, StoredRecord } from './state-store.ts';

/** Records that were written, or were to be, by `keyOf`. */
export interface Changes {
  readonly keys: ReadonlySet<string>;
  /** Those so far; from now on they are counted anew. */
  take(): readonly ChangedRecord[];
  end(): void;
}

export type ChangedRecord = Pick<StoredRecord, 'table' | 'id'>;

/** Commits waited for as long as they may; what was done meanwhile may have met some. */
export class HeldTooLongError extends Error {
  override readonly name = 'HeldTooLongError';
}

/** Calls `run` after so many milliseconds unless the returned function is called first. */
type StartTimer = (milliseconds: number, run: () => void) => () => void;

export const keyOf = ({ table, id }: ChangedRecord): string => `${table}\n${id}`;

/** A store whose commits can be made to wait for a moment, so that all that is read meanwhile is of one point in time; and that tells which
 * records were written. It has the only writer of the state, so it knows no kind of store. */
export class HeldStore implements StateStore {
  readonly #store: StateStore;
  readonly #changes = new Map<object, Set<string>>();
  #underWay = 0;
  #idle: (() => void) | undefined;
  /** While commits are held: what lets each go on. */
  #waiting: (() => void)[] | undefined;

  constructor(store: StateStore) {
    this.#store = store;
  }

  get(table: string, id: string): Promise<StoredRecord | undefined> {
    return this.#store.get(table, id);
  }

  list(table: string, options?: ListOptions): Promise<readonly StoredRecord[]> {
    return this.#store.list(table, options);
  }

  tables(): Promise<readonly string[]> {
    return this.#store.tables();
  }

  compact(): Promise<void> {
    return this.#store.compact();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** Those that wait go on in the order in which they came, before any other. */
  commit(commit: RecordCommit): Promise<void> {
    const waiting = this.#waiting;
    if (waiting === undefined) return this.#pass(commit);
    return new Promise((resolve, reject) => {
      waiting.push(() => void this.#pass(commit).then(resolve, reject));
    });
  }

  /** What a commit writes is told of before it may be there, and again when it is: whoever takes what was told in between loses nothing. */
  #pass(commit: RecordCommit): Promise<void> {
    this.#mark(commit);
    this.#underWay += 1;
    const ended = (): void => {
      this.#mark(commit);
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#idle?.();
    };
    const done = this.#store.commit(commit);
    done.then(ended, ended);
    return done;
  }

  #mark({ write }: RecordCommit): void {
    for (const keys of this.#changes.values()) for (const one of write) keys.add(keyOf(one));
  }

  /** Tells from now on which records are written. */
  watch(): Changes {
    const token = {};
    const keys = new Set<string>();
    this.#changes.set(token, keys);
    return {
      keys,
      take: () => {
        const found = [...keys].map((key) => {
          const at = key.indexOf('\n');
          return { table: key.slice(0, at), id: key.slice(at + 1) };
        });
        keys.clear();
        return found;
      },
      end: () => void this.#changes.delete(token),
    };
  }

  /** Works while no commit is under way, and none begins. Whoever commits waits so long at most; then commits go on, and the work has met them.
   * @throws HeldTooLongError when that was so, once the work has ended */
  async hold<T>(limitMs: number, startTimer: StartTimer, work: () => Promise<T>): Promise<T> {
    invariant(this.#waiting === undefined, 'commits are held once at a time');
    const waiting: (() => void)[] = [];
    this.#waiting = waiting;
    const isOver = (): boolean => this.#waiting !== waiting;
    let tellOver: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (tellOver = resolve));
    const release = (): void => {
      if (isOver()) return;
      this.#waiting = undefined;
      for (const pass of waiting) pass();
      tellOver();
    };
    const cancel = startTimer(limitMs, release);
    try {
      if (this.#underWay > 0) await Promise.race([new Promise<void>((resolve) => (this.#idle = resolve)), over]);
      this.#idle = undefined;
      const result = isOver() ? undefined : { of: await work() };
      if (isOver() || result === undefined)
        throw new HeldTooLongError('What was to be done between two commits took too long.');
      return result.of;
    } finally {
      cancel();
      release();
    }
  }
}
