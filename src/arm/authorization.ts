import type { Caller } from '../authz/caller.ts';
import type { AccessQuestion, RoleAssignment } from '../authz/decide.ts';
import type { Authorizer } from '../authz/role-assignments.ts';
import type { ArmError } from './arm-error.ts';
import { armErrors } from './arm-errors.ts';

/** For operations whose action is not known before their handler runs; all others are authorized by the plane.
 * @returns what allows it
 * @throws ArmError 403 `AuthorizationFailed` */
export async function requireAction(
  authorizer: Authorizer,
  caller: Caller,
  action: string,
  scope: string,
  attributes?: AccessQuestion['attributes'],
): Promise<RoleAssignment> {
  const decision = await authorizer.decide(caller, 'action', action, scope, attributes);
  if (!decision.allowed) throw authorizationFailed(caller, action, scope);
  return decision.assignment;
}

export const authorizationFailed = (caller: Caller, action: string, scope: string): ArmError =>
  armErrors.AuthorizationFailed(
    caller.user?.principalName ?? caller.appId ?? caller.objectId,
    caller.objectId,
    action,
    // The service checks what lies above all subscriptions at the provider that is asked.
    scope === '/' ? `/providers/${action.split('/')[0] ?? ''}` : scope,
  );
