import { armErrors } from '../../arm/arm-errors.ts';
import { resourceRecordId } from '../../arm/resource.ts';
import { StateConflictError } from '../../state/state-store.ts';
import { writeRecord } from '../../state/state.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { clusterNames, clusterRecordId, clusterResources } from './cluster-record.ts';
import type { ClusterAddress, ClusterResource } from './cluster-record.ts';
import { removeCluster } from './cluster-removal.ts';
import { listAll, listChildren } from './cluster-store.ts';
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

/** @param scope `/subscriptions/…` or `/subscriptions/…/resourceGroups/…` */
export async function listClusters(ports: KustoPorts, scope: string): Promise<readonly Versioned<ClusterResource>[]> {
  const lower = scope.toLowerCase();
  const ids = lower.includes('/resourcegroups/')
    ? (await listChildren(ports.state, `${lower}/providers/microsoft.kusto/clusters/`)).map(({ id }) => id)
    : await clusterIdsOfSubscription(ports, lower);
  const clusters: Versioned<ClusterResource>[] = [];
  for (const id of ids) {
    const found = await unlessGone(ports, await ports.state.get(clusterResources, id));
    if (found !== undefined) clusters.push(found);
  }
  return clusters;
}

async function clusterIdsOfSubscription(ports: KustoPorts, scope: string): Promise<readonly string[]> {
  const names = await listAll(ports.state, clusterNames, '');
  const prefix = `${scope}/`;
  return names
    .filter(({ value }) => value.blockedUntil === undefined)
    .map(({ value }) => value.resourceId.toLowerCase())
    .filter((id) => id.startsWith(prefix))
    .toSorted();
}

async function unlessGone(
  ports: KustoPorts,
  found: Versioned<ClusterResource> | undefined,
): Promise<Versioned<ClusterResource> | undefined> {
  if (found === undefined) return undefined;
  const { operation } = found.value.properties;
  if (
    operation?.kind !== 'ServiceDelete' ||
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
