import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { findOperation, operationHeaders, retryAfterSeconds, statusOf } from '../../arm/long-running.ts';
import type { OperationRecord } from '../../arm/long-running.ts';
import { instant, toIso } from '../../clock/clock.ts';
import type { Clock, Instant } from '../../clock/clock.ts';
import type { State } from '../../state/state.ts';
import { kustoNamespace } from './operation-record.ts';

const statusPath = (operation: OperationRecord): string =>
  `/subscriptions/${operation.subscriptionId}/providers/${kustoNamespace}/locations/${operation.location ?? ''}/operationResults/${operation.operationId}`;

/** `Azure-AsyncOperation` alone, as the service sends for PUT: clients then read the resource when it is over. For PATCH it was seen to
 * send `Location`, too, whose answer is empty: the JavaScript client would take that for the cluster. */
export const asyncHeaders = (request: ArmRequest, operation: OperationRecord): Readonly<Record<string, string>> =>
  operationHeaders(request, statusPath(operation), { asyncOperation: true });

/** For POST and DELETE the service sends `Location` as well: the same address with another answer. */
export const asyncAndLocationHeaders = (
  request: ArmRequest,
  operation: OperationRecord,
): Readonly<Record<string, string>> =>
  operationHeaders(request, statusPath(operation), {
    asyncOperation: true,
    location: true,
    locationQuery: '&operationResultResponseType=Location',
  });

/** Both forms (OperationsResults_Get, OperationsResultsLocation_Get) share a path; the query decides. */
export function operationResultRows(ports: { readonly state: State; readonly clock: Clock }): readonly ArmOperation[] {
  return [
    {
      id: 'OperationsResults_Get',
      method: 'GET',
      path: '/subscriptions/{subscriptionId}/providers/Microsoft.Kusto/locations/{location}/operationResults/{operationId}',
      action: 'Microsoft.Kusto/locations/operationResults/read',
      handle: async (request) => {
        const { operationId = '', subscriptionId = '' } = request.params;
        const found = await findOperation(ports.state, operationId, { provider: kustoNamespace, subscriptionId });
        if (found === undefined) throw armErrors.OperationNotFound(operationId);
        const now = ports.clock.now();
        const asLocation = request.query.get('operationresultresponsetype')?.toLowerCase() === 'location';
        return asLocation ? locationReply(found.value, now) : statusReply(found.value, now);
      },
    },
  ];
}

const runningHeaders = { 'retry-after': String(retryAfterSeconds) };

/** As in recorded answers: the same for every poll of an operation, and another id than its own. */
function activityHeader({ detail, operationId }: OperationRecord): Readonly<Record<string, string>> {
  const id = detail?.['rootActivityId'];
  return { 'x-ms-operation-root-activity-id': typeof id === 'string' ? id : operationId };
}

function locationReply(operation: OperationRecord, now: Instant): ArmReply {
  return statusOf(operation, now).status === 'Running' ? { status: 202, headers: runningHeaders } : { status: 200 };
}

/** The recorded body: `endTime` is there even while it runs, `percentComplete` is 0.5 or 1. */
function statusReply(operation: OperationRecord, now: Instant): ArmReply {
  const { status, error } = statusOf(operation, now);
  const runs = status === 'Running';
  return {
    status: 200,
    headers: { ...activityHeader(operation), ...(runs ? runningHeaders : {}) },
    body: {
      id: statusPath(operation).replace('/operationResults/', '/operationresults/'),
      name: operation.operationId,
      status,
      startTime: serviceTime(operation.startedAt),
      endTime: serviceTime(runs ? now : operation.completesAt),
      percentComplete: runs ? 0.5 : 1,
      properties: {
        operationKind: operation.kind,
        provisioningState: status,
        operationState: runs ? 'InProgress' : status === 'Succeeded' ? 'Completed' : 'Failed',
      },
      ...(error === undefined ? {} : { error }),
    },
  };
}

/** The service writes seven digits after the second. @param fraction the four beyond the millisecond */
export const serviceTime = (milliseconds: number, fraction = 0): string =>
  toIso(instant(milliseconds)).replace('Z', `${String(fraction % 10_000).padStart(4, '0')}Z`);
