import { parseGuid } from '../../base/guid.ts';
import type { Guid } from '../../base/guid.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import type {
  AppRole,
  ExposedPermissions,
  PermissionScope,
  PreAuthorizedApplication,
} from '../principals/exposed-permissions.ts';
import { scopeTextNames } from '../principals/exposed-permissions.ts';
import { BodyReader } from './body.ts';
import { graphErrors } from './graph-error.ts';

const valuePattern = /^[\w!#$%&'()*+,\-./:;=?@^`{|}~]{1,120}$/;
const membershipClaims = ['None', 'SecurityGroup', 'DirectoryRole', 'ApplicationGroup', 'All'];
/** Of members of each kind that an application has. */
const itemsMax = 250;

/** What an application exposes, as a body changes it. What is enabled cannot be taken away or changed, as in Graph.
 * @throws GraphError */
export function readExposedPermissions(body: BodyReader, present: ExposedPermissions): Partial<ExposedPermissions> {
  const api = body.object('api');
  const [roles, scopes] = [body.list('appRoles'), api?.list('oauth2PermissionScopes')];
  const preAuthorized = api?.list('preAuthorizedApplications');
  const appRoles = roles?.map(readRole);
  const permissionScopes = scopes?.map(readScope);
  if (appRoles !== undefined) requireKept(present.appRoles, appRoles);
  if (permissionScopes !== undefined) requireKept(present.permissionScopes, permissionScopes);
  requireUnique([...(appRoles ?? present.appRoles), ...(permissionScopes ?? present.permissionScopes)]);
  return {
    ...(appRoles === undefined ? {} : { appRoles }),
    ...(permissionScopes === undefined ? {} : { permissionScopes }),
    ...(preAuthorized === undefined
      ? {}
      : { preAuthorized: readPreAuthorized(preAuthorized, permissionScopes ?? present.permissionScopes) }),
    ...(body.has('groupMembershipClaims') ? { groupMembershipClaims: readMembershipClaims(body) } : {}),
  };
}

function readMembershipClaims(body: BodyReader): string | undefined {
  const text = body.text('groupMembershipClaims');
  const isKnown = text?.split(',').every((one) => membershipClaims.includes(one.trim())) ?? true;
  if (!isKnown) throw graphErrors.invalidValue('groupMembershipClaims', 'Application');
  return text;
}

function requiredId(body: BodyReader, property: string): Guid {
  const id = parseGuid(body.text('id') ?? '');
  if (id === undefined) throw graphErrors.invalidValue(property, 'Application');
  return id;
}

function readRole(item: Json): AppRole {
  const body = new BodyReader(item, 'AppRole');
  body.refuseOthers(
    ['id', 'value', 'displayName', 'description', 'isEnabled', 'allowedMemberTypes', 'origin'],
    ['lang'],
  );
  const value = body.text('value');
  if (value !== undefined && !valuePattern.test(value)) throw graphErrors.invalidValue('appRoles', 'Application');
  const allowedMemberTypes = body.texts('allowedMemberTypes') ?? [];
  const areKnown = allowedMemberTypes.every((one) => one === 'User' || one === 'Application');
  if (allowedMemberTypes.length === 0 || !areKnown) throw graphErrors.invalidValue('allowedMemberTypes', 'AppRole');
  return {
    id: requiredId(body, 'appRoles'),
    value,
    displayName: body.requiredText('displayName'),
    description: body.requiredText('description', 1024),
    isEnabled: body.flag('isEnabled') ?? true,
    allowedMemberTypes,
  };
}

function readScope(item: Json): PermissionScope {
  const body = new BodyReader(item, 'PermissionScope');
  body.refuseOthers(['id', 'value', 'type', 'isEnabled', ...scopeTextNames, 'origin'], ['lang']);
  const value = body.requiredText('value', 120);
  if (!valuePattern.test(value)) throw graphErrors.invalidValue('oauth2PermissionScopes', 'Application');
  const type = body.text('type') ?? 'User';
  if (type !== 'User' && type !== 'Admin') throw graphErrors.invalidValue('type', 'PermissionScope');
  const texts = scopeTextNames.flatMap((name) => {
    const text = body.text(name);
    return text === undefined ? [] : [[name, text] as const];
  });
  return {
    id: requiredId(body, 'oauth2PermissionScopes'),
    ...{ value, type, isEnabled: body.flag('isEnabled') ?? true, texts: Object.fromEntries(texts) },
  };
}

function readPreAuthorized(
  items: readonly Json[],
  scopes: readonly PermissionScope[],
): readonly PreAuthorizedApplication[] {
  return items.map((item) => {
    const body = new BodyReader(item, 'PreAuthorizedApplication');
    body.refuseOthers(['appId', 'delegatedPermissionIds', 'permissionIds'], []);
    const appId = parseGuid(body.text('appId') ?? '');
    const ids = (body.texts('delegatedPermissionIds') ?? body.texts('permissionIds') ?? []).map((id) => parseGuid(id));
    const permissionIds = ids.filter((id) => id !== undefined && scopes.some((scope) => scope.id === id));
    if (appId === undefined || permissionIds.length < ids.length)
      throw graphErrors.invalidValue('preAuthorizedApplications', 'Application');
    return { appId, permissionIds: permissionIds.filter((id) => id !== undefined) };
  });
}

/** @throws GraphError 400 `CannotDeleteOrUpdateEnabledEntitlement` */
function requireKept(
  before: readonly { readonly id: Guid; readonly isEnabled: boolean; readonly value: string | undefined }[],
  after: readonly { readonly id: Guid; readonly value: string | undefined }[],
): void {
  const isKept = (one: (typeof before)[number]): boolean =>
    !one.isEnabled || after.some(({ id, value }) => id === one.id && value === one.value);
  if (!before.every(isKept)) throw graphErrors.enabledEntitlement();
}

function requireUnique(all: readonly { readonly id: Guid; readonly value: string | undefined }[]): void {
  if (all.length > itemsMax) throw graphErrors.objectTooLarge();
  const [ids, values] = [all.map(({ id }) => id), all.flatMap(({ value }) => value ?? [])];
  if (new Set(ids).size < ids.length || new Set(values).size < values.length)
    throw graphErrors.badRequest('Request contains a property with duplicate values.');
}

export const showRole = (role: AppRole): JsonObject => ({
  allowedMemberTypes: role.allowedMemberTypes,
  description: role.description,
  displayName: role.displayName,
  id: role.id,
  isEnabled: role.isEnabled,
  origin: 'Application',
  value: role.value ?? null,
});

export const showScope = (scope: PermissionScope): JsonObject => ({
  ...Object.fromEntries(scopeTextNames.map((name) => [name, scope.texts[name] ?? null])),
  id: scope.id,
  isEnabled: scope.isEnabled,
  type: scope.type,
  value: scope.value,
});
