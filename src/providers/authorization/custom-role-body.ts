import { armErrors } from '../../arm/arm-errors.ts';
import type { CustomRole } from '../../authz/custom-roles.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { authorizationErrors } from './authorization-errors.ts';

type SentRole = Omit<CustomRole, 'roleDefinitionId' | 'createdOn' | 'updatedOn' | 'createdBy' | 'updatedBy'>;

/** @param body of a PUT, of the shape that the operation's schema says
 * @throws ArmError 400 for a type, a name, scopes or actions that no custom role has; 501 for management groups */
export function readCustomRole(body: Json | undefined): SentRole {
  const properties = objectIn(body, 'properties');
  const type = textIn(properties, 'type');
  if (type !== '' && type.toLowerCase() !== 'customrole') throw authorizationErrors.InvalidRoleDefinitionType(type);
  const roleName = textIn(properties, 'roleName').trim();
  if (roleName === '') throw authorizationErrors.RoleDefinitionNameNullOrEmpty();
  const [permission] = Array.isArray(properties['permissions']) ? (properties['permissions'] as readonly Json[]) : [];
  const granted = isJsonObject(permission) ? permission : {};
  return {
    roleName,
    description: textIn(properties, 'description'),
    assignableScopes: readScopes(textsIn(properties, 'assignableScopes')),
    permissions: [
      {
        actions: readActions(granted, 'actions'),
        notActions: readActions(granted, 'notActions'),
        dataActions: readActions(granted, 'dataActions'),
        notDataActions: readActions(granted, 'notDataActions'),
      },
    ],
  };
}

function readScopes(scopes: readonly string[]): readonly string[] {
  if (scopes.length === 0) throw authorizationErrors.MissingAssignableScopes();
  for (const scope of scopes) {
    if (/^\/providers\/Microsoft\.Management\//i.test(scope))
      throw armErrors.NotImplemented('RoleDefinitions_CreateOrUpdate with management groups');
    if (!/^\/subscriptions\/[^/*]+(\/[^/*]+)*\/?$/i.test(scope))
      throw armErrors.LinkedInvalidPropertyId(scope.slice(0, 300), 'properties.assignableScopes');
  }
  return scopes;
}

/** Whether a provider has such an action is not looked up, as most providers are not here: what nobody asks for allows nothing. */
function readActions(granted: JsonObject, member: string): readonly string[] {
  const actions = textsIn(granted, member);
  const wrong = actions.find((action) => !/^(\*|[\w.*:-]+(\/[\w.*:-]+)+)$/.test(action));
  if (wrong !== undefined) throw authorizationErrors.InvalidActionOrNotAction(wrong);
  return actions;
}

const objectIn = (body: Json | undefined, member: string): JsonObject => {
  const value = isJsonObject(body) ? body[member] : undefined;
  return isJsonObject(value) ? value : {};
};

const textIn = (object: JsonObject, member: string): string => {
  const value = object[member];
  return typeof value === 'string' ? value : '';
};

const textsIn = (object: JsonObject, member: string): readonly string[] => {
  const value = object[member];
  return Array.isArray(value) ? (value as readonly Json[]).filter((one) => typeof one === 'string') : [];
};
