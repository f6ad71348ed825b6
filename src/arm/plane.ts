import type { FastifyRequest } from 'fastify';
import type { Caller, VerifyToken } from '../authz/caller.ts';
import type { Authorizer } from '../authz/role-assignments.ts';
import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import type { Json } from '../base/json.ts';
import type { RandomBytes } from '../base/random.ts';
import type { Correlation } from '../http/correlation.ts';
import { correlationHeaders } from '../http/correlation.ts';
import type { Log } from '../http/logging.ts';
import { createPlaneApp } from '../http/plane-app.ts';
import type { PlaneAnswer, PlaneFailure } from '../http/plane-failure.ts';
import type { Plane } from '../http/plane.ts';
import type { State } from '../state/state.ts';
import { StateConflictError } from '../state/state-store.ts';
import { ArmError } from './arm-error.ts';
import { armErrors, missingSubscriptionRegistration } from './arm-errors.ts';
import type { ArmProvider, ArmReply, ArmRequest } from './arm-operation.ts';
import { authenticate, wrongTenant } from './authentication.ts';
import { requireAction } from './authorization.ts';
import type { BodyCheck } from './body-check.ts';
import { createBodyCheck } from './body-check.ts';
import { requireUnlocked } from './locks.ts';
import { requireLinkedAccess } from './linked-access.ts';
import { requireResourceGroup } from './resource-groups.ts';
import { containersOfPath, parsePath } from './resource-path.ts';
import type { Route, Router } from './router.ts';
import { createRouter } from './router.ts';
import type { Subscription } from './subscriptions.ts';
import { isRegistered, requireSubscription, subscriptions } from './subscriptions.ts';

export interface ArmPlaneOptions {
  readonly providers: readonly ArmProvider[];
  readonly state: State;
  readonly verifyToken: VerifyToken;
  readonly authorizer: Authorizer;
  /** Named in the challenge when the path names no subscription of ours. */
  readonly tenantId: Guid;
  readonly log: Log;
  readonly randomBytes: RandomBytes;
  /** Milliseconds since 1970, for the routing id. */
  readonly wallClock: () => number;
  readonly monotonicMs?: () => number;
}

interface Plumbing extends ArmPlaneOptions {
  readonly router: Router;
  readonly checkBody: BodyCheck;
}

interface Target {
  readonly segments: readonly string[];
  readonly query: ReadonlyMap<string, string>;
  readonly origin: string;
}

interface Admitted extends Target {
  readonly apiVersion: string;
  readonly caller: Caller;
  readonly route: Route;
  readonly subscription: Subscription | undefined;
}

export const armHost = 'management.azure.com';

/** Azure's own limit for a request. */
const bodyBytesMax = 4 * 1024 * 1024;

/** The resource manager: one wildcard route, dispatched by the rows of all providers. */
export function createArmPlane(options: ArmPlaneOptions): Plane {
  const router = createRouter(options.providers);
  const plumbing: Plumbing = { ...options, router, checkBody: createBodyCheck(router.operations) };
  const admitted = new WeakMap<FastifyRequest, Admitted>();
  const { app, toPlane } = createPlaneApp({
    name: 'arm',
    log: options.log,
    bodyBytesMax,
    relaxedJson: true,
    randomBytes: options.randomBytes,
    ...(options.monotonicMs === undefined ? {} : { monotonicMs: options.monotonicMs }),
    authenticate: async (request) => {
      admitted.set(request, await admit(plumbing, request));
    },
    renderError,
    renderFailure,
    answerHeaders: (correlation) => commonHeaders(correlation, options.wallClock()),
  });
  app.route<{ Body: Json | undefined }>({
    method: ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE'],
    url: '/*',
    handler: async (request, reply) => {
      const admission = admitted.get(request);
      invariant(admission !== undefined, 'a request is admitted before its body is read');
      const answer = await run(plumbing, admission, request);
      await reply
        .code(answer.status)
        .headers(answer.headers ?? {})
        .send(answer.body);
    },
  });
  return toPlane((host) => (host === armHost ? 'serve' : undefined));
}

/** Everything that is decided before the body is read; the order says which error wins. */
async function admit(plumbing: Plumbing, request: FastifyRequest): Promise<Admitted> {
  const target = readTarget(request);
  const apiVersion = requireApiVersion(target);
  const caller = await authenticate(
    plumbing.verifyToken,
    request.headers.authorization,
    await tenantToChallengeWith(plumbing, target),
  );
  const route = plumbing.router.find(request.method, target.segments, apiVersion);
  request.operationId = route.operation.id;
  plumbing.router.requireApiVersion(route, apiVersion);
  const subscription = await subscriptionOf(plumbing.state, target, caller);
  await authorize(plumbing.authorizer, caller, route);
  return { ...target, apiVersion, caller, route, subscription };
}

/** The rest, with the body. */
async function run(
  plumbing: Plumbing,
  admission: Admitted,
  request: FastifyRequest<{ Body: Json | undefined }>,
): Promise<ArmReply> {
  const { route } = admission;
  requireWritable(admission, request.method);
  await requireGroup(plumbing.state, admission, request.method);
  requireRegistration(admission, request.method);
  const { operation, scope } = route;
  if (operation.ignoresLocks !== true) await requireUnlocked(plumbing.state, request.method, scope);
  await requireLinkedAccess(plumbing, { caller: admission.caller, operation, scope, body: request.body });
  plumbing.checkBody(route.operation, request.body);
  return route.operation.handle(toArmRequest(admission, request));
}

/** @throws ArmError 400 for a URL that no client of Azure sends */
function readTarget(request: FastifyRequest): Target {
  const url = request.raw.url ?? '/';
  const [path = '', ...rest] = url.split('?');
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rest.join('?'))) {
    if (!query.has(name.toLowerCase())) query.set(name.toLowerCase(), value);
  }
  const host = request.headers.host ?? armHost;
  if (!/^[a-z0-9.-]+(:\d{1,5})?$/i.test(host)) throw armErrors.InvalidRequestUri();
  return { segments: parsePath(path), query, origin: `https://${host.toLowerCase()}` };
}

function requireApiVersion(target: Target): string {
  const apiVersion = target.query.get('api-version');
  if (apiVersion === undefined || apiVersion === '') throw armErrors.MissingApiVersionParameter();
  return apiVersion.slice(0, 64);
}

async function tenantToChallengeWith(plumbing: Plumbing, target: Target): Promise<Guid> {
  const subscriptionId = parseGuid(containersOfPath(target.segments).subscriptionId ?? '');
  const found = subscriptionId === undefined ? undefined : await plumbing.state.get(subscriptions, subscriptionId);
  return found?.value.tenantId ?? plumbing.tenantId;
}

async function subscriptionOf(state: State, target: Target, caller: Caller): Promise<Subscription | undefined> {
  const { subscriptionId } = containersOfPath(target.segments);
  if (subscriptionId === undefined) return undefined;
  const { value } = await requireSubscription(state, subscriptionId);
  if (value.tenantId !== caller.tenantId) throw wrongTenant(caller.issuer, value.tenantId);
  return value;
}

async function authorize(authorizer: Authorizer, caller: Caller, route: Route): Promise<void> {
  const { action } = route.operation;
  if (action === null) return;
  await requireAction(authorizer, caller, action, route.scope);
}

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD';

function requireWritable(admission: Admitted, method: string): void {
  const { subscription } = admission;
  if (isRead(method) || subscription === undefined || subscription.state === 'Enabled') return;
  throw armErrors.ReadOnlyDisabledSubscription(subscription.subscriptionId);
}

/** Whatever lies in a group needs the group; the rows of groups themselves see to it alone. */
async function requireGroup(state: State, admission: Admitted, method: string): Promise<void> {
  const { subscriptionId, resourceGroupName } = containersOfPath(admission.segments);
  if (subscriptionId === undefined || resourceGroupName === undefined || admission.segments.length === 4) return;
  const group = await requireResourceGroup(state, subscriptionId, resourceGroupName);
  if (group.value.provisioningState === 'Deleting' && !isRead(method)) {
    throw armErrors.ResourceGroupBeingDeleted(group.value.name);
  }
}

function requireRegistration(admission: Admitted, method: string): void {
  const { subscription, route } = admission;
  if (subscription === undefined || isRead(method) || isRegistered(subscription, route.provider.namespace)) return;
  throw missingSubscriptionRegistration(route.provider.namespace);
}

function toArmRequest(admission: Admitted, request: FastifyRequest<{ Body: Json | undefined }>): ArmRequest {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    params: admission.route.params,
    query: admission.query,
    apiVersion: admission.apiVersion.toLowerCase(),
    headers,
    body: request.body,
    caller: admission.caller,
    origin: admission.origin,
    url: request.raw.url ?? '/',
    correlationId: request.correlation.correlationId,
  };
}

/** As recorded answers have them, `x-ms-ratelimit-…` left out: Kustody has no such limits. */
function commonHeaders(correlation: Correlation, wallClockMs: number): Record<string, string> {
  const stamp = new Date(wallClockMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return {
    ...correlationHeaders(correlation),
    'x-ms-routing-request-id': `KUSTODY:${stamp}:${correlation.correlationId}`,
    'cache-control': 'no-cache',
    pragma: 'no-cache',
    expires: '-1',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
  };
}

function renderError(error: unknown): PlaneAnswer | undefined {
  if (error instanceof StateConflictError) return renderError(armErrors.Conflict());
  if (!(error instanceof ArmError)) return undefined;
  const { target, details, headers } = error.extra;
  const body = {
    error: {
      code: error.code,
      message: error.message,
      ...(target === undefined ? {} : { target }),
      ...(details === undefined ? {} : { details: details.map((detail) => ({ ...detail })) }),
    },
  };
  return { status: error.status, ...(headers === undefined ? {} : { headers }), body };
}

const failureCodes: Readonly<Record<PlaneFailure['kind'], string>> = {
  notFound: 'NotFound',
  badUrl: 'InvalidRequestUri',
  bodyTooLarge: 'RequestContentTooLarge',
  badJson: 'InvalidRequestContent',
  badBody: 'InvalidRequestContent',
  busy: 'TooManyRequests',
  storageFull: 'InsufficientStorage',
  unsupportedMediaType: 'UnsupportedMediaType',
  internal: 'InternalServerError',
};

const renderFailure = (failure: PlaneFailure): PlaneAnswer => ({
  status: failure.status,
  body: { error: { code: failureCodes[failure.kind], message: failure.text } },
});
