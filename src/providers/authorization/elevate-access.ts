import type { ArmOperation, ArmReply } from '../../arm/arm-operation.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import type { Caller } from '../../authz/caller.ts';
import type { RoleAssignment } from '../../authz/decide.ts';
import { assignmentsInTenant, roleAssignmentRecordId, roleAssignments } from '../../authz/role-assignments.ts';
import { builtInRole } from '../../authz/role-definitions.ts';
import type { Guid } from '../../base/guid.ts';
import { guidOfName } from '../../base/name-guid.ts';
import { toIso } from '../../clock/clock.ts';
import { writeRecord } from '../../state/state.ts';
import type { AuthorizationDependencies } from './role-assignment-operations.ts';

/** A Global Administrator of the directory takes User Access Administrator at `/`: the one way to a first role above all subscriptions.
 * @see Microsoft Learn "Elevate access to manage all Azure subscriptions and management groups" */
export function elevateAccessOperation(deps: AuthorizationDependencies): ArmOperation {
  return {
    id: 'GlobalAdministrator_ElevateAccess',
    method: 'POST',
    path: '/providers/Microsoft.Authorization/elevateAccess',
    action: 'Microsoft.Authorization/elevateAccess/action',
    allows: (caller) => isSignedInAdministrator(deps, caller),
    handle: ({ caller }) => retryOnConflict(() => elevate(deps, caller)),
  };
}

/** A user alone. Of an application with the role no source says that Azure lets it. */
const isSignedInAdministrator = async (deps: AuthorizationDependencies, caller: Caller): Promise<boolean> =>
  caller.user !== undefined && (await deps.isGlobalAdministrator(caller.objectId, caller.tenantId));

/** Who has it already keeps it as it is, with its condition. Its id comes of whose it is: two requests at once cannot make two, of which one would stay
 * when the other is taken away. */
async function elevate(deps: AuthorizationDependencies, { objectId, tenantId }: Caller): Promise<ArmReply> {
  const { roleDefinitionId } = builtInRole('User Access Administrator');
  const all = (await assignmentsInTenant(deps.state, tenantId)).map(({ value }) => value);
  const isHeld = all.some(
    (one) => one.scope === '/' && one.principalId === objectId && one.roleDefinitionId === roleDefinitionId,
  );
  if (isHeld) return { status: 200 };
  const now = toIso(deps.clock.now());
  const assignment: RoleAssignment = {
    assignmentId: freeId(all, objectId),
    ...{ scope: '/', tenantId, roleDefinitionId, principalId: objectId, principalType: 'User' },
    ...{ createdOn: now, updatedOn: now, createdBy: objectId },
  };
  await deps.state.commit({
    write: [writeRecord(roleAssignments, roleAssignmentRecordId(assignment), null, assignment)],
  });
  return { status: 200 };
}

/** The first that no assignment of the principal has, whatever that is. */
function freeId(all: readonly RoleAssignment[], principalId: Guid): Guid {
  const taken = new Set(all.filter((one) => one.principalId === principalId).map(({ assignmentId }) => assignmentId));
  for (let round = 0; ; round += 1) {
    const id = guidOfName(`elevated access of ${principalId} ${String(round)}`);
    if (!taken.has(id)) return id;
  }
}
