import { newGuid } from '../../../src/base/new-guid.ts';
import type { Guid } from '../../../src/base/guid.ts';
import { instant } from '../../../src/clock/clock.ts';
import { storePassword } from '../../../src/identity/principals/password.ts';
import type { User } from '../../../src/identity/principals/user.ts';
import type { Graph } from '../graph/graph.fixture.ts';
import { idOf } from '../graph/graph.fixture.ts';

export const azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const password = 'Correct-Horse-7';

/** An application that exposes a scope and roles, made as its owner makes it: by Graph. */
export async function registerService(graph: Graph, displayName: string, more: Record<string, unknown> = {}) {
  const scopeId = newGuid(graph.randomBytes);
  const scope = { id: scopeId, value: 'access', type: 'User', isEnabled: true, adminConsentDisplayName: 'Access' };
  const role = { displayName: 'Reader', description: 'Reads', isEnabled: true };
  const roles = {
    user: { ...role, id: newGuid(graph.randomBytes), value: 'Reader', allowedMemberTypes: ['User'] },
    application: { ...role, id: newGuid(graph.randomBytes), value: 'Reader.All', allowedMemberTypes: ['Application'] },
  };
  const { api = {}, ...rest } = more;
  const made = await graph.admin('POST', '/applications', {
    displayName,
    appRoles: Object.values(roles),
    api: { oauth2PermissionScopes: [scope], ...(api as object) },
    ...rest,
  });
  const [id, appId] = [idOf(made), String(made.body['appId'])];
  const preAuthorizedApplications = [{ appId: azureCli, delegatedPermissionIds: [scopeId] }];
  const opened = await graph.admin('PATCH', `/applications/${id}`, { api: { preAuthorizedApplications } });
  const principal = idOf(await graph.admin('POST', '/servicePrincipals', { appId }));
  const { body } = await graph.admin('POST', `/applications/${id}/addPassword`, {});
  return {
    id,
    appId,
    principal,
    scopeId,
    roles,
    secret: String(body['secretText']),
    statuses: [made.status, opened.status],
  };
}

/** The service principal of one of Microsoft's services. */
export async function servicePrincipalOf(graph: Graph, appId: string): Promise<Guid> {
  return idOf(await graph.admin('GET', `/servicePrincipals(appId='${appId}')`));
}

/** An administrator consents for everybody. */
export const consent = (graph: Graph, clientId: Guid, resourceId: Guid, scope: string) =>
  graph.admin('POST', '/oauth2PermissionGrants', { clientId, resourceId, scope, consentType: 'AllPrincipals' });

export async function createUser(graph: Graph, name: string, change: Partial<User> = {}): Promise<User> {
  const user: User = {
    objectId: newGuid(graph.randomBytes),
    tenantId: graph.tenant.tenantId,
    userPrincipalName: `${name}@kustody.onmicrosoft.com`,
    ...{ displayName: name, mailNickname: name, texts: {}, enabled: true, mustChangePassword: false },
    password: await storePassword(password, graph.randomBytes),
    sessionsValidFrom: instant(0),
    directoryRoles: [],
    createdAt: instant(graph.wall.now),
    ...change,
  };
  await graph.directory.users.create(user);
  return user;
}

/** Signs in with the Azure CLI's client. @returns the answer of the token endpoint */
export const signIn = (graph: Graph, user: Pick<User, 'userPrincipalName'>, scope: string) =>
  graph.ask('/organizations/oauth2/v2.0/token', {
    form: { client_id: azureCli, grant_type: 'password', username: user.userPrincipalName, password, scope },
  });
