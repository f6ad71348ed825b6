import type { ArmOperation } from '../../arm/arm-operation.ts';
import type { RoleAssignment } from '../../authz/decide.ts';
import { isScopeWithin } from '../../authz/decide.ts';
import { rolesOf } from '../../authz/custom-roles.ts';
import type { RolePermission } from '../../authz/role-definitions.ts';
import type { JsonObject } from '../../base/json.ts';
import type { AuthorizationDependencies } from './role-assignment-operations.ts';

/** What the caller's own role assignments, and those of its groups, give it at a scope. */
export function permissionOperations({ state, authorizer }: AuthorizationDependencies): readonly ArmOperation[] {
  return [
    {
      id: 'Permissions_ListForScope',
      method: 'GET',
      path: '{scope}/providers/Microsoft.Authorization/permissions',
      action: 'Microsoft.Authorization/permissions/read',
      handle: async ({ caller, params }) => {
        const scope = params['scope'] ?? '/';
        const assignments = (await authorizer.assignmentsOf(caller)).filter((one) => isScopeWithin(scope, one.scope));
        const roleOf = await rolesOf(
          state,
          caller.tenantId,
          assignments.map(({ roleDefinitionId }) => roleDefinitionId),
        );
        const value = assignments.flatMap((assignment) =>
          (roleOf(assignment.roleDefinitionId, assignment.scope)?.permissions ?? []).map((permission) =>
            show(permission, assignment),
          ),
        );
        return { status: 200, body: { value } };
      },
    },
  ];
}

function show({ condition: own, ...permission }: RolePermission, { condition }: RoleAssignment): JsonObject {
  const both = [own, condition].filter((one) => one !== undefined);
  const [only = ''] = both;
  const text = both.length > 1 ? both.map((one) => `(${one})`).join(' AND ') : only;
  return {
    actions: [...permission.actions],
    notActions: [...permission.notActions],
    dataActions: [...permission.dataActions],
    notDataActions: [...permission.notDataActions],
    ...(text === '' ? {} : { condition: text, conditionVersion: '2.0' }),
  };
}
