import { ArmError } from '../../arm/arm-error.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmProvider, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { requireAction } from '../../arm/authorization.ts';
import { armResources } from '../../arm/resource.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import { isRegistered, requireSubscription } from '../../arm/subscriptions.ts';
import { subscriptions } from '../../authz/subscription-record.ts';
import type { JsonObject } from '../../base/json.ts';
import { listAll } from '../../state/list-all.ts';
import { writeRecord } from '../../state/state.ts';
import type { ResourcesDependencies } from './resources-dependencies.ts';

/** Namespaces that every subscription can use without registering them. */
const registrationFree = new Set(['microsoft.resources', 'microsoft.authorization']);

/** Providers with their types and api-versions, per subscription and for the tenant.
 * @param providers all, this one included; asked late, as the list is complete only then */
export function providerOperations(
  deps: ResourcesDependencies,
  providers: () => readonly ArmProvider[],
): readonly ArmOperation[] {
  const byNamespace = (request: ArmRequest): ArmProvider => {
    const namespace = request.params['resourceProviderNamespace'] ?? '';
    const found = providers().find((provider) => provider.namespace.toLowerCase() === namespace.toLowerCase());
    if (found === undefined) throw armErrors.InvalidResourceNamespace(namespace);
    return found;
  };
  const show = async (request: ArmRequest, shown: readonly ArmProvider[]): Promise<readonly JsonObject[]> => {
    const subscriptionId = request.params['subscriptionId'];
    if (subscriptionId === undefined) return shown.map((provider) => showProvider(provider));
    const { value } = await requireSubscription(deps.state, subscriptionId);
    return shown.map((provider) =>
      showProvider(provider, value.subscriptionId, isRegistered(value, provider.namespace)),
    );
  };
  const get = async (request: ArmRequest): Promise<ArmReply> => {
    const [body] = await show(request, [byNamespace(request)]);
    return { status: 200, body };
  };
  const list = async (request: ArmRequest): Promise<ArmReply> => ({
    status: 200,
    body: { value: await show(request, providers()) },
  });
  const change =
    (registered: boolean) =>
    async (request: ArmRequest): Promise<ArmReply> => {
      await setRegistered(deps, request, byNamespace(request), registered);
      return get(request);
    };
  const ofSubscription = '/subscriptions/{subscriptionId}/providers';
  const one = `${ofSubscription}/{resourceProviderNamespace}`;
  const read = 'Microsoft.Resources/subscriptions/providers/read';
  return [
    { id: 'Providers_List', method: 'GET', path: ofSubscription, action: read, handle: list },
    { id: 'Providers_Get', method: 'GET', path: one, action: read, handle: get },
    { id: 'Providers_ListAtTenantScope', method: 'GET', path: '/providers', action: null, handle: list },
    {
      id: 'Providers_GetAtTenantScope',
      method: 'GET',
      path: '/providers/{resourceProviderNamespace}',
      action: null,
      handle: get,
    },
    {
      id: 'ProviderResourceTypes_List',
      method: 'GET',
      path: `${one}/resourceTypes`,
      action: read,
      handle: (request) => Promise.resolve({ status: 200, body: { value: showTypes(byNamespace(request)) } }),
    },
    // Their actions carry the provider's name, so the handler asks for it.
    { id: 'Providers_Register', method: 'POST', path: `${one}/register`, action: null, handle: change(true) },
    { id: 'Providers_Unregister', method: 'POST', path: `${one}/unregister`, action: null, handle: change(false) },
  ];
}

async function setRegistered(
  deps: ResourcesDependencies,
  request: ArmRequest,
  provider: ArmProvider,
  registered: boolean,
): Promise<void> {
  const subscriptionId = request.params['subscriptionId'] ?? '';
  const action = `${provider.namespace}/${registered ? 'register' : 'unregister'}/action`;
  const scope = `/subscriptions/${subscriptionId}`;
  await requireAction(deps.authorizer, request.caller, action, scope);
  const namespace = provider.namespace.toLowerCase();
  if (registrationFree.has(namespace)) return;
  await retryOnConflict(async () => {
    const found = await requireSubscription(deps.state, subscriptionId);
    if (isRegistered(found.value, namespace) === registered) return;
    if (!registered) await requireUnused(deps, found.value.subscriptionId, provider);
    const others = found.value.unregistered.filter((other) => other !== namespace);
    const unregistered = registered ? others : [...others, namespace];
    const write = writeRecord(subscriptions, found.id, found.version, { ...found.value, unregistered });
    await deps.state.commit({ write: [write] });
  });
}

/** Azure refuses as well; its code is not public. */
async function requireUnused(
  deps: ResourcesDependencies,
  subscriptionId: string,
  provider: ArmProvider,
): Promise<void> {
  const all = await listAll(deps.state, armResources, `/subscriptions/${subscriptionId}/`);
  const left = all.find(({ value }) => value.type.toLowerCase().startsWith(`${provider.namespace.toLowerCase()}/`));
  if (left === undefined) return;
  const text = `The provider '${provider.namespace}' cannot be unregistered: the subscription still has resources of it, such as '${left.value.id}'.`;
  throw new ArmError(409, 'Conflict', text);
}

function showProvider(provider: ArmProvider, subscriptionId?: string, registered = true): JsonObject {
  const free = registrationFree.has(provider.namespace.toLowerCase());
  const types = showTypes(provider);
  if (subscriptionId === undefined) return { namespace: provider.namespace, resourceTypes: types };
  return {
    id: `/subscriptions/${subscriptionId}/providers/${provider.namespace}`,
    namespace: provider.namespace,
    registrationPolicy: free ? 'RegistrationFree' : 'RegistrationRequired',
    registrationState: registered || free ? 'Registered' : 'Unregistered',
    resourceTypes: types,
  };
}

const showTypes = (provider: ArmProvider): readonly JsonObject[] =>
  provider.resourceTypes.map((type) => ({
    resourceType: type.resourceType,
    locations: type.locations,
    apiVersions: type.apiVersions,
    capabilities: 'None',
  }));
