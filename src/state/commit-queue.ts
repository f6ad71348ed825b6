import type { StorageFullError } from '../base/storage-full.ts';
import type { RecordCommit, StateConflictError } from './state-store.ts';
import type { WaitingCommit } from './waiting-commit.ts';
import { tellOutcomes } from './waiting-commit.ts';

/** Of one commit of a group; the others were made. */
export type CommitFailure = StateConflictError | StorageFullError;

/** Groups commits that come in while the event loop turns into one durable write. */
export class CommitQueue {
  readonly #apply: (commits: readonly RecordCommit[]) => readonly (CommitFailure | undefined)[];
  readonly #sync: () => Promise<void>;
  readonly #running = new Set<Promise<void>>();
  #waiting: WaitingCommit[] = [];

  /** @param apply checks and writes all of them, in order; the outcome of each, or throws for all
   * @param sync makes durable what was written before */
  constructor(
    apply: (commits: readonly RecordCommit[]) => readonly (CommitFailure | undefined)[],
    sync: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#apply = apply;
    this.#sync = sync;
  }

  add(commit: RecordCommit): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  /** Applies what waits, now; resolves when everybody has been told. */
  async drained(): Promise<void> {
    this.#flush();
    await Promise.all(this.#running);
  }

  #flush(): void {
    const group = this.#waiting;
    this.#waiting = [];
    if (group.length === 0) return;
    const run = this.#run(group).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Writes at once: before the first wait. */
  #run(group: readonly WaitingCommit[]): Promise<void> {
    return tellOutcomes(group, async (commits) => {
      const outcomes = this.#apply(commits);
      if (outcomes.includes(undefined)) await this.#sync();
      return outcomes;
    });
  }
}
