import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../../../src/base/new-guid.ts';
import { consent, createUser, registerService, servicePrincipalOf, signIn } from '../entra/middle-tier.fixture.ts';
import { denied, errorOf, idOf, missing, reference, startGraph, valueOf } from './graph.fixture.ts';
import type { Graph } from './graph.fixture.ts';

type Service = Awaited<ReturnType<typeof registerService>>;

describe('what applications expose, and who has it', () => {
  let graph: Graph;
  let service: Service;
  beforeAll(async () => {
    graph = await startGraph();
    service = await registerService(graph, 'service', { groupMembershipClaims: 'SecurityGroup' });
  });
  afterAll(() => graph.close());
  const assign = (path: string, principalId: string, appRoleId: string, resourceId = service.principal) =>
    graph.admin('POST', path, { principalId, resourceId, appRoleId });
  const userClaims = async (user: { userPrincipalName: string }, of = service) => {
    const { body } = await signIn(graph, user, `api://${of.appId}/.default`);
    return decodeJwt(String(body['access_token']));
  };

  it('shows scopes, roles and preauthorized applications, at the service principal too', async () => {
    const { body } = await graph.admin('GET', `/applications/${service.id}`);
    const scope = { id: service.scopeId, value: 'access', type: 'User', isEnabled: true, userConsentDisplayName: null };
    expect(body).toMatchObject({
      groupMembershipClaims: 'SecurityGroup',
      appRoles: Object.values(service.roles),
      api: {
        oauth2PermissionScopes: [scope],
        preAuthorizedApplications: [{ delegatedPermissionIds: [service.scopeId] }],
      },
    });
    const principal = await graph.admin('GET', `/servicePrincipals/${service.principal}`);
    expect(principal.body).toMatchObject({ appRoles: body['appRoles'], oauth2PermissionScopes: [scope] });
  });

  it('Applications_Update: refuses what Graph refuses', async () => {
    const patch = async (change: unknown) =>
      errorOf(await graph.admin('PATCH', `/applications/${service.id}`, change)).slice(0, 2);
    const role = service.roles.user;
    const bad = [400, 'Request_BadRequest'];
    expect(await patch({ appRoles: [] })).toEqual([400, 'CannotDeleteOrUpdateEnabledEntitlement']);
    expect(await patch({ api: { oauth2PermissionScopes: [] } })).toEqual([
      ...[400, 'CannotDeleteOrUpdateEnabledEntitlement'],
    ]);
    const all = Object.values(service.roles);
    for (const wrong of [{ value: 'with space' }, { id: 'x' }, { allowedMemberTypes: [] }, { displayName: '' }])
      expect(
        await patch({ appRoles: [...all, { ...role, id: newGuid(graph.randomBytes), value: 'New', ...wrong }] }),
      ).toEqual(bad);
    expect(await patch({ appRoles: [...all, role] })).toEqual(bad);
    expect(await patch({ groupMembershipClaims: 'Everything' })).toEqual(bad);
    const stranger = [{ appId: service.appId, delegatedPermissionIds: [newGuid(graph.randomBytes)] }];
    expect(await patch({ api: { preAuthorizedApplications: stranger } })).toEqual(bad);
  });

  it('puts claims into tokens that their application asks for, as far as it has them', async () => {
    const claim = (name: string, ...additionalProperties: string[]) => ({
      ...{ name, source: null, essential: false, additionalProperties },
    });
    const optionalClaims = {
      idToken: [claim('email'), claim('acct'), claim('upn')],
      accessToken: [claim('idtyp', 'include_user_token'), claim('given_name'), claim('family_name'), claim('upn')],
      saml2Token: [],
    };
    const more = { optionalClaims, api: { requestedAccessTokenVersion: 2 } };
    const asking = await registerService(graph, 'asking', more);
    expect((await graph.admin('GET', `/applications/${asking.id}`)).body).toMatchObject({ optionalClaims });
    const user = await createUser(graph, 'ada', { texts: { givenName: 'Ada', mail: 'ada@example.org' } });
    const inAccessToken = { idtyp: 'user', given_name: 'Ada', upn: user.userPrincipalName };
    expect(await userClaims(user, asking)).toMatchObject(inAccessToken);
    expect(await userClaims(user, asking)).not.toHaveProperty('family_name');
    const appToken = await graph.tokenOf(asking.appId, asking.secret, `api://${asking.appId}/.default`);
    expect(decodeJwt(appToken)).toMatchObject({ idtyp: 'app', ver: '2.0' });
    expect(decodeJwt(appToken)).not.toHaveProperty('upn');
    const consented = await consent(graph, asking.principal, service.principal, 'access');
    const signedIn = await signIn(graph, user, `api://${asking.appId}/.default`);
    const { body } = await graph.ask(`/${graph.tenant.tenantId}/oauth2/v2.0/token`, {
      form: {
        ...{ client_id: asking.appId, client_secret: asking.secret, requested_token_use: 'on_behalf_of' },
        ...{ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', scope: `api://${service.appId}/access openid` },
        assertion: String(signedIn.body['access_token']),
      },
    });
    const inIdToken = { email: 'ada@example.org', acct: 0, upn: user.userPrincipalName };
    expect(body).toMatchObject({ token_type: 'Bearer' });
    expect(decodeJwt(String(body['id_token']))).toMatchObject(inIdToken);
    const patch = async (change: unknown) =>
      errorOf(await graph.admin('PATCH', `/applications/${asking.id}`, { optionalClaims: change })).slice(0, 2);
    expect(await patch({ idToken: [{ name: 'no_claim' }] })).toEqual([400, 'Request_BadRequest']);
    expect(await patch({ idToken: [{ essential: true }] })).toEqual([400, 'Request_BadRequest']);
    for (const notBuilt of [claim('sid'), claim('idtyp'), claim('upn', 'include_externally_authenticated_upn')])
      expect(await patch({ idToken: [notBuilt] })).toEqual([501, 'NotImplemented']);
    expect(await patch({ saml2Token: [claim('email')] })).toEqual([501, 'NotImplemented']);
    expect(await patch({ accessToken: [{ ...claim('skypeId'), source: 'user' }] })).toEqual([501, 'NotImplemented']);
    expect((await graph.admin('PATCH', `/applications/${asking.id}`, { optionalClaims: null })).status).toBe(204);
    expect((await graph.admin('DELETE', `/oauth2PermissionGrants/${String(consented.body['id'])}`)).status).toBe(204);
    expect(await userClaims(user, asking)).not.toHaveProperty('upn');
  });

  it('ServicePrincipals_CreateAppRoleAssignments, ServicePrincipals_ListAppRoleAssignments, ServicePrincipals_GetAppRoleAssignments, ServicePrincipals_DeleteAppRoleAssignments, ServicePrincipals_ListAppRoleAssignedTo, ServicePrincipals_GetAppRoleAssignedTo, ServicePrincipals_CreateAppRoleAssignedTo, ServicePrincipals_DeleteAppRoleAssignedTo: an application has a role, in its tokens', async () => {
    const { plain, plainSecret } = graph;
    const roles = async () =>
      decodeJwt(await graph.tokenOf(plain.appId, plainSecret, `api://${service.appId}/.default`))['roles'];
    expect(await roles()).toBeUndefined();
    const own = `/servicePrincipals/${plain.objectId}/appRoleAssignments`;
    const made = await assign(own, plain.objectId, service.roles.application.id);
    const id = String(made.body['id']);
    const shown = {
      ...{ id, deletedDateTime: null, appRoleId: service.roles.application.id, principalDisplayName: 'plain' },
      createdDateTime: expect.stringMatching(/Z$/) as unknown,
      ...{ principalId: plain.objectId, principalType: 'ServicePrincipal' },
      ...{ resourceDisplayName: 'service', resourceId: service.principal },
    };
    expect([made.status, made.body]).toEqual([
      201,
      { '@odata.context': expect.stringContaining('/appRoleAssignments/$entity') as unknown, ...shown },
    ]);
    expect(await roles()).toEqual(['Reader.All']);
    const assignedTo = `/servicePrincipals/${service.principal}/appRoleAssignedTo`;
    for (const path of [own, assignedTo]) {
      expect(valueOf(await graph.admin('GET', path))).toEqual([shown]);
      expect((await graph.admin('GET', `${path}/${id}`)).body).toMatchObject(shown);
    }
    expect(errorOf(await assign(own, plain.objectId, service.roles.application.id))).toEqual([
      ...[400, 'Request_BadRequest', 'Permission being assigned already exists on the object'],
    ]);
    expect((await graph.admin('DELETE', `${assignedTo}/${id}`)).status).toBe(204);
    expect(await roles()).toBeUndefined();
    const again = await assign(assignedTo, plain.objectId, service.roles.application.id);
    expect([again.status, await roles()]).toEqual([201, ['Reader.All']]);
    expect((await graph.admin('DELETE', `${own}/${String(again.body['id'])}`)).status).toBe(204);
    expect(errorOf(await graph.admin('GET', `${own}/${id}`))).toEqual(missing(id));
  });

  it('Users_CreateAppRoleAssignments, Users_ListAppRoleAssignments, Users_GetAppRoleAssignments, Users_DeleteAppRoleAssignments, Groups_CreateAppRoleAssignments, Groups_ListAppRoleAssignments, Groups_GetAppRoleAssignments, Groups_DeleteAppRoleAssignments: users have roles themselves or by their groups', async () => {
    const user = await createUser(graph, 'grace');
    const group = idOf(
      await graph.admin('POST', '/groups', {
        ...{ displayName: 'readers', mailNickname: 'readers', mailEnabled: false, securityEnabled: true },
      }),
    );
    for (const [set, holder] of [
      ['users', user.objectId],
      ['groups', group],
    ] as const) {
      const path = `/${set}/${holder}/appRoleAssignments`;
      expect((await userClaims(user))['roles']).toBeUndefined();
      const made = await assign(path, holder, service.roles.user.id);
      expect(made.status).toBe(201);
      if (set === 'groups') await graph.admin('POST', `/groups/${group}/members/$ref`, reference(user.objectId));
      expect((await userClaims(user))['roles']).toEqual(['Reader']);
      const id = String(made.body['id']);
      expect(valueOf(await graph.admin('GET', path)).map((one) => one['id'])).toEqual([id]);
      expect((await graph.admin('GET', `${path}/${id}`)).status).toBe(200);
      expect((await graph.admin('DELETE', `${path}/${id}`)).status).toBe(204);
    }
    expect(
      errorOf(await assign(`/users/${user.objectId}/appRoleAssignments`, user.objectId, service.roles.application.id)),
    ).toEqual([400, 'Request_BadRequest', 'Permission being assigned was not found on application']);
    expect(errorOf(await graph.stranger('GET', `/users/${user.objectId}/appRoleAssignments`))).toEqual(denied);
  });

  it('tells groups as the application wishes: all, those that are assigned, and where to ask when they are too many', async () => {
    const user = await createUser(graph, 'many');
    const newGroup = async (name: string) => {
      const body = { displayName: name, mailNickname: name, mailEnabled: false, securityEnabled: true };
      return idOf(await graph.admin('POST', '/groups', body));
    };
    const [inner, outer] = [await newGroup('inner'), await newGroup('outer')];
    await graph.directory.memberships.add(inner, user.objectId);
    await graph.directory.memberships.add(outer, inner);
    expect((await userClaims(user))['groups']).toEqual([inner, outer].sort());
    const assigned = await registerService(graph, 'assigned', { groupMembershipClaims: 'ApplicationGroup' });
    expect((await userClaims(user, assigned))['groups']).toBeUndefined();
    const none = '00000000-0000-0000-0000-000000000000';
    expect((await assign(`/groups/${inner}/appRoleAssignments`, inner, none, assigned.principal)).status).toBe(201);
    expect((await userClaims(user, assigned))['groups']).toEqual([inner]);
    const silent = await registerService(graph, 'silent');
    expect((await userClaims(user, silent))['groups']).toBeUndefined();
    for (let at = 0; at < 199; at++) await graph.directory.memberships.add(newGuid(graph.randomBytes), user.objectId);
    const claims = await userClaims(user);
    expect([claims['groups'], claims['_claim_names'], claims['_claim_sources']]).toEqual([
      undefined,
      { groups: 'src1' },
      {
        src1: {
          endpoint: `https://graph.windows.net/${graph.tenant.tenantId}/users/${user.objectId}/getMemberObjects`,
        },
      },
    ]);
  });

  it('Oauth2PermissionGrants_Create, Oauth2PermissionGrants_List, Oauth2PermissionGrants_Get, Oauth2PermissionGrants_Update, Oauth2PermissionGrants_Delete: consent from its giving to its end', async () => {
    const vault = await servicePrincipalOf(graph, 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093');
    const made = await consent(graph, service.principal, vault, ' user_impersonation  ');
    const id = String(made.body['id']);
    const shown = {
      ...{ clientId: service.principal, consentType: 'AllPrincipals', id, principalId: null },
      ...{ resourceId: vault, scope: 'user_impersonation' },
    };
    expect([made.status, made.body]).toMatchObject([201, shown]);
    expect(errorOf(await consent(graph, service.principal, vault, 'x')).slice(0, 2)).toEqual([
      ...[409, 'Request_MultipleObjectsWithSameKeyValue'],
    ]);
    const path = `/oauth2PermissionGrants/${id}`;
    expect((await graph.admin('PATCH', path, { scope: '' })).status).toBe(204);
    expect((await graph.admin('GET', path)).body).toMatchObject({ ...shown, scope: '' });
    const filtered = await graph.admin(
      'GET',
      `/oauth2PermissionGrants?$filter=${encodeURIComponent(`clientId eq '${service.principal}'`)}`,
    );
    expect(valueOf(filtered)).toEqual([{ ...shown, scope: '' }]);
    expect(errorOf(await graph.stranger('DELETE', path))).toEqual(denied);
    expect((await graph.admin('DELETE', path)).status).toBe(204);
    expect(errorOf(await graph.admin('GET', path))).toEqual(missing(id));
    const one = {
      clientId: service.principal,
      resourceId: vault,
      scope: 'user_impersonation',
      consentType: 'Principal',
    };
    expect(errorOf(await graph.admin('POST', '/oauth2PermissionGrants', one))[0]).toBe(400);
    const { objectId: principalId } = await createUser(graph, 'consenting');
    expect((await graph.admin('POST', '/oauth2PermissionGrants', { ...one, principalId })).status).toBe(201);
    await graph.directory.remove(principalId);
    expect(valueOf(await graph.admin('GET', '/oauth2PermissionGrants'))).toEqual([]);
  });

  it('is deleted with who has it, and with the application', async () => {
    const goes = await registerService(graph, 'goes');
    const user = await createUser(graph, 'goes');
    const path = `/servicePrincipals/${goes.principal}/appRoleAssignedTo`;
    await assign(path, user.objectId, goes.roles.user.id, goes.principal);
    await assign(path, graph.plain.objectId, goes.roles.application.id, goes.principal);
    await graph.directory.remove(user.objectId);
    expect(valueOf(await graph.admin('GET', path)).map((one) => one['principalId'])).toEqual([graph.plain.objectId]);
    expect((await graph.admin('DELETE', `/applications/${goes.id}`)).status).toBe(204);
    expect(await graph.directory.appRoleAssignments.ofHolder(graph.plain.objectId)).toEqual([]);
  });
});
