import { formatKeyId } from '../../base/key-id.ts';
import type { CatalogSide } from '../../cluster/process/remote-catalog-store.ts';
import { sideInUse } from '../../cluster/process/remote-catalog-store.ts';
import { clusterKeyTable, bareRecord } from '../../encryption/cluster-key-state.ts';
import type { RootKey } from '../../state/root-key.ts';
import type { StateStore } from '../../state/state-store.ts';
import type { State } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { BackupCluster } from './backup-manifest.ts';
import { catalogStore } from './catalog-store.ts';
import { copyRecords, removeRecords, requireSameRecords, sumRecords } from './copy-records.ts';
import { withState } from './held-state.ts';
import type { KeptCluster } from './kept-cluster.ts';
import { sumCatalog, waitsForOpening } from './kept-cluster.ts';
import { MoveError } from './move-error.ts';

/** The sealed records of whatever is copied, opened. */
export type ReadState = <T>(work: (state: State) => Promise<T>) => Promise<T>;

/** How one cluster is copied that nobody serves, or one that is served meanwhile: whatever it has copied, it reads back and compares.
 * @returns what the cluster is then @throws MoveError for what is read back as something else */
export type CopyCluster = (copying: ClusterCopying) => Promise<KeptCluster>;

export interface ClusterCopying {
  readonly from: State;
  /** Of the backup: with nothing in it. */
  readonly to: State;
  readonly cluster: KeptCluster;
}

/** Lays out what a backup of one cluster has in records: its catalog as it is sealed under the cluster's key, and the record of that key. No
 * key of a vault, role, identity or key that signs is in it. They are sealed anew, as a state of their own under the same root key.
 * @param laid a side of the backup, with what an earlier run has left @throws MoveError for what is read back as something else */
export async function layOutCluster(
  read: ReadState,
  laid: StateStore,
  rootKey: RootKey,
  cluster: KeptCluster,
  copy: CopyCluster = copyAtRest,
): Promise<BackupCluster> {
  for (const table of await laid.tables()) await removeRecords(laid, table);
  const copied = await read((from) =>
    withState(laid, rootKey, async (to) => {
      const { key, ...more } = await copy({ from, to, cluster });
      await to.commit({ write: [writeRecord(clusterKeyTable, more.clusterId, null, bareRecord(key.value))] });
      return { key, ...more };
    }),
  );
  const { clusterId, key, name, databases } = copied;
  // Opened once more: what was written has to be found by whoever restores it.
  const catalog = await withState(laid, rootKey, (state: State) => sumCatalog(state, clusterId));
  return { clusterId, name, kid: formatKeyId(key.value.kid), databases, catalog };
}

async function copyAtRest({ from, to, cluster }: ClusterCopying): Promise<KeptCluster> {
  await requireOpened(from, cluster);
  const { clusterId } = cluster;
  const [source, target] = catalogsOf({ from, to, cluster }, await sideInUse(from, clusterId));
  await copyRecords(source, target, () => undefined);
  requireSameRecords(await sumRecords(source), await sumRecords(target));
  return cluster;
}

/** The catalog of then, and the one of the backup. */
export const catalogsOf = (
  { from, to, cluster: { clusterId } }: ClusterCopying,
  side: CatalogSide,
): readonly [StateStore, StateStore] => [catalogStore(from, clusterId, side), catalogStore(to, clusterId, '')];

/** @throws MoveError */
export async function requireOpened(state: State, { clusterId, name }: KeptCluster): Promise<void> {
  if (await waitsForOpening(state, clusterId))
    throw new MoveError(
      `The cluster '${name}' was set back and has not opened its data since. Start the instance and ask the cluster for something once.`,
    );
}
