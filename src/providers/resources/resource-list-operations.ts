import { listIntact } from '../../state/list-all.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { parseFilter } from '../../arm/filter.ts';
import { pageOf, sortedById } from '../../arm/paging.ts';
import { authorizationFailed } from '../../arm/authorization.ts';
import { resourceGroupId } from '../../arm/resource-groups.ts';
import { parseResourceId } from '../../arm/resource-path.ts';
import type { ArmResource } from '../../arm/resource.ts';
import { armResources } from '../../arm/resource.ts';
import { isScopeWithin } from '../../authz/decide.ts';
import type { JsonObject } from '../../base/json.ts';
import { compileResourceFilter } from './resource-filter.ts';
import type { ResourcesDependencies } from './resources-dependencies.ts';

/** The resources of all providers in a subscription or group. */
export function resourceListOperations(deps: ResourcesDependencies): readonly ArmOperation[] {
  return [
    // Shows each caller what it may read, so the handler decides.
    {
      id: 'Resources_List',
      method: 'GET',
      path: '/subscriptions/{subscriptionId}/resources',
      action: null,
      handle: (request) => {
        const scope = `/subscriptions/${request.params['subscriptionId'] ?? ''}`;
        return listResources(deps, request, scope, 'Microsoft.Resources/subscriptions/resources/read');
      },
    },
    {
      id: 'Resources_ListByResourceGroup',
      method: 'GET',
      path: '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/resources',
      action: 'Microsoft.Resources/subscriptions/resourceGroups/resources/read',
      handle: (request) => {
        const { subscriptionId = '', resourceGroupName = '' } = request.params;
        const scope = resourceGroupId(subscriptionId, resourceGroupName);
        return listResources(deps, request, scope, 'Microsoft.Resources/subscriptions/resourceGroups/resources/read');
      },
    },
  ];
}

async function listResources(
  deps: ResourcesDependencies,
  request: ArmRequest,
  scope: string,
  action: string,
): Promise<ArmReply> {
  const filter = request.query.get('$filter') ?? '';
  const matches = filter.trim() === '' ? () => true : compileResourceFilter(parseFilter(filter));
  const expand = parseExpand(request.query.get('$expand'));
  const assignments = await deps.authorizer.assignmentsOf(request.caller);
  if (!assignments.some(({ scope: held }) => isScopeWithin(scope, held) || isScopeWithin(held, scope))) {
    throw authorizationFailed(request.caller, action, scope);
  }
  const mayRead = await deps.authorizer.decider(request.caller);
  const records = await listIntact(deps.state, armResources, `${scope.toLowerCase()}/`);
  const resources = records
    .map((record) => record.value)
    .filter((resource) => isTopLevel(resource) && matches(filterable(resource)))
    .filter((resource) => mayRead('action', `${resource.type}/read`, resource.id).allowed);
  const idOf = (resource: ArmResource): string => resource.id.toLowerCase();
  const page = pageOf(request, sortedById(resources, idOf), idOf);
  return { status: 200, body: { ...page, value: page.value.map((resource) => showResource(resource, expand)) } };
}

/** Databases, assignments and other parts of a resource are not in these lists. */
const isTopLevel = (resource: ArmResource): boolean => resource.type.split('/').length === 2;

const filterable = (resource: ArmResource) => ({
  ...resource,
  resourceGroup: parseResourceId(resource.id)?.resourceGroupName ?? '',
});

type Expansion = 'createdTime' | 'changedTime' | 'provisioningState';

/** @throws ArmError 400 naming what cannot be expanded */
function parseExpand(text: string | undefined): ReadonlySet<Expansion> {
  const expansions = new Map<string, Expansion>([
    ['createdtime', 'createdTime'],
    ['changedtime', 'changedTime'],
    ['provisioningstate', 'provisioningState'],
  ]);
  const wanted = (text ?? '').split(',').map((name) => name.trim());
  return new Set(
    wanted
      .filter((name) => name !== '')
      .map((name) => {
        const found = expansions.get(name.toLowerCase());
        if (found === undefined)
          throw armErrors.InvalidQueryParameter('$expand', `'${name.slice(0, 64)}' is not known.`);
        return found;
      }),
  );
}

/** Recorded: vaults have tags here when they have none, and nothing else does. */
const showsTags = ({ type, tags }: ArmResource): boolean =>
  type.toLowerCase() === 'microsoft.keyvault/vaults' || Object.keys(tags ?? {}).length > 0;

function showResource(resource: ArmResource, expand: ReadonlySet<Expansion>): JsonObject {
  const state = resource.properties['provisioningState'];
  return {
    id: resource.id,
    name: resource.name,
    type: resource.type,
    ...(resource.kind === undefined ? {} : { kind: resource.kind }),
    ...(resource.sku === undefined ? {} : { sku: resource.sku }),
    ...(resource.location === undefined ? {} : { location: resource.location.replaceAll(' ', '').toLowerCase() }),
    ...(resource.identity === undefined ? {} : { identity: { ...resource.identity } }),
    ...(showsTags(resource) ? { tags: resource.tags ?? {} } : {}),
    ...(expand.has('createdTime') ? { createdTime: resource.createdAt } : {}),
    ...(expand.has('changedTime') ? { changedTime: resource.changedAt } : {}),
    ...(expand.has('provisioningState') ? { provisioningState: state ?? 'Succeeded' } : {}),
  };
}
