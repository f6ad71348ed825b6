import { formatKeyId } from '../../base/key-id.ts';
import { clusterCatalogTable } from '../../cluster/process/remote-catalog-store.ts';
import { clusterKeyTable, bareRecord } from '../../encryption/cluster-key-state.ts';
import type { RootKey } from '../../state/root-key.ts';
import type { StateStore } from '../../state/state-store.ts';
import type { State } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { BackupCluster } from './backup-manifest.ts';
import { removeRecords } from './copy-records.ts';
import { withState } from './held-state.ts';
import type { KeptCluster } from './kept-cluster.ts';
import { catalogOf, sumCatalog, waitsForOpening } from './kept-cluster.ts';
import { MoveError } from './move-error.ts';

/** The sealed records of whatever is copied, opened. */
export type ReadState = <T>(work: (state: State) => Promise<T>) => Promise<T>;

/** Lays out what a backup of one cluster has in records: its catalog as it is sealed under the cluster's key, and the record of that key. No
 * key of a vault, role, identity or key that signs is in it. They are sealed anew, as a state of their own under the same root key.
 * @param laid a side of the backup, with what an earlier run has left @throws MoveError for what is read back as something else */
export async function layOutCluster(
  read: ReadState,
  laid: StateStore,
  rootKey: RootKey,
  cluster: KeptCluster,
): Promise<BackupCluster> {
  const { clusterId, key, name, databases } = cluster;
  for (const table of await laid.tables()) await removeRecords(laid, table);
  const copied = await read((from) =>
    withState(laid, rootKey, async (to) => {
      if (await waitsForOpening(from, clusterId))
        throw new MoveError(
          `The cluster '${name}' was set back and has not opened its data since. Start the instance and ask the cluster for something once.`,
        );
      for await (const page of catalogOf(from, clusterId))
        await to.commit({
          write: page.map(({ id, value }) =>
            writeRecord<unknown>(clusterCatalogTable as never, `${clusterId}/${id}`, null, value),
          ),
        });
      await to.commit({ write: [writeRecord(clusterKeyTable, clusterId, null, bareRecord(key.value))] });
      return sumCatalog(from, clusterId);
    }),
  );
  // Opened once more: what was written has to be found by whoever restores it.
  const catalog = await withState(laid, rootKey, (state: State) => sumCatalog(state, clusterId));
  if (catalog.digest !== copied.digest)
    throw new MoveError(`The catalog of '${name}' was read back as something else. The source was left as it is.`);
  return { clusterId, name, kid: formatKeyId(key.value.kid), databases, catalog };
}
