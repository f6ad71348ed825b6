import { Type } from '@sinclair/typebox';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { requireLinkedAccess } from '../../arm/linked-access.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import type { CustomRole } from '../../authz/custom-roles.ts';
import { customRoleRecordId, customRoles } from '../../authz/custom-roles.ts';
import { isScopeWithin } from '../../authz/decide.ts';
import { roleAssignments } from '../../authz/role-assignments.ts';
import { builtInRoleNamed, findRoleDefinition } from '../../authz/role-definitions.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { toIso } from '../../clock/clock.ts';
import { listAll } from '../../state/list-all.ts';
import type { Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { authorizationErrors } from './authorization-errors.ts';
import type { AuthorizationDependencies } from './role-assignment-operations.ts';
import { readCustomRole } from './custom-role-body.ts';
import { showCustomRole } from './role-definition-operations.ts';

const permissions = Type.Array(Type.String({ maxLength: 512 }), { maxItems: 2048 });
const optional = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]));

const putBody = Type.Object({
  properties: Type.Object({
    roleName: optional(Type.String({ maxLength: 512 })),
    description: optional(Type.String({ maxLength: 2048 })),
    type: optional(Type.String({ maxLength: 64 })),
    assignableScopes: optional(Type.Array(Type.String({ maxLength: 1024 }), { maxItems: 1000 })),
    permissions: optional(
      Type.Array(
        Type.Object({
          actions: optional(permissions),
          notActions: optional(permissions),
          dataActions: optional(permissions),
          notDataActions: optional(permissions),
        }),
        { maxItems: 1 },
      ),
    ),
  }),
});

/** Azure's limit for one tenant. */
const customRolesMax = 5000;

const action = (verb: string): string => `Microsoft.Authorization/roleDefinitions/${verb}`;
const scopesPath = 'properties.assignableScopes';

/** Whoever changes a role must be allowed to at every scope where it can be assigned, now and afterwards. */
const linkedScopes = (verb: string): NonNullable<ArmOperation['links']> => [
  { property: `${scopesPath}[]`, action: action(verb), invalidPath: scopesPath },
];

export function customRoleOperations(deps: AuthorizationDependencies): readonly ArmOperation[] {
  const path = '{scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionId}';
  return [
    {
      id: 'RoleDefinitions_CreateOrUpdate',
      method: 'PUT',
      path,
      action: action('write'),
      body: { schema: putBody, required: true },
      links: linkedScopes('write'),
      handle: (request) => retryOnConflict(() => putRole(deps, request)),
    },
    {
      id: 'RoleDefinitions_Delete',
      method: 'DELETE',
      path,
      action: action('delete'),
      handle: (request) => retryOnConflict(() => deleteRole(deps, request)),
    },
  ];
}

async function putRole(deps: AuthorizationDependencies, request: ArmRequest): Promise<ArmReply> {
  const roleDefinitionId = idOf(request);
  if (findRoleDefinition(roleDefinitionId) !== undefined) throw authorizationErrors.RoleDefinitionExists();
  const sent = readCustomRole(request.body);
  const scope = request.params['scope'] ?? '/';
  if (!sent.assignableScopes.some((one) => isScopeWithin(one, scope) || isScopeWithin(scope, one)))
    throw authorizationErrors.AssignableScopeNotUnderSubscriptionScope(scope);
  const { tenantId } = request.caller;
  const all = await listAll(deps.state, customRoles, `${tenantId}/`);
  const held = all.find(({ value }) => value.roleDefinitionId === roleDefinitionId);
  if (held !== undefined) await requireAtAllScopes(deps, request, 'write', held);
  else if (all.length >= customRolesMax) throw authorizationErrors.RoleDefinitionLimitExceeded();
  const name = sent.roleName.toLowerCase();
  const isNamedSo = ({ value }: Versioned<CustomRole>): boolean => value.roleName.toLowerCase() === name;
  if (builtInRoleNamed(name) !== undefined || all.some((one) => one !== held && isNamedSo(one)))
    throw held === undefined ? authorizationErrors.SameNameExists() : authorizationErrors.SameNameExistsForUpdate();
  const now = toIso(deps.clock.now());
  const by = request.caller.objectId;
  const role: CustomRole = {
    ...sent,
    roleDefinitionId,
    createdOn: held?.value.createdOn ?? now,
    updatedOn: now,
    createdBy: held?.value.createdBy ?? by,
    updatedBy: by,
  };
  const id = customRoleRecordId(tenantId, roleDefinitionId);
  await deps.state.commit({ write: [writeRecord(customRoles, id, held?.version ?? null, role)] });
  const body = showCustomRole(role, request);
  // As of role assignments: the answer to a PUT knows who changed it last, not who made it.
  return { status: 201, body: { ...body, properties: { ...body.properties, createdBy: null } } };
}

async function deleteRole(deps: AuthorizationDependencies, request: ArmRequest): Promise<ArmReply> {
  const roleDefinitionId = idOf(request);
  if (findRoleDefinition(roleDefinitionId) !== undefined) throw authorizationErrors.BuiltInRoleIsFixed();
  const { tenantId } = request.caller;
  const held = await deps.state.get(customRoles, customRoleRecordId(tenantId, roleDefinitionId));
  if (held === undefined) return { status: 204 };
  await requireAtAllScopes(deps, request, 'delete', held);
  const assigned = (await listAll(deps.state, roleAssignments)).map(({ value }) => value);
  // Ids are the tenant's own: another tenant may have a role by the same id, whose assignments lie in its own subscriptions.
  const isUsed = assigned.some(
    (assignment) =>
      assignment.roleDefinitionId === roleDefinitionId &&
      held.value.assignableScopes.some((scope) => inSameSubscription(scope, assignment.scope)),
  );
  if (isUsed) throw authorizationErrors.RoleDefinitionHasAssignments();
  await deps.state.commit({ write: [writeRecord(customRoles, held.id, held.version, null)] });
  return { status: 200, body: showCustomRole(held.value, request) };
}

const inSameSubscription = (left: string, right: string): boolean => subscriptionOf(left) === subscriptionOf(right);
const subscriptionOf = (scope: string): string | undefined => scope.toLowerCase().split('/')[2];

const requireAtAllScopes = (
  deps: AuthorizationDependencies,
  { caller, params }: ArmRequest,
  verb: string,
  { value: { assignableScopes } }: Versioned<CustomRole>,
): Promise<void> =>
  requireLinkedAccess(deps, {
    caller,
    operation: { action: action(verb), links: linkedScopes(verb) },
    scope: params['scope'] ?? '/',
    body: { properties: { assignableScopes } },
  });

function idOf(request: ArmRequest): Guid {
  const sent = request.params['roleDefinitionId'] ?? '';
  const id = parseGuid(sent);
  if (id === undefined) throw authorizationErrors.InvalidRoleDefinitionId(sent);
  return id;
}
