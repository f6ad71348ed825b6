import type { Caller } from '../authz/caller.ts';
import type { Authorizer } from '../authz/role-assignments.ts';
import type { Json } from '../base/json.ts';
import type { State } from '../state/state.ts';
import { armErrors, missingSubscriptionRegistration } from './arm-errors.ts';
import type { ArmProvider, ArmReply, ArmRequest } from './arm-operation.ts';
import { wrongTenant } from './authentication.ts';
import { requireAction } from './authorization.ts';
import { createBodyCheck } from './body-check.ts';
import { requireLinkedAccess } from './linked-access.ts';
import { requireUnlocked } from './locks.ts';
import { requireResourceGroup } from './resource-groups.ts';
import { containersOfPath } from './resource-path.ts';
import type { Route } from './router.ts';
import { createRouter } from './router.ts';
import type { Subscription } from './subscriptions.ts';
import { isRegistered, requireSubscription } from './subscriptions.ts';

/** A request whose sender is known, before its body is read. */
interface ArmMessage {
  readonly method: string;
  /** Of the path, decoded. */
  readonly segments: readonly string[];
  /** Names lower case and decoded. */
  readonly query: ReadonlyMap<string, string>;
  readonly origin: string;
  readonly url: string;
  /** Names lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly caller: Caller;
  readonly correlationId: string;
}

/** A request that may be carried out, as far as can be said without its body. */
export interface Admitted extends ArmMessage {
  readonly apiVersion: string;
  readonly route: Route;
  readonly subscription: Subscription | undefined;
}

/** What happens to every request once its sender is known, whether it came over the wire or from a deployment. */
export interface ArmPipeline {
  /** @param found is told the operation before anything is refused
   * @throws ArmError */
  admit(message: ArmMessage, found?: (operationId: string) => void): Promise<Admitted>;
  /** @throws ArmError */
  run(admitted: Admitted, body: Json | undefined): Promise<ArmReply>;
}

export function createArmPipeline(parts: {
  readonly providers: readonly ArmProvider[];
  readonly state: State;
  readonly authorizer: Authorizer;
}): ArmPipeline {
  const { state, authorizer } = parts;
  const router = createRouter(parts.providers);
  const checkBody = createBodyCheck(router.operations);
  return {
    // The order says which error wins.
    async admit(message, found) {
      const apiVersion = requireApiVersion(message.query);
      const route = router.find(message.method, message.segments, apiVersion);
      found?.(route.operation.id);
      router.requireApiVersion(route, apiVersion);
      const subscription = await subscriptionOf(state, message);
      await authorize(authorizer, message.caller, route);
      return { ...message, apiVersion, route, subscription };
    },
    async run(admitted, body) {
      const { operation, scope } = admitted.route;
      requireWritable(admitted);
      await requireGroup(state, admitted);
      requireRegistration(admitted);
      if (operation.ignoresLocks !== true) await requireUnlocked(state, admitted.method, scope);
      await requireLinkedAccess(parts, { caller: admitted.caller, operation, scope, body });
      checkBody(operation, body);
      const request = toArmRequest(admitted, body);
      await authorizeByAttributes(authorizer, admitted.route, request);
      return operation.handle(request);
    },
  };
}

/** @throws ArmError 400 */
export function requireApiVersion(query: ReadonlyMap<string, string>): string {
  const apiVersion = query.get('api-version');
  if (apiVersion === undefined || apiVersion === '') throw armErrors.MissingApiVersionParameter();
  return apiVersion.slice(0, 64);
}

async function subscriptionOf(state: State, { segments, caller }: ArmMessage): Promise<Subscription | undefined> {
  const { subscriptionId } = containersOfPath(segments);
  if (subscriptionId === undefined) return undefined;
  const { value } = await requireSubscription(state, subscriptionId);
  if (value.tenantId !== caller.tenantId) throw wrongTenant(caller.issuer, value.tenantId);
  return value;
}

async function authorize(authorizer: Authorizer, caller: Caller, route: Route): Promise<void> {
  const { action, attributes } = route.operation;
  if (action === null) return;
  await requireAction(authorizer, caller, action, route.scope, attributes === undefined ? undefined : 'pending');
}

async function authorizeByAttributes(authorizer: Authorizer, route: Route, request: ArmRequest): Promise<void> {
  const { action, attributes } = route.operation;
  if (action === null || attributes === undefined) return;
  await requireAction(authorizer, request.caller, action, route.scope, await attributes(request));
}

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD';

function requireWritable({ subscription, method }: Admitted): void {
  if (isRead(method) || subscription === undefined || subscription.state === 'Enabled') return;
  throw armErrors.ReadOnlyDisabledSubscription(subscription.subscriptionId);
}

/** Whatever lies in a group needs the group; the rows of groups themselves see to it alone. */
async function requireGroup(state: State, { segments, method }: Admitted): Promise<void> {
  const { subscriptionId, resourceGroupName } = containersOfPath(segments);
  if (subscriptionId === undefined || resourceGroupName === undefined || segments.length === 4) return;
  const group = await requireResourceGroup(state, subscriptionId, resourceGroupName);
  if (group.value.provisioningState === 'Deleting' && !isRead(method)) {
    throw armErrors.ResourceGroupBeingDeleted(group.value.name);
  }
}

function requireRegistration({ subscription, route, method }: Admitted): void {
  if (subscription === undefined || isRead(method) || isRegistered(subscription, route.provider.namespace)) return;
  throw missingSubscriptionRegistration(route.provider.namespace);
}

function toArmRequest(admitted: Admitted, body: Json | undefined): ArmRequest {
  const { query, headers, caller, origin, url, correlationId, route, apiVersion } = admitted;
  return {
    ...{ params: route.params, query, apiVersion: apiVersion.toLowerCase(), headers, body },
    ...{ caller, origin, url, correlationId },
  };
}
