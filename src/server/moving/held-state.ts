import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import type { RootKey } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import type { StateStore } from '../../state/state-store.ts';
import { stateTables } from '../state-tables.ts';

/** The store stays open. */
export async function withState<T>(
  store: StateStore,
  rootKey: RootKey,
  work: (state: SealedState) => Promise<T>,
): Promise<T> {
  const kept: StateStore = {
    get: (table, id) => store.get(table, id),
    list: (table, options) => store.list(table, options),
    tables: () => store.tables(),
    commit: (commit) => store.commit(commit),
    compact: () => store.compact(),
    close: () => Promise.resolve(),
  };
  const options = { store: kept, rootKey, randomBytes: systemRandomBytes, tables: stateTables };
  const sealed = await SealedState.open(options);
  try {
    return await work(sealed);
  } finally {
    await sealed.close();
  }
}

/** Clusters of a state, each with a part of the place of blobs for itself. Their ids are not sealed. */
export async function clustersIn(store: StateStore): Promise<readonly Guid[]> {
  const clusters: Guid[] = [];
  for (let after = ''; ;) {
    const page = await store.list(clusterKeyTable.name, { after });
    clusters.push(...page.map(({ id }) => clusterOf(id)));
    const last = page.at(-1);
    if (last === undefined) return clusters;
    after = last.id;
  }
}

function clusterOf(id: string): Guid {
  const cluster = parseGuid(id);
  invariant(cluster !== undefined, 'the record of a cluster is named by its id');
  return cluster;
}
