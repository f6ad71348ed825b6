import type { RecordCommit } from '../state-store.ts';
import type { WaitingCommit } from '../waiting-commit.ts';
import { tellOutcomes } from '../waiting-commit.ts';

interface Waiting extends WaitingCommit {
  readonly bytes: number;
}

/** As much as goes over in one message; a single commit may be larger. */
const groupBytesMax = 16 * 1024 * 1024;

/** Hands commits that come in while others are under way to `make` as one group, one group at a time. */
export class GroupQueue {
  readonly #make: (commits: readonly RecordCommit[]) => Promise<readonly (Error | undefined)[]>;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  /** @param make the outcome of each; what it throws is the outcome of all */
  constructor(make: (commits: readonly RecordCommit[]) => Promise<readonly (Error | undefined)[]>) {
    this.#make = make;
  }

  add(commit: RecordCommit): Promise<void> {
    const bytes = commit.write.reduce((sum, { put }) => sum + (put?.value.byteLength ?? 0), 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, bytes, resolve, reject });
      this.#running ??= new Promise<void>((begin) => setImmediate(begin)).then(() => this.#run());
    });
  }

  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await tellOutcomes(this.#take(), this.#make);
    this.#running = undefined;
  }

  #take(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const one of this.#waiting) {
      bytes += one.bytes;
      if (count > 0 && bytes > groupBytesMax) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }
}
