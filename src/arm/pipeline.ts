import type { Caller } from '../authz/caller.ts';
import type { RoleAssignment } from '../authz/decide.ts';
import type { Authorizer } from '../authz/role-assignments.ts';
import type { Subscription } from '../authz/subscription-record.ts';
import type { Json } from '../base/json.ts';
import type { State } from '../state/state.ts';
import type { ArmAudit } from './arm-audit.ts';
import { armErrors, missingSubscriptionRegistration } from './arm-errors.ts';
import type { ArmProvider, ArmReply, ArmRequest } from './arm-operation.ts';
import { wrongTenant } from './authentication.ts';
import { authorizationFailed, requireAction } from './authorization.ts';
import { createBodyCheck } from './body-check.ts';
import { requireLinkedAccess } from './linked-access.ts';
import { requireUnlocked } from './locks.ts';
import { requireResourceGroup } from './resource-groups.ts';
import { containersOfPath } from './resource-path.ts';
import type { Route } from './router.ts';
import { createRouter } from './router.ts';
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
  /** Missing where a request comes from within. */
  readonly clientAddress?: string | undefined;
  readonly whenGone?: ArmRequest['whenGone'];
}

/** A request whose operation is known. */
interface Routed extends ArmMessage {
  readonly apiVersion: string;
  readonly route: Route;
}

/** A request that may be carried out, as far as can be said without its body. */
export interface Admitted extends Routed {
  readonly subscription: Subscription | undefined;
  /** What allows it; undefined for what needs no right. */
  readonly assignment: RoleAssignment | undefined;
}

/** What happens to every request once its sender is known, whether it came over the wire or from a deployment. */
export interface ArmPipeline {
  /** Nobody sends it yet, so nothing is told to the activity log. @throws ArmError */
  check(message: ArmMessage): Promise<Admitted>;
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
  readonly audit: ArmAudit;
}): ArmPipeline {
  const { state, authorizer, audit } = parts;
  const router = createRouter(parts.providers);
  const checkBody = createBodyCheck();
  const routed = (message: ArmMessage): Routed => {
    const { method, segments, query, origin, url, headers, caller, correlationId, clientAddress, whenGone } = message;
    const apiVersion = requireApiVersion(query);
    const route = router.find(method, segments, apiVersion);
    return {
      method,
      segments,
      query,
      origin,
      url,
      headers,
      caller,
      correlationId,
      clientAddress,
      whenGone,
      apiVersion,
      route,
    };
  };
  // The order says which error wins, here and in `requireReady`.
  const allowed = async (request: Routed): Promise<Admitted> => {
    router.requireApiVersion(request.route, request.apiVersion);
    const subscription = await subscriptionOf(state, request);
    const assignment = await authorize(authorizer, request.caller, request.route);
    return { subscription, assignment, ...request };
  };
  /** @returns what allows it in the end */
  const requireReady = async (admitted: Admitted, request: ArmRequest): Promise<RoleAssignment | undefined> => {
    const { operation, scope } = admitted.route;
    const { body } = request;
    requireWritable(admitted);
    await requireGroup(state, admitted);
    requireRegistration(admitted);
    if (operation.ignoresLocks !== true) await requireUnlocked(state, admitted.method, scope);
    await requireLinkedAccess(parts, { caller: admitted.caller, operation, scope, body });
    checkBody(operation, body);
    return (await authorizeByAttributes(authorizer, admitted.route, request)) ?? admitted.assignment;
  };
  const orRefused = async <T>(request: Routed, step: Promise<T>): Promise<T> => {
    try {
      return await step;
    } catch (error) {
      await audit.refused(request, error);
      throw error;
    }
  };
  return {
    check: (message) => allowed(routed(message)),
    async admit(message, found) {
      const request = routed(message);
      found?.(request.route.operation.id);
      return orRefused(request, allowed(request));
    },
    async run(admitted, body) {
      const request = toArmRequest(admitted, body);
      const assignment = await orRefused(admitted, requireReady(admitted, request));
      return audit.run({ body: request.body, ...admitted, assignment }, () => admitted.route.operation.handle(request));
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

async function authorize(authorizer: Authorizer, caller: Caller, route: Route): Promise<RoleAssignment | undefined> {
  const { action, allows, attributes } = route.operation;
  if (action === null) return undefined;
  if (allows !== undefined) {
    if (!(await allows(caller))) throw authorizationFailed(caller, action, route.scope);
    return undefined;
  }
  return requireAction(authorizer, caller, action, route.scope, attributes === undefined ? undefined : 'pending');
}

/** @returns undefined where attributes count for nothing */
async function authorizeByAttributes(
  authorizer: Authorizer,
  route: Route,
  request: ArmRequest,
): Promise<RoleAssignment | undefined> {
  const { action, attributes } = route.operation;
  if (action === null || attributes === undefined) return undefined;
  return requireAction(authorizer, request.caller, action, route.scope, await attributes(request));
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
  const { query, headers, caller, origin, url, correlationId, whenGone, route, apiVersion } = admitted;
  return {
    params: route.params,
    query,
    apiVersion: apiVersion.toLowerCase(),
    headers,
    body,
    caller,
    origin,
    url,
    correlationId,
    whenGone,
  };
}
