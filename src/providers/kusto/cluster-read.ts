import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { parseClusterName } from '../../base/names.ts';
import { findClusterName } from './cluster-names.ts';
import { requireCluster, showClusters } from './cluster-lookup.ts';
import { clusterStatus } from './cluster-status.ts';
import { addressOf, bodyObject } from './cluster-store.ts';
import { clusterEtag, showCluster } from './cluster-view.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts } from './ports.ts';

export async function getCluster(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { value: cluster } = await requireCluster(ports, addressOf(request));
  const status = await clusterStatus(ports, cluster);
  return {
    status: 200,
    headers: { etag: clusterEtag(cluster) },
    body: showCluster(cluster, status, { now: ports.clock.now(), apiVersion: request.apiVersion }),
  };
}

/** Clusters of a group, or of the subscription when the path names no group. */
export async function readClusterList(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { subscriptionId = '', resourceGroupName } = request.params;
  const scope = `/subscriptions/${subscriptionId}${resourceGroupName === undefined ? '' : `/resourceGroups/${resourceGroupName}`}`;
  return {
    status: 200,
    body: { value: await showClusters(ports, scope, request.apiVersion, (cluster) => clusterStatus(ports, cluster)) },
  };
}

/** Always 200; a name that is taken has a message and no reason, as recorded. */
export async function checkClusterName(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { name, type } = bodyObject(request);
  if (typeof name !== 'string' || name.length > 1000) throw kustoError('MissingProperty', 'name');
  if (typeof type !== 'string' || type.toLowerCase() !== 'microsoft.kusto/clusters') {
    throw kustoError('InvalidValue', 'type', "'Microsoft.Kusto/clusters'");
  }
  return { status: 200, body: await nameAnswer(ports, name) };
}

async function nameAnswer(ports: KustoPorts, name: string): Promise<Record<string, unknown>> {
  if (parseClusterName(name) === undefined) {
    return { name, nameAvailable: false, message: kustoError('InvalidClusterName', name).message, reason: 'Invalid' };
  }
  const claim = await findClusterName(ports, name);
  if (claim.taken) return { name, nameAvailable: false, message: kustoError('NameTaken', name).message };
  return { name, nameAvailable: true, message: '' };
}
