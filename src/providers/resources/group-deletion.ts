import { ArmError } from '../../arm/arm-error.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { dropDiagnosticSettingsWithin } from '../../arm/diagnostic-settings.ts';
import { dropLocksWithin } from '../../arm/locks.ts';
import type { NewOperation, OperationRecord } from '../../arm/long-running.ts';
import {
  armOperations,
  findOperation,
  finishedOperation,
  operationHeaders,
  startOperation,
  statusOf,
} from '../../arm/long-running.ts';
import type { ResourceGroup } from '../../arm/resource-groups.ts';
import { requireResourceGroup, resourceGroups } from '../../arm/resource-groups.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import { dropAssignmentsWithin } from '../../authz/role-assignments.ts';
import { invariant } from '../../base/invariant.ts';
import { listIntact, unlessDamaged } from '../../state/list-all.ts';
import type { StateWrite } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { detailOf } from './deployments/deployment-errors.ts';
import { removeDeploymentsWithin } from './deployments/deployment-record.ts';
import type { ResourcesDependencies } from './resources-dependencies.ts';

const provider = 'Microsoft.Resources';

/** Commits in this order: the group is being deleted and an operation says so → each provider's resources are gone → the group,
 * its role assignments and the operation's outcome, together. A crash in between leaves a group in state Deleting, which
 * `resumeGroupDeletions` finishes. */
export async function deleteGroup(deps: ResourcesDependencies, request: ArmRequest): Promise<ArmReply> {
  const { subscriptionId = '', resourceGroupName = '' } = request.params;
  const operation = await retryOnConflict(() => beginDeletion(deps, subscriptionId, resourceGroupName));
  await finishDeletion(deps, operation);
  const headers = operationHeaders(request, statusPath(operation), { location: true });
  return { status: 202, headers };
}

const statusPath = (operation: OperationRecord): string =>
  `/subscriptions/${operation.subscriptionId}/operationresults/${operation.operationId}`;

/** A group that is being deleted already keeps its operation: whoever asks again helps to finish it. */
async function beginDeletion(
  deps: ResourcesDependencies,
  subscriptionId: string,
  name: string,
): Promise<OperationRecord> {
  const found = await requireResourceGroup(deps.state, subscriptionId, name);
  if (found.value.provisioningState === 'Deleting') return runningDeletion(deps, found.value);
  const { operation, write } = startOperation(deps.randomBytes, deletionOf(deps, found.value));
  const deletionOperationId = operation.operationId;
  const deleting: ResourceGroup = { ...found.value, provisioningState: 'Deleting', deletionOperationId };
  await deps.state.commit({ write: [writeRecord(resourceGroups, found.id, found.version, deleting), write] });
  return operation;
}

const deletionOf = (deps: ResourcesDependencies, group: ResourceGroup): NewOperation => ({
  kind: 'ResourceGroupDelete',
  provider,
  subscriptionId: group.id.split('/')[2]?.toLowerCase() ?? '',
  resourceId: group.id,
  startedAt: deps.clock.now(),
});

/** Made again when its record was damaged: what it says can be said again. */
async function runningDeletion(deps: ResourcesDependencies, group: ResourceGroup): Promise<OperationRecord> {
  const { deletionOperationId } = group;
  invariant(deletionOperationId !== undefined, 'a group in state Deleting has a running operation');
  const running = await deps.state.get(armOperations, deletionOperationId);
  if (running !== undefined) return running.value;
  const again = {
    ...startOperation(deps.randomBytes, deletionOf(deps, group)).operation,
    operationId: deletionOperationId,
  };
  await deps.state.commit({ write: [writeRecord(armOperations, deletionOperationId, null, again)] });
  return again;
}

async function finishDeletion(deps: ResourcesDependencies, operation: OperationRecord): Promise<void> {
  const groupId = operation.resourceId;
  try {
    for (const each of deps.providers) await each.deleteInGroup?.(groupId);
    await retryOnConflict(() => removeDeploymentsWithin(deps.state, groupId));
  } catch (error) {
    if (!(error instanceof ArmError)) throw error; // stays Deleting, and is finished at the next start
    await retryOnConflict(() => endDeletion(deps, operation, error));
    return;
  }
  await retryOnConflict(() => endDeletion(deps, operation, undefined));
}

async function endDeletion(
  deps: ResourcesDependencies,
  operation: OperationRecord,
  failure: ArmError | undefined,
): Promise<void> {
  const group = await deps.state.get(resourceGroups, operation.resourceId.toLowerCase());
  const isEnded =
    group?.value.provisioningState !== 'Deleting' || group.value.deletionOperationId !== operation.operationId;
  if (isEnded) return; // by somebody else
  const running = await deps.state.get(armOperations, operation.operationId);
  invariant(running !== undefined, 'a running operation has a record');
  const kept: ResourceGroup | null = failure === undefined ? null : { ...group.value, provisioningState: 'Succeeded' };
  const outcome =
    failure === undefined
      ? ({ status: 'Succeeded' } as const)
      : ({ status: 'Failed', error: detailOf(failure) } as const);
  await deps.state.commit({
    write: [
      writeRecord(resourceGroups, group.id, group.version, kept),
      finishedOperation(running, outcome, deps.clock.now()),
      ...(failure === undefined ? await whatGoesWith(deps, operation.resourceId) : []),
    ],
  });
}

const whatGoesWith = async (deps: ResourcesDependencies, groupId: string): Promise<readonly StateWrite[]> => [
  ...(await dropAssignmentsWithin(deps.state, groupId)),
  ...(await dropLocksWithin(deps.state, groupId)),
  ...(await dropDiagnosticSettingsWithin(deps.state, groupId)),
];

/** Finishes what a crash has interrupted. Run once at start, before requests are taken. */
export async function resumeGroupDeletions(deps: ResourcesDependencies): Promise<void> {
  for (const { value } of await listIntact(deps.state, resourceGroups)) {
    if (value.provisioningState !== 'Deleting') continue;
    await unlessDamaged(async () => finishDeletion(deps, await runningDeletion(deps, value)));
  }
}

/** The `Location` of a group deletion, and of what-if. The id of a deletion is the permission to look at it, as everyone who can see it was
 * given it; what-if shows resources, so it is for whoever asked alone, and as long as they may ask. */
export function operationResultOperation(deps: ResourcesDependencies): ArmOperation {
  return {
    id: 'OperationResults_Get',
    method: 'GET',
    path: '/subscriptions/{subscriptionId}/operationresults/{operationId}',
    action: null,
    handle: async (request) => {
      const { subscriptionId = '', operationId = '' } = request.params;
      const { caller, correlationId } = request;
      const answer = deps.results.get(operationId.toLowerCase());
      if (answer?.objectId === caller.objectId) {
        const query = { 'api-version': request.apiVersion };
        await deps.calls.check({ method: 'POST', path: answer.path, query, caller, correlationId });
        return { status: 200, body: answer.body };
      }
      const found = await findOperation(deps.state, operationId, { provider, subscriptionId });
      if (found === undefined) throw armErrors.OperationNotFound(operationId);
      const { status, error } = statusOf(found.value, deps.clock.now());
      if (status === 'Running') {
        return { status: 202, headers: operationHeaders(request, statusPath(found.value), { location: true }) };
      }
      if (error !== undefined) {
        const { code, message, details } = error;
        throw new ArmError(409, code, message, details === undefined ? {} : { details });
      }
      return { status: 200 };
    },
  };
}

/** The same for what was asked above all subscriptions: what-if alone. */
export const tenantResultOperation = (deps: ResourcesDependencies): ArmOperation => ({
  ...operationResultOperation(deps),
  ...{ id: 'OperationResults_GetAtTenantScope', path: '/operationresults/{operationId}' },
});
