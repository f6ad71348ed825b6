import type { JsonObject } from '../base/json.ts';
import type { AuditEvent, ExportFacts } from './audit-event.ts';
import { claimsOf } from './caller-claims.ts';

/** Azure logs no such thing: a shape of our own, with the names that diagnostic logs of clusters have. */
export const exportEvent = ({ time, correlationId, durationMs }: AuditEvent, it: ExportFacts): JsonObject => ({
  ...{ time, category: 'DataExport', operationName: it.operation, resultType: it.status },
  ...{ resourceId: it.resourceId, correlationId, durationMs },
  identity: { claim: { ...claimsOf(it.caller), name: it.caller.displayName } },
  properties: {
    ...{ cluster: it.clusterName, database: it.database, container: it.container },
    ...(it.rows === undefined ? {} : { rows: it.rows }),
    ...(it.bytes === undefined ? {} : { bytes: it.bytes }),
  },
});
