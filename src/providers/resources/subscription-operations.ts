import { listIntact } from '../../state/list-all.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { locations } from '../../arm/locations.ts';
import { regionPlaces } from '../../arm/region-places.ts';
import { requireSubscription } from '../../arm/subscriptions.ts';
import { isScopeWithin } from '../../authz/decide.ts';
import type { Subscription } from '../../authz/subscription-record.ts';
import { subscriptions } from '../../authz/subscription-record.ts';
import type { JsonObject } from '../../base/json.ts';
import type { ResourcesDependencies } from './resources-dependencies.ts';

/** Subscriptions, their locations, and tenants. */
export function subscriptionOperations(deps: ResourcesDependencies): readonly ArmOperation[] {
  return [
    {
      id: 'Subscriptions_List',
      method: 'GET',
      path: '/subscriptions',
      action: null,
      handle: (request) => listSubscriptions(deps, request),
    },
    {
      id: 'Subscriptions_Get',
      method: 'GET',
      path: '/subscriptions/{subscriptionId}',
      action: 'Microsoft.Resources/subscriptions/read',
      handle: async (request) => {
        const found = await requireSubscription(deps.state, request.params['subscriptionId'] ?? '');
        return { status: 200, body: showSubscription(found.value) };
      },
    },
    {
      id: 'Subscriptions_ListLocations',
      method: 'GET',
      path: '/subscriptions/{subscriptionId}/locations',
      action: 'Microsoft.Resources/subscriptions/locations/read',
      handle: (request) => Promise.resolve(listLocations(request.params['subscriptionId'] ?? '')),
    },
    {
      id: 'Tenants_List',
      method: 'GET',
      path: '/tenants',
      action: null,
      handle: (request) => listTenants(deps, request),
    },
  ];
}

/** Those of the caller's tenant in which it has a role somewhere, the main one first. */
async function listSubscriptions(deps: ResourcesDependencies, request: ArmRequest): Promise<ArmReply> {
  const assignments = await deps.authorizer.assignmentsOf(request.caller);
  const all = await listIntact(deps.state, subscriptions);
  const visible = all.filter(({ value }) => {
    const scope = `/subscriptions/${value.subscriptionId}`;
    const related = (other: string): boolean => isScopeWithin(other, scope) || isScopeWithin(scope, other);
    return value.tenantId === request.caller.tenantId && assignments.some((assignment) => related(assignment.scope));
  });
  const isMain = ({ value }: (typeof visible)[number]): boolean => value.subscriptionId === deps.mainSubscriptionId;
  const ordered = [...visible.filter(isMain), ...visible.filter((record) => !isMain(record))];
  const value = ordered.map((record) => showSubscription(record.value));
  return { status: 200, body: { value, count: { type: 'Total', value: value.length } } };
}

const showSubscription = (subscription: Subscription): JsonObject => ({
  id: `/subscriptions/${subscription.subscriptionId}`,
  authorizationSource: 'RoleBased',
  managedByTenants: [],
  subscriptionId: subscription.subscriptionId,
  tenantId: subscription.tenantId,
  displayName: subscription.displayName,
  state: subscription.state,
  subscriptionPolicies: {
    locationPlacementId: 'Public_2014-09-01',
    quotaId: 'PayAsYouGo_2014-09-01',
    spendingLimit: 'Off',
  },
  ...(Object.keys(subscription.tags ?? {}).length === 0 ? {} : { tags: subscription.tags }),
});

function listLocations(subscriptionId: string): ArmReply {
  const value = locations.map((location) => ({
    id: `/subscriptions/${subscriptionId.toLowerCase()}/locations/${location.name}`,
    name: location.name,
    type: 'Region',
    displayName: location.displayName,
    regionalDisplayName: `(${location.geographyGroup}) ${location.displayName}`,
    metadata: {
      regionType: 'Physical',
      ...placeOf(location.name, subscriptionId),
      geographyGroup: location.geographyGroup,
    },
  }));
  return { status: 200, body: { value } };
}

function placeOf(region: string, subscriptionId: string): JsonObject {
  const found = regionPlaces[region];
  if (found === undefined) return {};
  const [regionCategory, longitude, latitude, physicalLocation, pair] = found;
  const id = `/subscriptions/${subscriptionId.toLowerCase()}/locations/${pair}`;
  return { regionCategory, longitude, latitude, physicalLocation, pairedRegion: [{ name: pair, id }] };
}

async function listTenants(deps: ResourcesDependencies, request: ArmRequest): Promise<ArmReply> {
  const { tenantId } = request.caller;
  const tenant = await deps.describeTenant(tenantId);
  const shown = {
    id: `/tenants/${tenantId}`,
    tenantId,
    tenantCategory: 'Home',
    displayName: tenant?.displayName ?? '',
    domains: tenant?.domains ?? [],
    defaultDomain: tenant?.domains[0] ?? '',
    tenantType: 'AAD',
  };
  return { status: 200, body: { value: [shown] } };
}
