import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { findOperation, retryAfterSeconds, statusOf } from '../../arm/long-running.ts';
import type { OperationRecord } from '../../arm/long-running.ts';
import { resourceRecordId } from '../../arm/resource.ts';
import type { Instant } from '../../clock/clock.ts';
import { databaseResources } from './child-records.ts';
import { showChild } from './child-operations.ts';
import { childResources } from './child-resource.ts';
import { clusterStatus } from './cluster-status.ts';
import { childKinds } from './child-kinds.ts';
import { currentCluster } from './cluster-lookup.ts';
import { isKnownIn } from './cluster-settings.ts';
import { showCluster } from './cluster-view.ts';
import { showDatabase } from './databases.ts';
import { kustoNamespace } from './operation-record.ts';
import { serviceTime, statusPath } from './operation-results.ts';
import type { KustoPorts } from './ports.ts';

/** Both forms (OperationsResults_Get, OperationsResultsLocation_Get) share a path; the query decides. */
export function operationResultRows(ports: KustoPorts): readonly ArmOperation[] {
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
        const asLocation = request.query.get('operationresultresponsetype')?.toLowerCase() === 'location';
        return asLocation
          ? locationReply(ports, request, found.value)
          : statusReply(request, found.value, ports.clock.now());
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

/** The end of a POST that asked for something tells it. The end of a PATCH shows what was changed: a `Location` answers as the request would
 * have without waiting, and the JavaScript client takes its body for the resource. (Those of other POSTs and of DELETE are recorded, and
 * empty.) A PUT has no `Location`. */
async function locationReply(ports: KustoPorts, request: ArmRequest, operation: OperationRecord): Promise<ArmReply> {
  const { status } = statusOf(operation, ports.clock.now());
  if (status === 'Running') return { status: 202, headers: runningHeaders };
  const body = status === 'Succeeded' ? await changedResource(ports, request, operation) : undefined;
  return { status: 200, ...(body === undefined ? {} : { body }) };
}

async function changedResource(
  ports: KustoPorts,
  request: ArmRequest,
  { kind, resourceId, detail }: OperationRecord,
): Promise<unknown> {
  if (detail?.['result'] !== undefined) return detail['result'];
  const child = childKinds.find(({ forms }) => Object.values(forms).some(({ write }) => write === kind));
  if (kind !== 'ServiceConfigurationAlter' && kind !== 'DatabaseCreate' && child === undefined) return undefined;
  const clusterId = resourceId.split('/').slice(0, 9).join('/');
  const cluster = (await currentCluster(ports, clusterId))?.value;
  if (cluster === undefined) return undefined;
  if (kind === 'ServiceConfigurationAlter') {
    const status = await clusterStatus(ports, cluster);
    return showCluster(cluster, status, { now: ports.clock.now(), apiVersion: request.apiVersion });
  }
  if (child !== undefined) {
    const found = await ports.state.get(childResources, resourceRecordId(resourceId));
    return found === undefined ? undefined : showChild(child, ports, request, cluster, found.value);
  }
  const database = await ports.state.get(databaseResources, resourceRecordId(resourceId));
  return database === undefined ? undefined : showDatabase(ports, request, cluster, database.value);
}

/** The recorded body: `endTime` is there even while it runs, `percentComplete` is 0.5 or 1. */
function statusReply({ apiVersion }: ArmRequest, operation: OperationRecord, now: Instant): ArmReply {
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
      properties: isSilent(operation, apiVersion)
        ? {}
        : {
            operationKind: operation.kind,
            provisioningState: status,
            operationState: runs ? 'InProgress' : status === 'Succeeded' ? 'Completed' : failedState(operation),
          },
      ...(error === undefined ? {} : { error }),
    },
  };
}

/** Those of data connections say nothing of themselves since 2023, as recorded. */
const isSilent = ({ kind }: OperationRecord, apiVersion: string): boolean =>
  (kind.startsWith('DmService') || kind === 'DataConnectionValidate') && isKnownIn(apiVersion, '2023-01-01');

/** What a script does wrong is told from what went wrong, as recorded. */
const failedState = ({ kind }: OperationRecord): string => (kind.startsWith('DatabaseScript') ? 'BadInput' : 'Failed');
