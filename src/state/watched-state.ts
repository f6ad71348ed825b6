import type { State, StateWrite } from './state.ts';

/** Hears of writes that are durable. A commit is acknowledged when all listeners have ended; what they throw is lost on it. */
export type CommitListener = (write: readonly StateWrite[]) => Promise<void>;

export interface WatchedState {
  readonly state: State;
  /** For whoever commits past `state`, and must be able to commit again while listeners work. Ends when all of them have. */
  readonly tell: CommitListener;
  /** @returns unsubscribe */
  readonly onCommit: (listener: CommitListener) => () => void;
}

/** A state whose commits are told to others before whoever made them goes on: nobody who writes has to think of it. */
export function watchState(state: State): WatchedState {
  const listeners = new Set<CommitListener>();
  const tell: CommitListener = async (write) => {
    await Promise.allSettled([...listeners].map((listener) => listener(write)));
  };
  return {
    tell,
    state: {
      get: (table, id) => state.get(table, id),
      known: (table, id) => state.known?.(table, id),
      list: (table, options) => state.list(table, options),
      markOf: (table, id) => state.markOf?.(table, id),
      markOfAll: () => state.markOfAll?.(),
      async commit(commit) {
        await state.commit(commit);
        await tell(commit.write);
      },
    },
    onCommit: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
