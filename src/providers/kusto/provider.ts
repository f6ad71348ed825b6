import type { ArmOperation, ArmProvider, ArmResourceType } from '../../arm/arm-operation.ts';
import { ArmError } from '../../arm/arm-error.ts';
import type { ArmErrorDetail } from '../../arm/arm-error.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import { newGuid } from '../../base/new-guid.ts';
import { locationDisplayNames } from '../../arm/locations.ts';
import { hasSlash } from '../../arm/resource-path.ts';
import { childKinds } from './child-kinds.ts';
import { findCluster, listClusters } from './cluster-lookup.ts';
import { removeCluster } from './cluster-removal.ts';
import { childRows } from './child-rows.ts';
import { networkTypes } from './cluster-networks.ts';
import { clusterResourceId } from './cluster-record.ts';
import type { ClusterResource } from './cluster-record.ts';
import { allAttached, leaderIdOf } from './following.ts';
import { clusterRows } from './cluster-rows.ts';
import { isKnownIn } from './cluster-settings.ts';
import { withFreshState } from './cluster-store.ts';
import { kustoError } from './kusto-errors.ts';
import { kustoNamespace } from './operation-record.ts';
import { operationResultRows } from './operation-result-rows.ts';
import type { KustoPorts } from './ports.ts';
import { skuListRows } from './sku-rows.ts';

/** Newest first: clients take the first that is no preview. */
const apiVersions = [
  '2025-02-14',
  '2024-04-13',
  '2023-08-15',
  '2023-05-02',
  '2022-12-29',
  '2022-11-11',
  '2022-07-07',
  '2022-02-01',
  '2021-08-27',
  '2021-01-01',
  '2020-09-18',
  '2020-06-14',
  '2020-02-15',
  '2019-11-09',
  '2019-09-07',
  '2019-05-15',
  '2019-03-20',
  '2019-01-21',
  '2018-09-07-preview',
] as const;

const regionalTypes = [
  'clusters',
  'clusters/databases',
  'clusters/principalAssignments',
  'clusters/databases/principalAssignments',
];
const otherTypes = [
  'locations',
  'locations/checkNameAvailability',
  'locations/operationResults',
  'locations/skus',
  'skus',
  'operations',
];

const childTypes = [...childKinds, ...networkTypes].map(({ type, parent, since }) => ({
  resourceType: `clusters/${parent === 'database' ? 'databases/' : ''}${type}`,
  apiVersions: apiVersions.filter((version) => isKnownIn(version, since)),
  locations: locationDisplayNames,
}));

const resourceTypes: readonly ArmResourceType[] = [
  ...regionalTypes.map((resourceType) => ({ resourceType, apiVersions, locations: locationDisplayNames })),
  ...childTypes,
  ...otherTypes.map((resourceType) => ({ resourceType, apiVersions, locations: [] })),
];

/** The resource provider Microsoft.Kusto: clusters and what belongs to them. */
export function createKustoProvider(ports: KustoPorts): ArmProvider {
  const rows = [...clusterRows(ports), ...childRows(ports), ...skuListRows(ports), ...operationResultRows(ports)];
  return {
    namespace: kustoNamespace,
    resourceTypes,
    operations: [...rows, operationsList(rows)],
    namedWithSlash,
    deleteInGroup: (groupId) => deleteInGroup(ports, groupId),
  };
}

/** Of a child, the service reads the part before the slash, and finds nothing of that name. */
function namedWithSlash(segments: readonly string[]): ArmError | undefined {
  const [, subscriptionId = '', , resourceGroup = '', , , , clusterName = '', ...below] = segments;
  const at = below.findIndex(hasSlash);
  const isOfCluster = segments[6]?.toLowerCase() === 'clusters' && !segments.slice(0, 8).some(hasSlash);
  if (!isOfCluster || at % 2 !== 1) return undefined;
  const before = [...below.slice(0, at), below[at]?.split('/')[0] ?? ''];
  const child = before.map((segment, index) => (index % 2 === 0 ? capitalized(segment) : segment)).join('/');
  return kustoError('ChildNotFound', `${clusterResourceId({ subscriptionId, resourceGroup, clusterName })}/${child}`);
}

const capitalized = (type: string): string => `${type.slice(0, 1).toUpperCase()}${type.slice(1)}`;

/** All of them, or none. @throws ArmError 409 for a cluster that one of another group follows */
async function deleteInGroup(ports: KustoPorts, groupId: string): Promise<void> {
  const clusters = await listClusters(ports, groupId);
  await requireUnfollowed(
    ports,
    groupId,
    clusters.map(({ value }) => value),
  );
  for (const { value: cluster } of clusters) {
    const [, , subscriptionId = '', , resourceGroup = ''] = cluster.id.split('/');
    await withFreshState(async () => {
      const found = await findCluster(ports, { subscriptionId, resourceGroup, clusterName: cluster.name });
      if (found !== undefined) await removeCluster(ports, found);
    });
  }
}

/** Followers in the same group go with it. */
async function requireUnfollowed(
  ports: KustoPorts,
  groupId: string,
  clusters: readonly ClusterResource[],
): Promise<void> {
  const isElsewhere = ({ id }: { readonly id: string }): boolean =>
    !id.toLowerCase().startsWith(`${groupId.toLowerCase()}/`);
  const blocked: ArmErrorDetail[] = [];
  const elsewhere = (await allAttached(ports)).filter(isElsewhere);
  for (const { id } of clusters) {
    if (!elsewhere.some(({ properties: { values } }) => leaderIdOf(values) === id.toLowerCase())) continue;
    const { code, message } = kustoError('StillFollowed', id);
    blocked.push({ code, message, target: id });
  }
  if (blocked.length === 0) return;
  const names = blocked.map(({ target = '' }) => `${kustoNamespace}/clusters/${target.split('/').at(-1) ?? ''}`);
  const group = groupId.split('/').at(-1) ?? '';
  const error = armErrors.ResourceGroupDeletionBlocked(group, names, newGuid(ports.randomBytes));
  throw new ArmError(error.status, error.code, error.message, { details: blocked });
}

/** `GET /providers/Microsoft.Kusto/operations`: the actions that roles can allow, read from the same rows that dispatch them. */
function operationsList(rows: readonly ArmOperation[]): ArmOperation {
  const actions = [...new Set(rows.flatMap(({ action }) => (action === null ? [] : [action])))].toSorted();
  const value = actions.map((name) => {
    const parts = name.split('/').slice(1);
    const verb = name.endsWith('/action') ? parts.slice(-2, -1) : parts.slice(-1);
    const resource = (name.endsWith('/action') ? parts.slice(0, -2) : parts.slice(0, -1)).join('/');
    const operation = `${verb.join('')} ${resource}`;
    return {
      name,
      display: { provider: kustoNamespace, operation, resource, description: operation },
      origin: 'user,system',
      properties: null,
    };
  });
  return {
    id: 'Operations_List',
    method: 'GET',
    path: '/providers/Microsoft.Kusto/operations',
    action: null,
    handle: () => Promise.resolve({ status: 200, body: { value } }),
  };
}
