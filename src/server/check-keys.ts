import type { SupervisedClusterKeys } from '../cluster/supervisor/cluster-keys.ts';
import type { ClusterDescription, ClusterInventory, DatabaseKeyDescription } from './cluster-inventory.ts';
import type { CheckedKey } from './control-plane.ts';

/** Checks the keys of all clusters and databases now and says how each stands. */
export async function checkKeys(
  keys: SupervisedClusterKeys,
  inventory: ClusterInventory,
): Promise<readonly CheckedKey[]> {
  await keys.checkAll();
  return (await inventory.list(false)).map((cluster) => ({
    ...{ clusterId: cluster.clusterId, resourceId: cluster.resourceId, custody: cluster.custody },
    ...checkedKey(cluster),
    ...(cluster.databaseKeys === undefined
      ? {}
      : { databases: cluster.databaseKeys.map((key) => ({ name: key.name, ...checkedKey(key) })) }),
  }));
}

const checkedKey = ({ kid, outsideVault, suspension, warning }: DatabaseKeyDescription | ClusterDescription) => ({
  ...{ kid, outsideVault, suspended: suspension !== undefined },
  ...(suspension === undefined ? {} : { reason: suspension.reason }),
  ...(warning === undefined ? {} : { warning }),
});
