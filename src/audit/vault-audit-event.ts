import { STATUS_CODES } from 'node:http';
import type { JsonObject } from '../base/json.ts';
import type { AuditEvent, VaultFacts } from './audit-event.ts';
import { claimsOf } from './caller-claims.ts';

/** As a record of the category AuditEvent of Key Vault's diagnostic logs. Members that nobody here knows are left out.
 * @see Azure Key Vault logging, "Interpret your Key Vault logs" */
export function vaultAuditEvent({ time, correlationId, durationMs }: AuditEvent, it: VaultFacts): JsonObject {
  const isSuccess = it.status < 400;
  return {
    time,
    category: 'AuditEvent',
    operationName: it.operation,
    ...(it.apiVersion === undefined ? {} : { operationVersion: it.apiVersion }),
    resultType: isSuccess ? 'Success' : 'Failed',
    resultSignature: signatureOf(it.status),
    resultDescription: it.error === undefined ? '' : errorText(it),
    durationMs: String(durationMs),
    callerIpAddress: it.clientAddress,
    correlationId,
    resourceId: it.resourceId.toUpperCase(),
    identity: { claim: claimsOf(it.caller) },
    properties: {
      id: it.id ?? `https://${it.vaultName}.vault.azure.net/`,
      ...(it.clientInfo === undefined ? {} : { clientInfo: it.clientInfo }),
      ...(it.requestUri === undefined ? {} : { requestUri: it.requestUri }),
      httpStatusCode: it.status,
      ...(it.access === 'policy' ? { isAccessPolicyMatch: true } : {}),
      ...(it.access === 'role' ? { isRbacAuthorized: true } : {}),
      ...(it.assignmentId === undefined ? {} : { appliedAssignmentId: it.assignmentId }),
    },
  };
}

/** `OK`, `Forbidden`, `Not Found`: the name of the status. */
export const signatureOf = (status: number): string => STATUS_CODES[status] ?? String(status);

const errorText = ({ error }: VaultFacts): string =>
  [error?.code, error?.inner].filter((code) => code !== undefined).join(': ');
