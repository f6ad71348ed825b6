import { isApiVersionBefore } from '../../arm/api-version.ts';
import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import { requestedClusterId, requireChangeable } from './child-changes.ts';
import { clusterAction, clusterPath, notActing, postRow, sinceVersion } from './child-row.ts';
import type { ChildHandler, ChildRow } from './child-row.ts';
import { requireCluster } from './cluster-lookup.ts';
import { postOperation } from './cluster-posts.ts';
import type { ClusterResource } from './cluster-record.ts';
import { addressOf, bodyObject, bodyProperties } from './cluster-store.ts';
import { parseSentKey } from './key-vault-properties.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts } from './ports.ts';

const since = '2021-08-27';
const idle = 'there is no network that an endpoint could be in';
const nameOf = (request: ArmRequest): string => request.params['childName'] ?? '';

/** Nobody can connect: private endpoints are resources of Microsoft.Network, which is not built. */
async function listConnections(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  await requireCluster(ports, addressOf(request));
  return { status: 200, headers: notActing(idle), body: { value: [] } };
}

async function getConnection(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  await requireCluster(ports, addressOf(request));
  throw kustoError('ChildNotFound', `${requestedClusterId(request)}/PrivateEndpointConnections/${nameOf(request)}`);
}

/** Approves or rejects what a private endpoint asked for; it makes none. */
async function putConnection(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  await requireChangeable(ports, request, 'change private endpoint connections');
  const state = bodyProperties(bodyObject(request))['privateLinkServiceConnectionState'];
  if (!isJsonObject(state)) throw kustoError('MissingProperty', 'privateLinkServiceConnectionState');
  const { status } = state;
  if (status !== 'Approved' && status !== 'Rejected')
    throw kustoError('InvalidValue', 'status', "'Approved' or 'Rejected'");
  return getConnection(ports, request);
}

async function deleteConnection(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  await requireChangeable(ports, request, 'change private endpoint connections');
  return { status: 204 };
}

const linkName = 'cluster';

function linkOf(request: ArmRequest): JsonObject {
  const { clusterName } = addressOf(request);
  return {
    id: `${requestedClusterId(request)}/PrivateLinkResources/${linkName}`,
    name: `${clusterName}/${linkName}`,
    type: 'Microsoft.Kusto/Clusters/PrivateLinkResources',
  };
}

const members = ['Engine', 'DataManagement'];
const zonesOf = ({ properties }: ClusterResource): string[] => [`privatelink.${properties.region}.kusto.windows.net`];

async function listLinks(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { value: cluster } = await requireCluster(ports, addressOf(request));
  const properties = { groupId: linkName, requiredMembers: members, requiredZoneNames: zonesOf(cluster) };
  const link = {
    ...linkOf(request),
    location: cluster.location,
    properties: { ...properties, provisioningState: 'Succeeded' },
  };
  return { status: 200, headers: notActing(idle), body: { value: [link] } };
}

/** Alone it is shown in another way than in the list, as recorded. */
async function getLink(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { value: cluster } = await requireCluster(ports, addressOf(request));
  if (nameOf(request).toLowerCase() !== linkName)
    throw kustoError('ChildNotFound', `${requestedClusterId(request)}/PrivateLinkResources/${nameOf(request)}`);
  const properties = { GroupId: linkName, RequiredMembers: members, RequiredZoneNames: zonesOf(cluster) };
  const body = {
    ...linkOf(request),
    etag: '""',
    location: 'DummyLocation',
    properties: { ...properties, provisioningState: 'Succeeded' },
    displayName: linkName,
  };
  return { status: 200, headers: { etag: '""', ...notActing(idle) }, body };
}

/** Whom a cluster calls: what it signs in with, and the vault of its key. The hosts of Azure's own upkeep are not among them here. */
async function listDependencies(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { value: cluster } = await requireCluster(ports, addressOf(request));
  const { key } = cluster.properties;
  const named = key === undefined ? undefined : parseSentKey(key);
  const vault = named !== undefined && 'vaultHost' in named ? named.vaultHost : undefined;
  const value = [
    dependency(request, cluster, 'AzureActiveDirectory', 'Azure Active Directory', 'login.microsoftonline.com'),
    ...(vault === undefined ? [] : [dependency(request, cluster, 'AzureKeyVault', 'Azure KeyVault', vault)]),
  ];
  return { status: 200, body: { value } };
}

const dependency = (
  request: ArmRequest,
  { location }: ClusterResource,
  name: string,
  category: string,
  domainName: string,
): JsonObject => ({
  id: `${requestedClusterId(request)}/OutboundNetworkDependenciesEndpoints/${name}`,
  name: `${addressOf(request).clusterName}/${name}`,
  type: 'Microsoft.Kusto/Clusters/OutboundNetworkDependenciesEndpoints',
  ...(isApiVersionBefore(request.apiVersion, '2023-01-01') ? { etag: '""' } : {}),
  location,
  properties: {
    category,
    endpoints: [{ domainName, endpointDetails: [{ port: 443 }] }],
    provisioningState: 'Succeeded',
  },
});

/** No cluster here is inside a virtual network, so there is nothing to find. */
async function diagnose(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { value: cluster } = await requireChangeable(ports, request, 'diagnose the virtual network');
  const posted = { kind: 'VirtualNetworkDiagnose', result: { findings: [] }, idle } as const;
  return postOperation(ports, request, cluster, posted);
}

const row = (
  id: string,
  method: ChildRow[1],
  type: string,
  one: boolean,
  verb: string,
  handler: ChildHandler,
): ChildRow => [
  id,
  method,
  `${clusterPath}/${type}${one ? '/{childName}' : ''}`,
  `${clusterAction}/${type}/${verb}`,
  sinceVersion(since, type, handler),
];

const connections = 'privateEndpointConnections';
const links = 'privateLinkResources';
const dependencies = 'outboundNetworkDependenciesEndpoints';

export const networkTypes = [connections, links, dependencies].map((type) => ({
  type,
  parent: 'cluster' as const,
  since,
}));

export const networkRows: readonly ChildRow[] = [
  row('PrivateEndpointConnections_List', 'GET', connections, false, 'read', listConnections),
  row('PrivateEndpointConnections_Get', 'GET', connections, true, 'read', getConnection),
  row('PrivateEndpointConnections_CreateOrUpdate', 'PUT', connections, true, 'write', putConnection),
  row('PrivateEndpointConnections_Delete', 'DELETE', connections, true, 'delete', deleteConnection),
  row('PrivateLinkResources_List', 'GET', links, false, 'read', listLinks),
  row('PrivateLinkResources_Get', 'GET', links, true, 'read', getLink),
  row('Clusters_ListOutboundNetworkDependenciesEndpoints', 'GET', dependencies, false, 'read', listDependencies),
  postRow('Clusters_DiagnoseVirtualNetwork', 'cluster', 'diagnoseVirtualNetwork', '2019-11-09', diagnose),
];
