import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { MonotonicMs } from '../../clock/monotonic-clock.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import { clusterKeyTable, withoutReplacing } from '../../encryption/cluster-key-state.ts';
import { listIntact } from '../../state/list-all.ts';
import type { State, StateWrite, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { KeyTodos } from './key-todos.ts';
import type { ClusterKeysOptions } from './ports.ts';

/** The mark that the record of a key bears while a change of custody lays out the catalog. */
export class CustodyMarks {
  readonly #options: Pick<ClusterKeysOptions, 'state' | 'monotonic' | 'randomBytes'>;
  readonly #todos: KeyTodos;

  constructor(options: Pick<ClusterKeysOptions, 'state' | 'monotonic' | 'randomBytes'>, todos: KeyTodos) {
    this.#options = options;
    this.#todos = todos;
  }

  /** From here until the change ends no process adds a DEK: what the catalog holds now is all there is to wrap anew. Whether it is
   * committed or not, something is to be cleared away afterwards.
   * @returns undefined when the record has changed */
  async put(before: Versioned<ClusterKeyRecord>): Promise<Guid | undefined> {
    const { state, monotonic, randomBytes } = this.#options;
    const change = newGuid(randomBytes);
    const marked = { ...before.value, replacing: { since: monotonic.moment(), change } };
    const compact = await this.#todos.compactLater(before.value.clusterId);
    const write = [writeRecord(clusterKeyTable, before.id, before.version, marked), compact];
    return (await tryCommit(state, write)) ? change : undefined;
  }

  /** Takes off the marks of changes that an earlier server did not end: nobody waits for them. A change of another server that
   * is alive cannot be committed any more then, and has to be asked for again. */
  async endInterrupted(startedAt: MonotonicMs): Promise<void> {
    const { state, monotonic } = this.#options;
    for (const { value } of await listIntact(state, clusterKeyTable)) {
      const age = value.replacing && (monotonic.since(value.replacing.since) ?? Infinity);
      if (age !== undefined && age > monotonic.now() - startedAt)
        await this.takeOff(value.clusterId, value.replacing?.change);
    }
  }

  /** Another change's mark stays. */
  async takeOff(clusterId: Guid, mark: Guid | undefined): Promise<void> {
    const { state } = this.#options;
    for (;;) {
      const found = await state.get(clusterKeyTable, clusterId);
      if (found?.value.replacing === undefined || found.value.replacing.change !== mark) return;
      const write = [writeRecord(clusterKeyTable, clusterId, found.version, withoutReplacing(found.value))];
      if (await tryCommit(state, write)) return;
    }
  }
}

async function tryCommit(state: State, write: readonly StateWrite[]): Promise<boolean> {
  try {
    await state.commit({ write });
    return true;
  } catch (error) {
    if (error instanceof StateConflictError) return false;
    throw error;
  }
}
