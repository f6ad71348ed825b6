import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { instant } from '../../clock/clock.ts';
import { writeRecord } from '../../state/state.ts';
import type { Versioned } from '../../state/state.ts';
import type { ClusterKeyStatus, Suspension } from '../../encryption/cluster-keys.ts';
import { keyFailureError } from './cmk-errors.ts';
import type { SeenKey } from './cmk-remedies.ts';
import { seenKey } from './key-step.ts';
import type { ChildResource } from './child-resource.ts';
import { clusterStatus } from './cluster-status.ts';
import { kustoError } from './kusto-errors.ts';
import { attachedBelow, followersOf, leadersOf } from './following.ts';
import { findCluster, requireCluster } from './cluster-lookup.ts';
import { removeCluster } from './cluster-removal.ts';
import { clusterResources } from './cluster-record.ts';
import type { ClusterAddress, ClusterResource } from './cluster-record.ts';
import { addressOf, requireNoOperation } from './cluster-store.ts';
import { asyncAndLocationHeaders } from './operation-results.ts';
import { beginOperation } from './operation-record.ts';
import type { OperationFailure, OperationKind, StartedOperation } from './operation-record.ts';
import type { KustoPorts } from './ports.ts';

const accepted = (request: ArmRequest, operation: StartedOperation): ArmReply => ({
  status: 202,
  headers: asyncAndLocationHeaders(request, operation.record),
});

async function begin(
  ports: KustoPorts,
  request: ArmRequest,
  cluster: ClusterResource,
  kind: OperationKind,
  failure?: OperationFailure,
): Promise<StartedOperation> {
  const subscriptionId = request.params['subscriptionId'] ?? '';
  const fault = await ports.faults(kind, cluster.id);
  const about = { kind, subscriptionId, location: cluster.location, resourceId: cluster.id };
  return failure === undefined ? beginOperation(ports, about, fault) : beginOperation(ports, about, fault, failure);
}

const withOperation = (cluster: ClusterResource, operation: StartedOperation, running: boolean): ClusterResource => ({
  ...cluster,
  properties: { ...cluster.properties, running, operation: operation.kept },
});

/** Stopped first in the record, then the process ends: after a crash in between, nobody starts it again. Stopping what is stopped is no error. */
export async function stopCluster(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const found = await requireCluster(ports, addressOf(request));
  requireNoOperation(ports, found.value);
  if (!found.value.properties.running) return { status: 200 };
  const operation = await begin(ports, request, found.value, 'ClusterSuspend');
  const running = operation.kept.failure !== undefined;
  await ports.state.commit({
    write: [
      writeRecord(clusterResources, found.id, found.version, withOperation(found.value, operation, running)),
      operation.write,
    ],
  });
  if (!running) await ports.keys.stop(found.value.properties.clusterId);
  return accepted(request, operation);
}

/** Starts a stopped cluster, does nothing to one that runs, and has a suspended one ask its vault at once. The operation fails with the reason while the key is out of reach. */
export async function startCluster(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const found = await requireCluster(ports, addressOf(request));
  requireNoOperation(ports, found.value);
  const { clusterId, running } = found.value.properties;
  const attached = await attachedBelow(ports, found.value.id);
  const before = await clusterStatus(ports, found.value, attached);
  if (running && before?.suspension === undefined) {
    const nothing = await begin(ports, request, found.value, 'ClusterResume');
    await ports.state.commit({ write: [nothing.write] });
    return accepted(request, nothing);
  }
  const own = await ports.keys.recheck(clusterId, { startStopped: true });
  const { suspension, custody } =
    own.suspension === undefined ? { ...own, ...(await recheckLeaders(ports, attached)) } : own;
  const failure = suspension === undefined ? undefined : startFailure(await seenKey(ports, custody), suspension);
  const operation = await begin(ports, request, found.value, 'ClusterResume', failure);
  const isBroken = operation.kept.failure !== undefined && failure === undefined;
  // The cluster counts as started even while its key is away: it resumes by itself, so the failure is not kept with it.
  const { failure: told, ...kept } = operation.kept;
  const shown = isBroken && told !== undefined ? operation : { ...operation, kept };
  const wanted = withOperation(found.value, shown, running || !isBroken);
  const next = operation.kept.failure === undefined ? withoutHold(wanted) : wanted;
  await ports.state.commit({ write: [writeRecord(clusterResources, found.id, found.version, next), operation.write] });
  if (!next.properties.running) await ports.keys.stop(clusterId);
  return accepted(request, operation);
}

/** A follower comes back when each leader has its key: those that have not are asked once more.
 * @returns what is known of the first that is suspended still */
async function recheckLeaders(
  ports: KustoPorts,
  attached: readonly ChildResource[],
): Promise<Pick<ClusterKeyStatus, 'custody' | 'suspension'> | undefined> {
  for (const { properties } of await leadersOf(ports, attached)) {
    if ((await ports.keys.status(properties.clusterId))?.suspension === undefined) continue;
    const status = await ports.keys.recheck(properties.clusterId);
    if (status.suspension !== undefined) return status;
  }
  return undefined;
}

function withoutHold(cluster: ClusterResource): ClusterResource {
  const kept = Object.entries(cluster.properties).filter(([name]) => name !== 'heldByLeader');
  return { ...cluster, properties: Object.fromEntries(kept) as ClusterResource['properties'] };
}

/** With the code that setting such a key would be refused with. Errors from behind the resource provider say so in front of their text. */
function startFailure(key: SeenKey | undefined, { failure }: Suspension): OperationFailure {
  const error = keyFailureError(key, failure);
  const { details } = error.extra;
  return {
    code: error.code,
    message: `[BadRequest] ${error.message}`,
    ...(details === undefined ? {} : { details: details.map((detail) => ({ ...detail })) }),
  };
}

/** 204 when there is no such cluster. */
export async function deleteCluster(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const at = addressOf(request);
  const found = await findCluster(ports, at);
  if (found === undefined) return { status: 204 };
  requireNoOperation(ports, found.value);
  if ((await followersOf(ports, found.value)).length > 0) throw kustoError('StillFollowed', found.value.id);
  const operation = await begin(ports, request, found.value, 'ClusterDelete');
  if (operation.kept.failure === undefined && operation.kept.completesAt <= ports.clock.now()) {
    await removeCluster(ports, found, [operation.write]);
    return accepted(request, operation);
  }
  await markDeleting(ports, at, found, operation);
  return accepted(request, operation);
}

/** A deletion that takes its time: the record says when it is over, and whoever looks then removes the cluster. The timer only makes it prompt. */
async function markDeleting(
  ports: KustoPorts,
  at: ClusterAddress,
  found: Versioned<ClusterResource>,
  operation: StartedOperation,
): Promise<void> {
  const fails = operation.kept.failure !== undefined;
  const next = withOperation(found.value, operation, fails && found.value.properties.running);
  await ports.state.commit({ write: [writeRecord(clusterResources, found.id, found.version, next), operation.write] });
  if (fails) return;
  await ports.keys.stop(found.value.properties.clusterId);
  ports.clock.at(instant(operation.kept.completesAt), async () => {
    await findCluster(ports, at);
  });
}
