import type { JsonObject } from '../base/json.ts';
import type { AuditEvent, RootKeyFacts } from './audit-event.ts';
import { claimsOf } from './caller-claims.ts';

/** A shape of our own: no Azure service shows the key that seals its own state. */
export const rootKeyEvent = ({ time, correlationId, durationMs }: AuditEvent, it: RootKeyFacts): JsonObject => ({
  ...{ time, category: 'RootKey', operationName: it.operation, resultType: it.status },
  ...{ correlationId, durationMs },
  identity: { claim: { ...claimsOf(it.caller), name: it.caller.displayName } },
  properties: {
    ...{ from: it.from, to: it.to },
    ...(it.fromKid !== undefined && { fromKid: it.fromKid }),
    ...(it.toKid !== undefined && { toKid: it.toKid }),
  },
});
