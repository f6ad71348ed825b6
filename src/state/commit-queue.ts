import type { StorageFullError } from '../base/storage-full.ts';
import type { RecordCommit, StateConflictError } from './state-store.ts';

interface Waiting {
  readonly commit: RecordCommit;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Of one commit of a group; the others were made. */
export type CommitFailure = StateConflictError | StorageFullError;

/** Groups commits that come in while the event loop turns into one durable write. */
export class CommitQueue {
  readonly #apply: (commits: readonly RecordCommit[]) => readonly (CommitFailure | undefined)[];
  #waiting: Waiting[] = [];

  /** @param apply checks and writes all of them durably, in order; the outcome of each, or throws for all */
  constructor(apply: (commits: readonly RecordCommit[]) => readonly (CommitFailure | undefined)[]) {
    this.#apply = apply;
  }

  add(commit: RecordCommit): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  /** Applies what waits, now. */
  drained(): Promise<void> {
    this.#flush();
    return Promise.resolve();
  }

  #flush(): void {
    const group = this.#waiting;
    this.#waiting = [];
    if (group.length === 0) return;
    try {
      const outcomes = this.#apply(group.map(({ commit }) => commit));
      group.forEach(({ resolve, reject }, index) => {
        const conflict = outcomes[index];
        if (conflict === undefined) resolve();
        else reject(conflict);
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
