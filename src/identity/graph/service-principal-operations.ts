import { parseGuid } from '../../base/guid.ts';
import { firstPartyPrincipals } from '../principals/first-party.ts';
import type { Principal } from '../principals/principal.ts';
import { BodyReader } from './body.ts';
import { listReply, showReply } from './collection.ts';
import { requirePrincipal, servicePrincipals, showPrincipalOf } from './entity-sets.ts';
import { graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphOperation, GraphRequest } from './graph-operation.ts';
import { createdReply, noContent } from './graph-operation.ts';
import { ownersOfPrincipal } from './owner-operations.ts';
import { hasRight } from './rights.ts';

/** Service principals: of the tenant's applications, managed identities, and Microsoft's services. Kustody's own are in no tenant that a caller has. */
export const servicePrincipalOperations: readonly GraphOperation[] = [
  {
    id: 'ServicePrincipals_List',
    method: 'GET',
    path: '/servicePrincipals',
    right: 'directory.read',
    handle: async (deps, request) => {
      const { tenantId } = request.caller;
      const own = await deps.directory.principals.store.list(tenantId);
      const all = [...own, ...firstPartyPrincipals(tenantId)].sort((left, right) =>
        left.objectId < right.objectId ? -1 : 1,
      );
      const shown = await Promise.all(all.map((one) => showPrincipalOf(deps, one)));
      return listReply(request, servicePrincipals, shown, '/servicePrincipals');
    },
  },
  {
    id: 'ServicePrincipals_Create',
    method: 'POST',
    path: '/servicePrincipals',
    right: 'application.create',
    handle: async (deps, request) => {
      const { tenantId } = request.caller;
      if (!(await deps.directory.hasRoom(tenantId))) throw graphErrors.quota();
      const principal = await createPrincipal(deps, request);
      return createdReply('servicePrincipals', 'ServicePrincipal', tenantId, await showPrincipalOf(deps, principal));
    },
  },
  {
    id: 'ServicePrincipals_Get',
    method: 'GET',
    path: '/servicePrincipals/{id}',
    right: 'directory.read',
    handle: async (deps, request) =>
      showReply(request, servicePrincipals, await showPrincipalOf(deps, await requirePrincipal(deps, request))),
  },
  {
    id: 'ServicePrincipals_Update',
    method: 'PATCH',
    path: '/servicePrincipals/{id}',
    right: 'application.write',
    owners: ownersOfPrincipal,
    handle: async (deps, request) => {
      const principal = await requireOwnPrincipal(deps, request);
      const shown = await showPrincipalOf(deps, principal);
      const body = new BodyReader(request.body, 'ServicePrincipal', undefined, shown);
      body.refuseOthers(['accountEnabled', 'tags'], notBuilt);
      const [enabled, tags] = [body.flag('accountEnabled'), body.texts('tags')];
      await deps.directory.principals.store.update(principal.objectId, (before) => ({
        ...before,
        enabled: enabled ?? before.enabled,
        tags: tags ?? before.tags,
      }));
      return noContent;
    },
  },
  {
    id: 'ServicePrincipals_Delete',
    method: 'DELETE',
    path: '/servicePrincipals/{id}',
    right: 'application.write',
    owners: ownersOfPrincipal,
    handle: async (deps, request) => {
      await deps.directory.remove((await requireOwnPrincipal(deps, request)).objectId);
      return noContent;
    },
  },
];

const notBuilt = [
  ...['displayName', 'notes', 'description', 'appRoleAssignmentRequired', 'alternativeNames', 'servicePrincipalNames'],
  ...['replyUrls', 'homepage', 'loginUrl', 'logoutUrl', 'preferredSingleSignOnMode', 'keyCredentials', 'appRoles'],
  ...['passwordCredentials', 'oauth2PermissionScopes', 'notificationEmailAddresses', 'customSecurityAttributes'],
];

/** A managed identity belongs to its resource, and goes with it. @throws GraphError 403 */
async function requireOwnPrincipal(deps: GraphDependencies, request: GraphRequest): Promise<Principal> {
  const principal = await requirePrincipal(deps, request);
  if (principal.kind !== 'application') throw graphErrors.denied();
  return principal;
}

/** Of an application of this tenant: others' are not built. Without the right to change any application, of one's own only. */
async function createPrincipal(deps: GraphDependencies, request: GraphRequest): Promise<Principal> {
  const { caller } = request;
  const body = new BodyReader(request.body, 'ServicePrincipal');
  body.refuseOthers(['appId', 'accountEnabled', 'tags'], notBuilt);
  const sent = body.requiredText('appId');
  const appId = parseGuid(sent);
  const application = appId && (await deps.directory.applications.findByName(caller.tenantId, appId));
  if (application === undefined) throw graphErrors.noBackingApplication(sent);
  const isOwner = caller.user !== undefined && application.owners.includes(caller.objectId);
  if (!isOwner && !(await hasRight(deps.directory, caller, 'application.write'))) throw graphErrors.denied();
  if ((await deps.directory.principals.findByAppId(caller.tenantId, application.appId)) !== undefined)
    throw graphErrors.principalExists(application.appId);
  return deps.directory.principals.create({
    ...{
      tenantId: caller.tenantId,
      appId: application.appId,
      displayName: application.displayName,
      kind: 'application',
    },
    accessTokenVersion: application.accessTokenVersion ?? 1,
    enabled: body.flag('accountEnabled') ?? true,
    tags: body.texts('tags') ?? [],
    owners: caller.user === undefined ? [] : [caller.objectId],
    createdAt: deps.wallClock(),
  });
}
