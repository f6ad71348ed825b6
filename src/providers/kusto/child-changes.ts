import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import type { Versioned } from '../../state/state.ts';
import type { StateWrite } from '../../state/state.ts';
import type { Instant } from '../../clock/clock.ts';
import { requireCluster, touchCluster } from './cluster-lookup.ts';
import type { ClusterResource } from './cluster-record.ts';
import { clusterResourceId } from './cluster-record.ts';
import { clusterStatus } from './cluster-status.ts';
import { addressOf, requireNoOperation } from './cluster-store.ts';
import { clusterState } from './cluster-view.ts';
import type { ProvisioningState } from './cluster-view.ts';
import { kustoError } from './kusto-errors.ts';
import { asyncAndLocationHeaders, asyncHeaders } from './operation-results.ts';
import { beginOperation, isUnderWay } from './operation-record.ts';
import type { OperationFailure, OperationKind, ResourceOperation, StartedOperation } from './operation-record.ts';
import type { KustoPorts } from './ports.ts';

/** A cluster whose databases can be read: a suspended one too, since that needs no key.
 * @throws ArmError 404, and 400 `BadRequest` while it is stopped or not there yet */
export async function requireReadable(
  ports: KustoPorts,
  request: ArmRequest,
  action: string,
): Promise<Versioned<ClusterResource>> {
  const found = await requireCluster(ports, addressOf(request));
  const state = clusterState(found.value, await clusterStatus(ports, found.value), ports.clock.now());
  if (state !== 'Running' && state !== 'Unavailable') throw kustoError('ClusterNotRunning', action, state);
  return found;
}

/** Children keep the case in which the request that made them wrote the path; their cluster has one of its own. */
export const requestedClusterId = (request: ArmRequest): string => clusterResourceId(addressOf(request));

/** A cluster in which something can be changed. @throws ArmError as `requireReadable`, for a suspended cluster too, and 409 while an operation is under way */
export async function requireChangeable(
  ports: KustoPorts,
  request: ArmRequest,
  action: string,
): Promise<Versioned<ClusterResource>> {
  const found = await requireCluster(ports, addressOf(request));
  requireNoOperation(ports, found.value);
  const state = clusterState(found.value, await clusterStatus(ports, found.value), ports.clock.now());
  if (state !== 'Running') throw kustoError('ClusterNotRunning', action, state);
  return found;
}

/** As `requireReadable`, with no operation under way: what goes without a key. */
export async function requireSettled(
  ports: KustoPorts,
  request: ArmRequest,
  action: string,
): Promise<Versioned<ClusterResource>> {
  const found = await requireReadable(ports, request, action);
  requireNoOperation(ports, found.value);
  return found;
}

export const beginChildOperation = async (
  ports: KustoPorts,
  request: ArmRequest,
  cluster: ClusterResource,
  kind: OperationKind,
  resourceId: string,
  changes?: true,
  failure?: OperationFailure,
): Promise<StartedOperation> => {
  const about = {
    ...{ kind, subscriptionId: request.params['subscriptionId'] ?? '', location: cluster.location, resourceId },
    ...(changes === undefined ? {} : { changes }),
  };
  const fault = await ports.faults(kind, resourceId);
  return failure === undefined ? beginOperation(ports, about, fault) : beginOperation(ports, about, fault, failure);
};

/** One commit: the child's writes, the operation, and the cluster's record as it is, so that its version tells of every change below it.
 * An operation that is made to fail leaves only its result.
 * @param keepsFailed of a child that is there, as failed, when its own work has failed */
export async function commitChild(
  ports: KustoPorts,
  cluster: Versioned<ClusterResource>,
  operation: StartedOperation,
  writes: readonly StateWrite[],
  keepsFailed = false,
): Promise<void> {
  const fails = operation.kept.failure !== undefined && !keepsFailed;
  await ports.state.commit({ write: fails ? [operation.write] : [...writes, touchCluster(cluster), operation.write] });
}

export const accepted = (request: ArmRequest, operation: StartedOperation): ArmReply => ({
  status: 202,
  headers: asyncAndLocationHeaders(request, operation.record),
});

/** @param status 202 is for a PATCH */
export const begun = (
  request: ArmRequest,
  operation: StartedOperation,
  status: 200 | 201 | 202,
  body: unknown,
): ArmReply => ({
  status,
  headers:
    status === 202 ? asyncAndLocationHeaders(request, operation.record) : asyncHeaders(request, operation.record),
  body,
});

/** @throws ArmError 409 `RequestConflict` */
export function requireChildIdle(
  resource: { readonly id: string; readonly properties: { readonly operation?: ResourceOperation } },
  now: Instant,
): void {
  if (isUnderWay(resource.properties.operation, now)) throw kustoError('RequestConflict', resource.id);
}

export function childProvisioning(operation: ResourceOperation | undefined, now: Instant): ProvisioningState {
  if (!isUnderWay(operation, now)) return 'Succeeded';
  return operation?.changes === true ? 'Running' : 'Creating';
}
