import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Application } from '../principals/application.ts';
import type { DirectoryObject } from '../principals/directory.ts';
import type { Group } from '../principals/group.ts';
import { firstPartyPrincipals } from '../principals/first-party.ts';
import type { Principal } from '../principals/principal.ts';
import type { User } from '../principals/user.ts';
import type { EntitySet } from './collection.ts';
import { showApplication, showDirectoryObject, showPrincipal, usersShown } from './entity-views.ts';
import { graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphRequest } from './graph-operation.ts';

export const users: EntitySet = {
  set: 'users',
  resource: 'User',
  filterable: new Set([
    ...['id', 'userPrincipalName', 'displayName', 'mail', 'mailNickname', 'givenName', 'surname', 'jobTitle'],
    ...['accountEnabled', 'userType', 'officeLocation', 'preferredLanguage'],
  ]),
  shown: usersShown,
};

export const groups: EntitySet = {
  set: 'groups',
  resource: 'Group',
  filterable: new Set(['id', 'displayName', 'mailNickname', 'mail', 'mailEnabled', 'securityEnabled', 'description']),
};

export const applications: EntitySet = {
  set: 'applications',
  resource: 'Application',
  filterable: new Set(['id', 'appId', 'displayName', 'identifierUris', 'signInAudience', 'tags']),
};

export const servicePrincipals: EntitySet = {
  set: 'servicePrincipals',
  resource: 'ServicePrincipal',
  filterable: new Set([
    ...['id', 'appId', 'displayName', 'servicePrincipalNames', 'servicePrincipalType', 'accountEnabled', 'tags'],
    ...['alternativeNames', 'appOwnerOrganizationId'],
  ]),
};

export const directoryObjects: EntitySet = {
  set: 'directoryObjects',
  resource: 'DirectoryObject',
  filterable: new Set(['id']),
};

/** By object id, or by user principal name. @throws GraphError 404 */
export async function requireUser({ directory }: GraphDependencies, request: GraphRequest): Promise<User> {
  const id = request.params['id'] ?? '';
  const { tenantId } = request.caller;
  const guid = parseGuid(id);
  const found = guid === undefined ? await directory.users.findByName(tenantId, id) : await directory.users.get(guid);
  return ofTenant(found, request);
}

/** @throws GraphError 404 */
export async function requireGroup({ directory }: GraphDependencies, request: GraphRequest): Promise<Group> {
  const id = parseGuid(request.params['id'] ?? '');
  return ofTenant(id && (await directory.groups.get(id)), request);
}

/** By object id, or `appId='…'`. @throws GraphError 404 */
export async function requireApplication(
  { directory }: GraphDependencies,
  request: GraphRequest,
): Promise<Application> {
  const { appId, objectId } = readKey(request);
  const found =
    appId === undefined
      ? objectId && (await directory.applications.get(objectId))
      : await directory.applications.findByName(request.caller.tenantId, appId);
  return ofTenant(found, request);
}

/** By object id, or `appId='…'`. @throws GraphError 404 */
export async function requirePrincipal({ directory }: GraphDependencies, request: GraphRequest): Promise<Principal> {
  const { appId, objectId } = readKey(request);
  const { tenantId } = request.caller;
  const found =
    firstPartyPrincipals(tenantId).find((one) => one.appId === appId || one.objectId === objectId) ??
    (appId === undefined
      ? objectId && (await directory.principals.get(objectId))
      : await directory.principals.findByAppId(tenantId, appId));
  return ofTenant(found, request);
}

function ofTenant<T extends { readonly tenantId: Guid }>(found: T | undefined, request: GraphRequest): T {
  if (found?.tenantId !== request.caller.tenantId) throw graphErrors.notFound(request.params['id'] ?? '');
  return found;
}

function readKey(request: GraphRequest): { readonly appId?: Guid; readonly objectId?: Guid } {
  const id = request.params['id'] ?? '';
  const appId = parseGuid(/^appid='?([^']*)'?$/i.exec(id)?.[1] ?? '');
  const objectId = parseGuid(id);
  return { ...(appId === undefined ? {} : { appId }), ...(objectId === undefined ? {} : { objectId }) };
}

export async function showApplicationOf(deps: GraphDependencies, application: Application): Promise<JsonObject> {
  const tenant = await deps.tenants.get(application.tenantId);
  return showApplication(application, tenant?.domains[0] ?? '');
}

export async function showPrincipalOf({ directory }: GraphDependencies, principal: Principal): Promise<JsonObject> {
  const application = await directory.applications.findByName(principal.tenantId, principal.appId);
  return showPrincipal(principal, application);
}

/** The objects that are still there, in the order of their ids, each with its type. */
export async function showObjects(
  { directory }: GraphDependencies,
  tenantId: Guid,
  ids: readonly Guid[],
  kinds?: readonly DirectoryObject['kind'][],
): Promise<readonly JsonObject[]> {
  const sorted = [...new Set(ids)].sort();
  const found = await Promise.all(sorted.map((id) => directory.find(tenantId, id)));
  return Promise.all(
    found
      .filter((one) => one !== undefined && (kinds?.includes(one.kind) ?? true))
      .map(async (one) => {
        if (one === undefined) return {};
        const application =
          one.kind === 'servicePrincipal'
            ? await directory.applications.findByName(tenantId, one.object.appId)
            : undefined;
        return showDirectoryObject(one, application);
      }),
  );
}
