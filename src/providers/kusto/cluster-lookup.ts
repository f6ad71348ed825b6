import type { ClusterKeyStatus } from '../../encryption/cluster-keys.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import { resourceRecordId } from '../../arm/resource.ts';
import { StateConflictError } from '../../state/state-store.ts';
import { listAll, listIntact, unlessDamaged } from '../../state/list-all.ts';
import { writeRecord } from '../../state/state.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { clusterNames, clusterRecordId, clusterResources } from './cluster-record.ts';
import type { ClusterAddress, ClusterResource } from './cluster-record.ts';
import { removeCluster } from './cluster-removal.ts';
import { listChildren } from './cluster-store.ts';
import { showCluster } from './cluster-view.ts';
import { isUnderWay } from './operation-record.ts';
import type { KustoPorts } from './ports.ts';

/** A cluster as it is now: one whose deletion took its time and is over is removed first, whoever asks. */
export async function findCluster(
  ports: KustoPorts,
  at: ClusterAddress,
): Promise<Versioned<ClusterResource> | undefined> {
  return unlessGone(ports, await ports.state.get(clusterResources, clusterRecordId(at)));
}

/** The same by resource id, in any case. */
export const currentCluster = async (
  ports: KustoPorts,
  resourceId: string,
): Promise<Versioned<ClusterResource> | undefined> =>
  unlessGone(ports, await ports.state.get(clusterResources, resourceRecordId(resourceId)));

/** @throws ArmError 404 `ResourceNotFound` */
export async function requireCluster(ports: KustoPorts, at: ClusterAddress): Promise<Versioned<ClusterResource>> {
  const found = await findCluster(ports, at);
  if (found === undefined)
    throw armErrors.ResourceNotFound('Microsoft.Kusto/clusters', at.clusterName, at.resourceGroup);
  return found;
}

/** @param scope `/subscriptions/…` or `/subscriptions/…/resourceGroups/…`
 * @throws SealedRecordError when a cluster's record is damaged */
export async function listClusters(ports: KustoPorts, scope: string): Promise<readonly Versioned<ClusterResource>[]> {
  const clusters: Versioned<ClusterResource>[] = [];
  for (const id of await clusterIds(ports, scope.toLowerCase(), listAll)) {
    const found = await unlessGone(ports, await ports.state.get(clusterResources, id));
    if (found !== undefined) clusters.push(found);
  }
  return clusters;
}

/** The same as they are shown, without those of which a record is damaged: that is not the others' fault. */
export async function showClusters(
  ports: KustoPorts,
  scope: string,
  apiVersion: string,
  statusOf: (cluster: ClusterResource) => Promise<ClusterKeyStatus | undefined>,
): Promise<readonly Record<string, unknown>[]> {
  const shown: Record<string, unknown>[] = [];
  for (const id of await clusterIds(ports, scope.toLowerCase(), listIntact)) {
    const one = await unlessDamaged(async () => {
      const found = await unlessGone(ports, await ports.state.get(clusterResources, id));
      const status = found && (await statusOf(found.value));
      return found && showCluster(found.value, status, { now: ports.clock.now(), apiVersion });
    });
    if (one !== undefined) shown.push(one);
  }
  return shown;
}

async function clusterIds(ports: KustoPorts, scope: string, list: typeof listIntact): Promise<readonly string[]> {
  if (scope.includes('/resourcegroups/')) {
    const children = await listChildren(ports.state, `${scope}/providers/microsoft.kusto/clusters/`, list);
    return children.map(({ id }) => id);
  }
  const names = await list(ports.state, clusterNames);
  const prefix = `${scope}/`;
  return names
    .filter(({ value }) => value.blockedUntil === undefined)
    .map(({ value }) => value.resourceId.toLowerCase())
    .filter((id) => id.startsWith(prefix))
    .toSorted();
}

/** The second is what a deletion was called before 0.2: one may be under way in a directory of then. */
const deletions: ReadonlySet<string> = new Set(['ClusterDelete', 'ServiceDelete']);

async function unlessGone(
  ports: KustoPorts,
  found: Versioned<ClusterResource> | undefined,
): Promise<Versioned<ClusterResource> | undefined> {
  if (found === undefined) return undefined;
  const { operation } = found.value.properties;
  if (
    operation === undefined ||
    !deletions.has(operation.kind) ||
    operation.failure !== undefined ||
    isUnderWay(operation, ports.clock.now())
  )
    return found;
  try {
    await removeCluster(ports, found);
  } catch (error) {
    // Somebody else removed it at the same moment.
    if (!(error instanceof StateConflictError)) throw error;
  }
  return undefined;
}

/** Writes the record as it is: a child that is made while its cluster is deleted makes one of the two start again. */
export const touchCluster = (found: Versioned<ClusterResource>): StateWrite =>
  writeRecord(clusterResources, found.id, found.version, found.value);
