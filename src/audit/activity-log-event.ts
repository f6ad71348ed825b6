import { createHash } from 'node:crypto';
import type { Guid } from '../base/guid.ts';
import type { JsonObject } from '../base/json.ts';
import type { AdministrativeFacts, AuditEvent } from './audit-event.ts';
import { claimsOf } from './caller-claims.ts';
import { signatureOf } from './vault-audit-event.ts';

/** As an event of the category Administrative in the activity log. Members that nobody here knows are empty or left out.
 * @see Monitor REST, Activity Logs - List, `EventData` */
export function activityLogEvent(event: AuditEvent, it: AdministrativeFacts): JsonObject {
  const ends = it.status !== 'Started';
  const eventName = ends ? 'EndRequest' : 'BeginRequest';
  const eventDataId = eventIdOf(event, it);
  const ticks = `${Date.parse(event.time)}0000`;
  return {
    authorization: {
      action: it.action,
      scope: it.resourceId,
      ...(it.evidence === undefined ? {} : { role: it.evidence.role, evidence: { ...it.evidence } }),
    },
    caller: it.caller.principalName ?? it.caller.appId ?? it.caller.objectId,
    channels: 'Operation',
    claims: { ...claimsOf(it.caller), name: it.caller.displayName },
    correlationId: event.correlationId,
    description: '',
    eventDataId,
    eventName: named(eventName, ends ? 'End request' : 'Begin request'),
    category: named('Administrative'),
    eventTimestamp: event.time,
    id: `${it.resourceId}/events/${eventDataId}/ticks/${ticks}`,
    level: it.status === 'Failed' ? 'Error' : 'Informational',
    operationId: event.requestId,
    operationName: named(it.action),
    resourceGroupName: it.resourceGroupName ?? '',
    resourceProviderName: named(it.resourceProvider),
    resourceType: named(it.resourceType),
    resourceId: it.resourceId,
    status: named(it.status),
    subStatus: subStatusOf(it.httpStatus),
    submissionTimestamp: event.time,
    ...(it.subscriptionId === undefined ? {} : { subscriptionId: it.subscriptionId }),
    tenantId: it.tenantId,
    httpRequest: {
      clientRequestId: event.requestId,
      clientIpAddress: it.clientAddress,
      method: it.method,
      uri: it.requestUri,
    },
    properties: {
      entity: it.resourceId,
      eventCategory: 'Administrative',
      ...(it.httpStatus === undefined ? {} : { statusCode: statusName(it.httpStatus) }),
      // In the service's casing.
      ...(it.requestBody === undefined ? {} : { requestbody: it.requestBody }),
      ...(it.responseBody === undefined ? {} : { responseBody: it.responseBody }),
      ...(it.error === undefined ? {} : { statusMessage: JSON.stringify({ error: { code: it.error.code } }) }),
      ...(it.httpStatus === undefined ? {} : { durationMs: String(event.durationMs) }),
    },
    relatedEvents: [],
  };
}

const named = (value: string, localizedValue = value): JsonObject => ({ value, localizedValue });

/** `NotFound` */
const statusName = (status: number): string => signatureOf(status).replaceAll(/[^A-Za-z]/g, '');

const subStatusOf = (status: number | undefined): JsonObject =>
  status === undefined
    ? named('')
    : named(statusName(status), `${signatureOf(status)} (HTTP Status Code: ${String(status)})`);

/** The same whenever the event is shown; each step of a request has one of its own. */
function eventIdOf({ requestId, time }: AuditEvent, { status }: AdministrativeFacts): Guid {
  const hex = createHash('sha256').update(`${requestId} ${status} ${time}`).digest('hex');
  const [a, b, c, d, e] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(13, 16), hex.slice(17, 20), hex.slice(20, 32)];
  return `${a}-${b}-4${c}-8${d}-${e}` as Guid;
}
