import { toBase64Url } from '../../base/base64url.ts';
import { parseGuid } from '../../base/guid.ts';
import type { Guid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { PermissionGrant } from '../principals/assignments.ts';
import { firstPartyPrincipals } from '../principals/first-party.ts';
import type { Principal } from '../principals/principal.ts';
import { BodyReader } from './body.ts';
import type { EntitySet } from './collection.ts';
import { listReply, showReply } from './collection.ts';
import { graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphOperation, GraphRequest } from './graph-operation.ts';
import { entityReply, noContent } from './graph-operation.ts';

const set: EntitySet = {
  set: 'oauth2PermissionGrants',
  resource: 'OAuth2PermissionGrant',
  filterable: new Set(['id', 'clientId', 'consentType', 'principalId', 'resourceId', 'scope']),
};

/** Which application may act for users where: consent, given by an administrator. @see Microsoft Graph "oAuth2PermissionGrant resource type" */
export const permissionGrantOperations: readonly GraphOperation[] = [
  {
    id: 'Oauth2PermissionGrants_List',
    method: 'GET',
    path: '/oauth2PermissionGrants',
    right: 'directory.read',
    handle: async ({ directory }, request) => {
      const all = await directory.permissionGrants.all(request.caller.tenantId);
      const sorted = [...all].sort((left, right) => (left.id < right.id ? -1 : 1));
      return listReply(request, set, sorted.map(show), '/oauth2PermissionGrants');
    },
  },
  {
    id: 'Oauth2PermissionGrants_Create',
    method: 'POST',
    path: '/oauth2PermissionGrants',
    right: 'grants.write',
    handle: async (deps, request) => {
      const grant = await readGrant(deps, request);
      const { permissionGrants } = deps.directory;
      const isSame = (one: PermissionGrant): boolean =>
        one.resourceId === grant.resourceId && one.principalId === grant.principalId;
      if ((await permissionGrants.ofHolder(grant.holderId)).some(isSame)) throw graphErrors.grantExists();
      if (!(await permissionGrants.add(grant))) throw graphErrors.quota();
      return { ...entityReply(set.set, show(grant)), status: 201 };
    },
  },
  {
    id: 'Oauth2PermissionGrants_Get',
    method: 'GET',
    path: '/oauth2PermissionGrants/{grantId}',
    right: 'directory.read',
    handle: async (deps, request) => showReply(request, set, show(await requireGrant(deps, request))),
  },
  {
    id: 'Oauth2PermissionGrants_Update',
    method: 'PATCH',
    path: '/oauth2PermissionGrants/{grantId}',
    right: 'grants.write',
    handle: async (deps, request) => {
      const grant = await requireGrant(deps, request);
      const body = new BodyReader(request.body, set.resource);
      body.refuseOthers(['scope'], ['startTime', 'expiryTime']);
      const scope = readScope(body);
      await deps.directory.permissionGrants.change(grant, (before) => ({ ...before, scope }));
      return noContent;
    },
  },
  {
    id: 'Oauth2PermissionGrants_Delete',
    method: 'DELETE',
    path: '/oauth2PermissionGrants/{grantId}',
    right: 'grants.write',
    handle: async (deps, request) => {
      await deps.directory.permissionGrants.change(await requireGrant(deps, request), () => undefined);
      return noContent;
    },
  },
];

const show = (grant: PermissionGrant): JsonObject => ({
  clientId: grant.holderId,
  consentType: grant.principalId === undefined ? 'AllPrincipals' : 'Principal',
  id: grant.id,
  principalId: grant.principalId ?? null,
  resourceId: grant.resourceId,
  scope: grant.scope,
});

/** @throws GraphError 404 */
async function requireGrant({ directory }: GraphDependencies, request: GraphRequest): Promise<PermissionGrant> {
  const id = request.params['grantId'] ?? '';
  const found = (await directory.permissionGrants.all(request.caller.tenantId)).find((one) => one.id === id);
  if (found === undefined) throw graphErrors.notFound(id);
  return found;
}

async function readGrant(deps: GraphDependencies, request: GraphRequest): Promise<PermissionGrant> {
  const { tenantId } = request.caller;
  const body = new BodyReader(request.body, set.resource);
  body.refuseOthers(
    ['clientId', 'consentType', 'principalId', 'resourceId', 'scope', 'startTime', 'expiryTime', 'id'],
    [],
  );
  const client = await requirePrincipal(deps, tenantId, readId(body, 'clientId'));
  if (client.kind !== 'application') throw graphErrors.invalidValue('clientId', set.resource);
  const resource = await requirePrincipal(deps, tenantId, readId(body, 'resourceId'));
  if (resource.kind === 'managedIdentity') throw graphErrors.invalidValue('resourceId', set.resource);
  const consentType = body.requiredText('consentType');
  if (consentType !== 'AllPrincipals' && consentType !== 'Principal')
    throw graphErrors.invalidValue('consentType', set.resource);
  const principalId = consentType === 'Principal' ? readId(body, 'principalId') : undefined;
  if (principalId === undefined && body.text('principalId') !== undefined)
    throw graphErrors.invalidValue('principalId', set.resource);
  const user = principalId && (await deps.directory.users.get(principalId));
  if (principalId !== undefined && user?.tenantId !== tenantId) throw graphErrors.notFound(principalId);
  return {
    id: toBase64Url(deps.randomBytes(32)),
    ...{ holderId: client.objectId, resourceId: resource.objectId, tenantId, principalId, scope: readScope(body) },
  };
}

function readId(body: BodyReader, name: string): Guid {
  const id = parseGuid(body.requiredText(name));
  if (id === undefined) throw graphErrors.invalidValue(name, set.resource);
  return id;
}

const readScope = (body: BodyReader): string =>
  (body.text('scope', 4096) ?? '')
    .split(/\s+/)
    .filter((one) => one !== '')
    .join(' ');

async function requirePrincipal({ directory }: GraphDependencies, tenantId: Guid, id: Guid): Promise<Principal> {
  const found =
    firstPartyPrincipals(tenantId).find((one) => one.objectId === id) ?? (await directory.principals.get(id));
  if (found?.tenantId !== tenantId) throw graphErrors.notFound(id);
  return found;
}
