import type { RecordCommit } from './state-store.ts';

/** A commit of a group, and whoever waits for it. */
export interface WaitingCommit {
  readonly commit: RecordCommit;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Makes a group and tells each of it what came of its commit. Never rejects.
 * @param make begins at once; the outcome of each, undefined when it is durable. What it throws is the outcome of all */
export async function tellOutcomes(
  group: readonly WaitingCommit[],
  make: (commits: readonly RecordCommit[]) => Promise<readonly (Error | undefined)[]>,
): Promise<void> {
  try {
    const outcomes = await make(group.map(({ commit }) => commit));
    group.forEach(({ resolve, reject }, index) => {
      const failure = outcomes[index];
      if (failure === undefined) resolve();
      else reject(failure);
    });
  } catch (error) {
    for (const { reject } of group) reject(error);
  }
}
