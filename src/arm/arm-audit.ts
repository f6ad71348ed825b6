import type { AdministrativeFacts, AuditEvent, AuditEvidence } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Caller } from '../authz/caller.ts';
import { rolesOf } from '../authz/custom-roles.ts';
import type { RoleAssignment } from '../authz/decide.ts';
import { parseGuid } from '../base/guid.ts';
import { newGuid } from '../base/new-guid.ts';
import type { RandomBytes } from '../base/random.ts';
import type { Clock } from '../clock/clock.ts';
import { toIso } from '../clock/clock.ts';
import type { State } from '../state/state.ts';
import { StateConflictError } from '../state/state-store.ts';
import { ArmError } from './arm-error.ts';
import type { ArmReply } from './arm-operation.ts';
import { containersOfPath } from './resource-path.ts';
import type { Route } from './router.ts';

/** A request whose operation is known. */
interface AuditedRequest {
  readonly method: string;
  readonly segments: readonly string[];
  readonly caller: Caller;
  readonly correlationId: string;
  readonly apiVersion: string;
  readonly route: Route;
  /** Missing where a request comes from within. */
  readonly clientAddress?: string | undefined;
}

/** Tells the activity log of every request that changes something. */
export interface ArmAudit {
  /** Runs it. That it was started is durable before it does anything, and how it ended before anybody learns it. */
  run(
    request: AuditedRequest & { readonly assignment: RoleAssignment | undefined; readonly body?: unknown },
    run: () => Promise<ArmReply>,
  ): Promise<ArmReply>;
  /** It was refused before it could do anything. */
  refused(request: AuditedRequest, error: unknown): Promise<void>;
}

/** Reads are in no activity log, nor what needs no right. A POST may be a read. */
function isAudited({ method, route }: AuditedRequest): boolean {
  const { action } = route.operation;
  return action !== null && method !== 'GET' && method !== 'HEAD' && !action.toLowerCase().endsWith('/read');
}

export function createArmAudit(parts: {
  readonly state: State;
  readonly audit: Pick<AuditLog, 'commit'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly randomBytes: RandomBytes;
}): ArmAudit {
  const { audit, clock } = parts;
  const eventOf = (facts: AdministrativeFacts, ids: Ids, since: number): AuditEvent => ({
    ...ids,
    time: toIso(clock.now()),
    durationMs: Math.max(0, clock.now() - since),
    facts,
  });
  return {
    async run(request, run) {
      if (!isAudited(request)) return run();
      const ids = idsOf(request, parts.randomBytes);
      const since = clock.now();
      const evidence = await evidenceOf(parts.state, request.caller, request.assignment);
      const facts = { ...factsOf(request), ...(evidence === undefined ? {} : { evidence }) };
      const end = (ended: Ended): Promise<void> =>
        audit.commit({ events: [eventOf({ ...facts, ...ended }, ids, since)] });
      const asked = textOf('requestBody', request, request.body);
      await audit.commit({ events: [eventOf({ ...facts, status: 'Started', ...asked }, ids, since)] });
      let reply: ArmReply;
      try {
        reply = await run();
      } catch (error) {
        await end(failureOf(error));
        throw error;
      }
      const taken = request.method === 'DELETE' ? textOf('responseBody', request, reply.body) : {};
      await end({ status: statusOf(reply), httpStatus: reply.status, ...taken });
      return reply;
    },
    async refused(request, error) {
      if (!isAudited(request)) return;
      const facts = { ...factsOf(request), ...failureOf(error) };
      await audit.commit({ events: [eventOf(facts, idsOf(request, parts.randomBytes), clock.now())] });
    },
  };
}

type Ids = Pick<AuditEvent, 'requestId' | 'correlationId'>;
type Ended = Pick<AdministrativeFacts, 'status' | 'httpStatus' | 'error' | 'responseBody'>;

/** Types whose bodies say who gets which right. They hold no secret; of all others no body is in the log. */
const rights: ReadonlySet<string> = new Set(['roleassignments', 'roledefinitions']);
const bodyCharsMax = 8 * 1024;

function textOf(
  name: 'requestBody' | 'responseBody',
  { route }: AuditedRequest,
  body: unknown,
): Pick<AdministrativeFacts, 'requestBody' | 'responseBody'> {
  const { provider, resourceType } = route;
  const isOfRights =
    provider.namespace === 'Microsoft.Authorization' && rights.has(resourceType.resourceType.toLowerCase());
  if (!isOfRights || body === undefined || body === null) return {};
  const text = JSON.stringify(body);
  return text.length > bodyCharsMax ? {} : { [name]: text };
}

function idsOf({ correlationId }: AuditedRequest, randomBytes: RandomBytes): Ids {
  const requestId = newGuid(randomBytes);
  return { requestId, correlationId: parseGuid(correlationId) ?? requestId };
}

function factsOf(request: AuditedRequest): Omit<AdministrativeFacts, 'status'> {
  const { method, segments, caller, route, apiVersion } = request;
  const { subscriptionId, resourceGroupName } = containersOfPath(segments);
  const { namespace } = route.provider;
  return {
    kind: 'administrative',
    tenantId: caller.tenantId,
    ...(subscriptionId === undefined ? {} : { subscriptionId: subscriptionId.toLowerCase() }),
    ...(resourceGroupName === undefined ? {} : { resourceGroupName }),
    resourceProvider: namespace,
    resourceType: `${namespace}/${route.resourceType.resourceType}`,
    resourceId: `/${segments.slice(0, method === 'POST' ? -1 : undefined).join('/')}`,
    action: route.operation.action ?? '',
    operation: route.operation.id,
    method,
    requestUri: `https://management.azure.com/${segments.join('/')}?api-version=${apiVersion.slice(0, 64)}`,
    caller: {
      objectId: caller.objectId,
      ...(caller.appId === undefined ? {} : { appId: caller.appId }),
      tenantId: caller.tenantId,
      displayName: caller.displayName,
      ...(caller.user === undefined ? {} : { principalName: caller.user.principalName }),
    },
    clientAddress: request.clientAddress ?? '',
  };
}

/** What is accepted goes on after the answer. */
const statusOf = ({ status, headers }: ArmReply): AdministrativeFacts['status'] =>
  status === 202 || headers?.['azure-asyncoperation'] !== undefined ? 'Accepted' : 'Succeeded';

/** Its code alone: a message may repeat what the request said. */
function failureOf(error: unknown): Ended {
  if (error instanceof ArmError) return { status: 'Failed', httpStatus: error.status, error: { code: error.code } };
  if (error instanceof StateConflictError) return { status: 'Failed', httpStatus: 409, error: { code: 'Conflict' } };
  return { status: 'Failed', httpStatus: 500, error: { code: 'InternalServerError' } };
}

async function evidenceOf(
  state: State,
  caller: Caller,
  assignment: RoleAssignment | undefined,
): Promise<AuditEvidence | undefined> {
  if (assignment === undefined) return undefined;
  const { roleDefinitionId, scope, assignmentId, principalId, principalType } = assignment;
  const roleOf = await rolesOf(state, caller.tenantId, [roleDefinitionId]);
  return {
    role: roleOf(roleDefinitionId, scope)?.roleName ?? '',
    ...{ roleAssignmentScope: scope, roleAssignmentId: assignmentId, roleDefinitionId, principalId, principalType },
  };
}
