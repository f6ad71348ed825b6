import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import type { JsonObject } from '../../base/json.ts';
import { writeRecord } from '../../state/state.ts';
import type { Versioned } from '../../state/state.ts';
import { toIso } from '../../clock/clock.ts';
import { accepted } from './child-changes.ts';
import { clusterResources } from './cluster-record.ts';
import type { ClusterResource } from './cluster-record.ts';
import type { ClusterSettings } from './cluster-settings.ts';
import { notActing } from './child-row.ts';
import { beginOperation } from './operation-record.ts';
import type { OperationFailure, OperationKind, StartedOperation } from './operation-record.ts';
import type { KustoPorts } from './ports.ts';

interface Posted {
  readonly kind: OperationKind;
  /** What the client finds at the end; absent: nothing. */
  readonly result?: JsonObject;
  readonly failure?: OperationFailure;
  /** Why it has no effect here. */
  readonly idle?: string;
}

async function begin(
  ports: KustoPorts,
  request: ArmRequest,
  { id, location }: ClusterResource,
  { kind, result, failure }: Posted,
): Promise<StartedOperation> {
  const subscriptionId = request.params['subscriptionId'] ?? '';
  const about = { kind, subscriptionId, location, resourceId: id, ...(result === undefined ? {} : { result }) };
  const fault = await ports.faults(kind, id);
  return failure === undefined ? beginOperation(ports, about, fault) : beginOperation(ports, about, fault, failure);
}

const answer = (request: ArmRequest, operation: StartedOperation, { idle }: Posted): ArmReply => {
  const reply = accepted(request, operation);
  return { ...reply, headers: { ...(idle === undefined ? {} : notActing(idle)), ...reply.headers } };
};

/** An operation that changes nothing of the cluster. */
export async function postOperation(
  ports: KustoPorts,
  request: ArmRequest,
  cluster: ClusterResource,
  posted: Posted,
): Promise<ArmReply> {
  const operation = await begin(ports, request, cluster, posted);
  await ports.state.commit({ write: [operation.write] });
  return answer(request, operation, posted);
}

/** An operation that changes a setting: one commit with it. */
export async function postSetting(
  ports: KustoPorts,
  request: ArmRequest,
  found: Versioned<ClusterResource>,
  settings: ClusterSettings,
  idle: string,
): Promise<ArmReply> {
  const posted = { kind: 'ServiceConfigurationAlter', idle } as const;
  const operation = await begin(ports, request, found.value, posted);
  const { properties } = found.value;
  const isBroken = operation.kept.failure !== undefined;
  const next: ClusterResource = isBroken
    ? { ...found.value, properties: { ...properties, operation: operation.kept } }
    : {
        ...found.value,
        changedAt: toIso(ports.clock.now()),
        properties: { ...properties, settings, revision: properties.revision + 1, operation: operation.kept },
      };
  await ports.state.commit({ write: [writeRecord(clusterResources, found.id, found.version, next), operation.write] });
  return answer(request, operation, posted);
}
