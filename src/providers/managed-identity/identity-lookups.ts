import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { pageOf, sortedById } from '../../arm/paging.ts';
import { resourceGroupId } from '../../arm/resource-groups.ts';
import { parseResourceId } from '../../arm/resource-path.ts';
import type { ArmResource } from '../../arm/resource.ts';
import { armResources, resourceRecordId } from '../../arm/resource.ts';
import { subscriptions } from '../../authz/subscription-record.ts';
import { parseGuid } from '../../base/guid.ts';
import { listIntact } from '../../state/list-all.ts';
import type { IdentityDependencies } from './identity-dependencies.ts';
import { identityType } from './identity-ids.ts';

/** Which identity a resource has, and which resources have an identity. */
export function lookupOperations(deps: IdentityDependencies): readonly ArmOperation[] {
  const identity = `/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/${identityType}/{resourceName}`;
  return [
    {
      id: 'SystemAssignedIdentities_GetByScope',
      method: 'GET',
      path: '{scope}/providers/Microsoft.ManagedIdentity/identities/default',
      action: 'Microsoft.ManagedIdentity/identities/read',
      handle: (request) => systemAssigned(deps, request),
    },
    {
      id: 'UserAssignedIdentities_ListAssociatedResources',
      method: 'POST',
      path: `${identity}/listAssociatedResources`,
      action: `${identityType}/listAssociatedResources/action`,
      handle: (request) => associatedResources(deps, request),
    },
  ];
}

async function systemAssigned(deps: IdentityDependencies, request: ArmRequest): Promise<ArmReply> {
  const scope = request.params['scope'] ?? '';
  const parsed = parseResourceId(scope);
  const held = parsed && (await deps.state.get(armResources, resourceRecordId(scope)));
  if (parsed !== undefined && held === undefined) {
    throw armErrors.ResourceNotFound(parsed.type, parsed.name, parsed.resourceGroupName);
  }
  const principalId = held?.value.identity?.principalId;
  const found = principalId && (await deps.identities.find(principalId));
  if (held === undefined || found === undefined) {
    throw armErrors.ResourceNotFound(
      'Microsoft.ManagedIdentity/identities',
      'default',
      parsed?.resourceGroupName ?? '',
    );
  }
  const { location, tags, identity } = held.value;
  return {
    status: 200,
    body: {
      id: `${held.value.id}/providers/Microsoft.ManagedIdentity/identities/default`,
      name: 'default',
      type: 'Microsoft.ManagedIdentity/identities',
      ...(location === undefined ? {} : { location }),
      tags: tags ?? {},
      properties: { tenantId: identity?.tenantId, principalId, clientId: found.clientId },
    },
  };
}

/** Later versions have dropped the operation. */
const associationVersions: ReadonlySet<string> = new Set(['2021-09-30-preview', '2022-01-31-preview']);

/** Resources that the caller may not read are left out, as everywhere. */
async function associatedResources(deps: IdentityDependencies, request: ArmRequest): Promise<ArmReply> {
  const { subscriptionId = '', resourceGroupName = '', resourceName = '' } = request.params;
  const { apiVersion } = request;
  if (!associationVersions.has(apiVersion)) {
    throw armErrors.InvalidResourceType(
      'userAssignedIdentities/listAssociatedResources',
      'Microsoft.ManagedIdentity',
      apiVersion,
    );
  }
  for (const option of ['$filter', '$orderby', '$skip']) {
    if (request.query.has(option)) {
      throw armErrors.NotImplemented(`UserAssignedIdentities_ListAssociatedResources with ${option}`);
    }
  }
  const id = `${resourceGroupId(subscriptionId, resourceGroupName)}/providers/${identityType}/${resourceName}`;
  const held = await deps.state.get(armResources, resourceRecordId(id));
  if (held === undefined) throw armErrors.ResourceNotFound(identityType, resourceName, resourceGroupName);
  const mayRead = await deps.authorizer.decider(request.caller);
  const all = await listIntact(deps.state, armResources);
  const found = all
    .map(({ value }) => value)
    .filter((resource) => hasIdentity(resource, id))
    .filter((resource) => mayRead('action', `${resource.type}/read`, resource.id).allowed);
  const idOf = (resource: ArmResource): string => resource.id.toLowerCase();
  const page = pageOf(request, sortedById(found, idOf), idOf);
  const value = await Promise.all(page.value.map((resource) => showAssociated(deps, resource)));
  return { status: 200, body: { totalCount: found.length, ...page, value } };
}

const hasIdentity = (resource: ArmResource, id: string): boolean =>
  Object.keys(resource.identity?.userAssignedIdentities ?? {}).some((key) => key.toLowerCase() === id.toLowerCase());

async function showAssociated(deps: IdentityDependencies, { id, name, type }: ArmResource) {
  const { subscriptionId = '', resourceGroupName = '' } = parseResourceId(id) ?? {};
  const guid = parseGuid(subscriptionId);
  const subscription = guid && (await deps.state.get(subscriptions, guid));
  return {
    id,
    name,
    type: type.toLowerCase(),
    resourceGroup: resourceGroupName.toLowerCase(),
    subscriptionId,
    subscriptionDisplayName: subscription?.value.displayName ?? '',
  };
}
