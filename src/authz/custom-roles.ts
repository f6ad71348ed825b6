import type { Guid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { State, Table } from '../state/state.ts';
import type { RoleLookup } from './decide.ts';
import { isScopeWithin } from './decide.ts';
import type { RoleDefinition } from './role-definitions.ts';
import { findRoleDefinition } from './role-definitions.ts';

/** A role that a tenant made for itself. */
export interface CustomRole extends RoleDefinition {
  /** Subscriptions, groups and resources, as sent; at these and below them it can be assigned, and there alone it counts. */
  readonly assignableScopes: readonly string[];
  /** ISO times on the Kustody clock. */
  readonly createdOn: string;
  readonly updatedOn: string;
  readonly createdBy: Guid;
  readonly updatedBy: Guid;
}

/** Record id: `{tenantId}/{roleDefinitionId}`. */
export const customRoles: Table<CustomRole> = {
  name: 'role-definitions',
  parse: (value) => {
    invariant(isJsonObject(value) && Array.isArray(value['assignableScopes']), 'a custom role has assignable scopes');
    return value as unknown as CustomRole;
  },
};

export const customRoleRecordId = (tenantId: Guid, roleDefinitionId: Guid): string => `${tenantId}/${roleDefinitionId}`;

export const isAssignableAt = ({ assignableScopes }: Pick<CustomRole, 'assignableScopes'>, scope: string): boolean =>
  assignableScopes.some((assignable) => isScopeWithin(scope, assignable));

/** Built-in roles, and those of the tenant among `ids`, for decisions.
 * @returns what a role allows where it is assigned at `scope`; undefined for a role that is not there, or not for this scope */
export async function rolesOf(state: State, tenantId: Guid, ids: readonly Guid[]): Promise<RoleLookup> {
  const custom = new Map<Guid, CustomRole>();
  for (const id of new Set(ids)) {
    if (findRoleDefinition(id) !== undefined) continue;
    const found = await state.get(customRoles, customRoleRecordId(tenantId, id));
    if (found !== undefined) custom.set(id, found.value);
  }
  return (id, scope) => {
    const own = custom.get(id);
    if (own === undefined) return findRoleDefinition(id);
    return isAssignableAt(own, scope) ? own : undefined;
  };
}
