import type { JsonObject } from '../base/json.ts';
import type { AuditEvent, RoleFacts } from './audit-event.ts';
import { claimsOf } from './caller-claims.ts';

/** With the members that all diagnostic logs have; the category is our own.
 * @see Azure Monitor, "Common and service-specific schemas for resource logs" */
export const roleEvent = ({ time, correlationId, requestId, durationMs }: AuditEvent, it: RoleFacts): JsonObject => ({
  time,
  category: 'RoleChange',
  operationName: it.operation,
  resultType: it.status,
  durationMs: String(durationMs),
  correlationId,
  resourceId: it.resourceId.toUpperCase(),
  identity: { claim: claimsOf(it.caller) },
  properties: { rootActivityId: requestId, on: it.on, role: it.role, principals: [...it.principals] },
});
