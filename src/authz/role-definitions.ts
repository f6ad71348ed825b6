import { parseGuid } from '../base/guid.ts';
import type { Guid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import builtInRoles from './built-in-roles.json' with { type: 'json' };
import { roleDescriptions } from './role-descriptions.ts';

/** Actions on the resource manager, data actions on what resources hold. `not…` takes away from this permission only. */
export interface RolePermission {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly dataActions: readonly string[];
  readonly notDataActions: readonly string[];
  /** Without it being true the permission allows nothing. */
  readonly condition?: string;
}

/** What a role allows: what one of its permissions does. */
export interface RoleDefinition {
  readonly roleDefinitionId: Guid;
  readonly roleName: string;
  /** Empty for most built-in roles. */
  readonly description: string;
  readonly permissions: readonly RolePermission[];
}

interface RoleRow {
  readonly id: string;
  readonly roleName: string;
  readonly permissions: readonly Partial<RolePermission>[];
}

const none: readonly string[] = [];

/** All of Azure's on the date that stands in the file, which `scripts/built-in-roles.mjs` makes. */
export const roleDefinitions: readonly RoleDefinition[] = builtInRoles.roles.map((row: RoleRow) => {
  const roleDefinitionId = parseGuid(row.id);
  invariant(roleDefinitionId !== undefined, 'a role definition is named by a GUID');
  return {
    roleDefinitionId,
    roleName: row.roleName,
    description: roleDescriptions[row.id] ?? '',
    permissions: row.permissions.map((permission) => ({
      ...{ actions: none, notActions: none, dataActions: none, notDataActions: none },
      ...permission,
    })),
  };
});

const definitionById = new Map(roleDefinitions.map((definition) => [definition.roleDefinitionId, definition]));

export const findRoleDefinition = (id: Guid): RoleDefinition | undefined => definitionById.get(id);

const definitionByName = new Map(roleDefinitions.map((definition) => [definition.roleName.toLowerCase(), definition]));

/** Without regard to case. */
export const builtInRoleNamed = (roleName: string): RoleDefinition | undefined =>
  definitionByName.get(roleName.toLowerCase());

/** For code that names a built-in role. */
export function builtInRole(roleName: string): RoleDefinition {
  const found = builtInRoleNamed(roleName);
  invariant(found !== undefined, `${roleName} is a built-in role`);
  return found;
}
