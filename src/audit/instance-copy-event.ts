import type { JsonObject } from '../base/json.ts';
import type { AuditEvent, InstanceCopyFacts } from './audit-event.ts';
import { claimsOf } from './caller-claims.ts';

/** A shape of our own: no Azure service can be copied as a whole. */
export const instanceCopyEvent = (
  { time, correlationId, durationMs }: AuditEvent,
  it: InstanceCopyFacts,
): JsonObject => ({
  ...{ time, category: 'InstanceCopy', operationName: it.operation, resultType: it.status },
  ...{ correlationId, durationMs },
  identity: { claim: { ...claimsOf(it.caller), name: it.caller.displayName } },
  properties: { place: it.place },
});
