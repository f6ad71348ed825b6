import type { ArmOperation, ArmReply, ArmRequest, LinkedProperty } from '../../arm/arm-operation.ts';
import { createCluster } from './cluster-create.ts';
import { deleteCluster, startCluster, stopCluster } from './cluster-lifecycle.ts';
import { findCluster } from './cluster-lookup.ts';
import { checkClusterName, getCluster, readClusterList } from './cluster-read.ts';
import { addressOf, withFreshState } from './cluster-store.ts';
import { updateCluster } from './cluster-update.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts } from './ports.ts';

const cluster = '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Kusto/clusters';
const subscription = '/subscriptions/{subscriptionId}/providers/Microsoft.Kusto';

const assignIdentity = 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action';
const network = 'properties.virtualNetworkConfiguration';

/** What else a cluster makes use of. The address of a vault is no resource id: there the cluster's identity must have access. */
const links: readonly LinkedProperty[] = [
  { property: 'identity.userAssignedIdentities{}', action: assignIdentity, invalidPath: '' },
  { property: 'properties.keyVaultProperties.userIdentity', action: assignIdentity },
  { property: `${network}.subnetId`, action: 'Microsoft.Network/virtualNetworks/subnets/join/action' },
  { property: `${network}.enginePublicIpId`, action: 'Microsoft.Network/publicIPAddresses/join/action' },
  { property: `${network}.dataManagementPublicIpId`, action: 'Microsoft.Network/publicIPAddresses/join/action' },
];

export function clusterRows(ports: KustoPorts): readonly ArmOperation[] {
  const read = 'Microsoft.Kusto/clusters/read';
  const write = 'Microsoft.Kusto/clusters/write';
  const one = `${cluster}/{clusterName}`;
  const fresh = (action: (ports: KustoPorts, request: ArmRequest) => Promise<ArmReply>) => (request: ArmRequest) =>
    withFreshState(() => action(ports, request));
  return [
    { id: 'Clusters_Get', method: 'GET', path: one, action: read, handle: (request) => getCluster(ports, request) },
    {
      id: 'Clusters_ListByResourceGroup',
      method: 'GET',
      path: cluster,
      action: read,
      handle: (request) => readClusterList(ports, request),
    },
    {
      id: 'Clusters_List',
      method: 'GET',
      path: `${subscription}/clusters`,
      action: read,
      handle: (request) => readClusterList(ports, request),
    },
    { id: 'Clusters_CreateOrUpdate', method: 'PUT', path: one, action: write, links, handle: fresh(putCluster) },
    {
      id: 'Clusters_Update',
      method: 'PATCH',
      path: one,
      action: write,
      links,
      handle: fresh((...args) => updateCluster(...args, 'merge')),
    },
    {
      id: 'Clusters_Delete',
      method: 'DELETE',
      path: one,
      action: 'Microsoft.Kusto/clusters/delete',
      handle: fresh(deleteCluster),
    },
    {
      id: 'Clusters_Start',
      method: 'POST',
      path: `${one}/start`,
      action: 'Microsoft.Kusto/clusters/start/action',
      handle: fresh(startCluster),
    },
    {
      id: 'Clusters_Stop',
      method: 'POST',
      path: `${one}/stop`,
      action: 'Microsoft.Kusto/clusters/stop/action',
      handle: fresh(stopCluster),
    },
    {
      id: 'Clusters_CheckNameAvailability',
      method: 'POST',
      path: `${subscription}/locations/{location}/checkNameAvailability`,
      action: 'Microsoft.Kusto/locations/checkNameAvailability/action',
      handle: (request) => checkClusterName(ports, request),
    },
  ];
}

async function putCluster(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const noneMatch = request.headers['if-none-match']?.trim() ?? '';
  if (noneMatch !== '' && noneMatch !== '*') throw kustoError('OnlyStarInIfNoneMatch', noneMatch.slice(0, 100));
  const found = await findCluster(ports, addressOf(request));
  return found === undefined ? createCluster(ports, request) : updateCluster(ports, request, 'replace');
}
