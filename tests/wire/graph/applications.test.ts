import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { denied, errorOf, idOf, missing, reference, startGraph, valueOf } from './graph.fixture.ts';
import type { Graph } from './graph.fixture.ts';

describe('applications and service principals', () => {
  let graph: Graph;
  beforeAll(async () => {
    graph = await startGraph();
  });
  afterAll(() => graph.close());

  const register = async (displayName: string) => {
    const made = await graph.admin('POST', '/applications', { displayName, keyCredentials: [] });
    expect(made.status).toBe(201);
    return { id: idOf(made), appId: String(made.body['appId']), made };
  };

  it('Applications_Create: answers as recorded', async () => {
    const { id, made } = await register('recorded');
    expect(made.headers).toMatchObject({
      'content-type':
        'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8',
      'odata-version': '4.0',
      'cache-control': 'no-cache',
      location: `https://graph.microsoft.com/v2/${graph.tenant.tenantId}/directoryObjects/${id}/Microsoft.DirectoryServices.Application`,
    });
    expect(made.body).toMatchObject({
      '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#applications/$entity',
      deletedDateTime: null,
      displayName: 'recorded',
      identifierUris: [],
      publisherDomain: 'kustody.onmicrosoft.com',
      passwordCredentials: [],
      keyCredentials: [],
      publicClient: { redirectUris: [] },
      web: { redirectUris: [], implicitGrantSettings: { enableAccessTokenIssuance: false } },
    });
    expect(made.body['createdDateTime']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it('Applications_addPassword, ServicePrincipals_Create: make an application that can sign in', async () => {
    const { id, appId } = await register('signs-in');
    const times = { startDateTime: '2023-08-23T12:43:54Z', endDateTime: '2099-08-23T12:43:54Z' };
    const added = await graph.admin('POST', `/applications/${id}/addPassword`, {
      passwordCredential: { displayName: 'rbac', ...times },
    });
    const { secretText, hint, keyId, ...rest } = added.body;
    expect(rest).toEqual({
      '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.passwordCredential',
      customKeyIdentifier: null,
      displayName: 'rbac',
      ...times,
    });
    expect(String(secretText).startsWith(String(hint))).toBe(true);
    expect(await graph.tokenOf(appId, String(secretText))).toBe('undefined'); // no service principal yet
    const made = await graph.admin('POST', '/servicePrincipals', { appId, accountEnabled: true });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#servicePrincipals/$entity',
      accountEnabled: true,
      appDisplayName: 'signs-in',
      appId,
      appOwnerOrganizationId: graph.tenant.tenantId,
      servicePrincipalNames: [appId],
      servicePrincipalType: 'Application',
      passwordCredentials: [],
    });
    const token = await graph.tokenOf(appId, String(secretText));
    expect(errorOf(await graph.withToken(token)('GET', '/applications'))).toEqual(denied);
    expect(errorOf(await graph.admin('POST', '/servicePrincipals', { appId }))).toEqual([
      409,
      'Request_MultipleObjectsWithSameKeyValue',
      `The service principal cannot be created, updated, or restored because the service principal name ${appId} is already in use.`,
    ]);

    // Shown never again, and gone when it is removed.
    const shown = await graph.admin('GET', `/applications/${id}`);
    expect(shown.body['passwordCredentials']).toMatchObject([{ keyId, hint, secretText: null, displayName: 'rbac' }]);
    expect(JSON.stringify(shown.body)).not.toContain(String(secretText));
    expect((await graph.admin('POST', `/applications/${id}/removePassword`, { keyId })).status).toBe(204);
    expect(errorOf(await graph.admin('POST', `/applications/${id}/removePassword`, { keyId }))).toEqual([
      400,
      'Request_BadRequest',
      'No password credential found with keyId.',
    ]);
    expect(await graph.tokenOf(appId, String(secretText))).toBe('undefined');
  });

  it('Applications_removePassword, ServicePrincipals_addPassword, ServicePrincipals_removePassword: of the principal itself', async () => {
    const { appId } = await register('own-secret');
    const principal = idOf(await graph.admin('POST', '/servicePrincipals', { appId }));
    const { body } = await graph.admin('POST', `/servicePrincipals/${principal}/addPassword`, {});
    expect(await graph.tokenOf(appId, String(body['secretText']))).toMatch(/^ey/);
    const keyId = body['keyId'];
    expect((await graph.admin('POST', `/servicePrincipals/${principal}/removePassword`, { keyId })).status).toBe(204);
    expect(await graph.tokenOf(appId, String(body['secretText']))).toBe('undefined');
    const managed = await graph.admin('POST', `/servicePrincipals/${graph.managed.objectId}/addPassword`, {});
    expect(errorOf(managed)).toEqual(denied);
  });

  it('ServicePrincipals_Create: refuses an application that nobody registered', async () => {
    const appId = '11111111-2222-4333-8444-555555555555';
    expect(errorOf(await graph.admin('POST', '/servicePrincipals', { appId }))).toEqual([
      400,
      'Request_BadRequest',
      `The appId '${appId}' of the service principal does not reference a valid application object.`,
    ]);
  });

  it('ServicePrincipals_List, ServicePrincipals_Get: find by name, by application and by key', async () => {
    const { appId } = graph.application;
    const list = async (filter: string) =>
      valueOf(await graph.admin('GET', `/servicePrincipals?$filter=${encodeURIComponent(filter)}`));
    const [found] = await list(`servicePrincipalNames/any(c:c eq '${appId}')`);
    expect(found).toMatchObject({ id: graph.application.objectId, displayName: 'ci' });
    expect(await list(`appId eq '${appId}' and displayName eq 'CI'`)).toHaveLength(1);
    expect(await list(`startswith(displayName,'mycl')`)).toMatchObject([
      { servicePrincipalType: 'ManagedIdentity', alternativeNames: ['isExplicit=False', graph.managed.resourceId] },
    ]);
    expect(await list(`displayName eq 'it''s'`)).toEqual([]);
    expect(await list(`(displayName eq 'ci' or displayName eq 'mycluster') and accountEnabled eq true`)).toHaveLength(
      2,
    );
    expect(await list(`id in ('${graph.application.objectId}')`)).toHaveLength(1);
    for (const path of [graph.application.objectId, `appId='${appId}'`].map((key) =>
      key.startsWith('appId') ? `/servicePrincipals(${key})` : `/servicePrincipals/${key}`,
    ))
      expect((await graph.admin('GET', path)).body).toMatchObject({ appId });
    expect(errorOf(await graph.admin('GET', `/servicePrincipals/${appId}`))).toEqual(missing(appId));
  });

  it('ServicePrincipals_Update, ServicePrincipals_Delete: a disabled one gets no token', async () => {
    const { id, appId } = await register('disabled');
    const principal = idOf(await graph.admin('POST', '/servicePrincipals', { appId }));
    const { body } = await graph.admin('POST', `/applications/${id}/addPassword`, {});
    const token = await graph.tokenOf(appId, String(body['secretText']));
    const asIt = graph.withToken(token);
    expect((await graph.admin('PATCH', `/servicePrincipals/${principal}`, { accountEnabled: false })).status).toBe(204);
    expect(errorOf(await asIt('GET', '/me'))[0]).toBe(401);
    expect(await graph.tokenOf(appId, String(body['secretText']))).toBe('undefined');
    expect((await graph.admin('DELETE', `/servicePrincipals/${principal}`)).status).toBe(204);
    expect(errorOf(await graph.admin('GET', `/servicePrincipals/${principal}`))).toEqual(missing(principal));
    expect(errorOf(await graph.admin('DELETE', `/servicePrincipals/${graph.managed.objectId}`))).toEqual(denied);
  });

  it('Applications_Update, Applications_List, Applications_Get: what is patched is shown', async () => {
    const { id, appId } = await register('patched');
    const principal = idOf(await graph.admin('POST', '/servicePrincipals', { appId }));
    const change = {
      displayName: 'renamed',
      identifierUris: [`api://${appId}`],
      web: { redirectUris: ['https://app.example/callback'] },
      publicClient: { redirectUris: ['http://localhost'] },
      isFallbackPublicClient: true,
      api: { requestedAccessTokenVersion: 2 },
    };
    expect((await graph.admin('PATCH', `/applications/${id}`, change)).status).toBe(204);
    const [shown] = valueOf(
      await graph.admin(
        'GET',
        `/applications?$filter=${encodeURIComponent(`identifierUris/any(s:s eq 'api://${appId}')`)}`,
      ),
    );
    expect(shown).toMatchObject(change);
    expect((await graph.admin('GET', `/applications(appId='${appId}')`)).body).toMatchObject({ id });
    expect((await graph.admin('GET', `/servicePrincipals/${principal}`)).body).toMatchObject({
      displayName: 'renamed',
      servicePrincipalNames: [`api://${appId}`, appId],
    });
  });

  it('Applications_Get: is had in beta, too, with what the Terraform provider asks for there', async () => {
    const made = await graph.admin('POST', '/applications', { displayName: 'both' });
    const path = `/applications/${idOf(made)}`;
    const only = await graph.admin('GET', `/beta${path}?$select=isDisabled,oauth2RequirePostResponse`);
    expect(only).toMatchObject({ status: 200 });
    expect(only.body).toEqual({
      '@odata.context':
        'https://graph.microsoft.com/beta/$metadata#applications(isDisabled,oauth2RequirePostResponse)/$entity',
      ...{ isDisabled: null, oauth2RequirePostResponse: false },
    });
    const plain = (await graph.admin('GET', path)).body;
    const beta = (await graph.admin('GET', `/beta${path}`)).body;
    expect(beta).toEqual({
      ...plain,
      '@odata.context': 'https://graph.microsoft.com/beta/$metadata#applications/$entity',
      ...{ isDisabled: null, oauth2RequirePostResponse: false },
    });
    expect(plain).not.toHaveProperty('oauth2RequirePostResponse');
    // The version is there, this one operation of it is not.
    expect((await graph.admin('PATCH', `/beta${path}`, { isDisabled: true })).body).toMatchObject({
      error: { message: `Kustody does not offer 'PATCH ${path}' of the version 'beta' of Microsoft Graph.` },
    });
    expect(errorOf(await graph.admin('PATCH', `/beta${path}`, { isDisabled: true }))[0]).toBe(501);
  });

  it('Applications_Update: keeps what an application will ask for, which by itself gives nothing', async () => {
    const { id } = await register('asking');
    const vault = 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093';
    const access = { id: 'f53da476-18e3-4152-8e01-aec403e6edc0', type: 'Scope' };
    const requiredResourceAccess = [{ resourceAppId: vault, resourceAccess: [access] }];
    expect((await graph.admin('PATCH', `/applications/${id}`, { requiredResourceAccess })).status).toBe(204);
    expect((await graph.admin('GET', `/applications/${id}`)).body).toMatchObject({ requiredResourceAccess });
    await graph.admin('PATCH', `/applications/${id}`, { notes: 'n' });
    expect((await graph.admin('GET', `/applications/${id}`)).body).toMatchObject({ requiredResourceAccess });
    await graph.admin('PATCH', `/applications/${id}`, { requiredResourceAccess: [] });
    expect((await graph.admin('GET', `/applications/${id}`)).body).toMatchObject({ requiredResourceAccess: [] });
  });

  it.each([
    ['a name of others', { identifierUris: ['https://contoso.example/app'] }, 400, 'Request_BadRequest'],
    ["another's api", { identifierUris: ['api://11111111-2222-4333-8444-555555555555'] }, 400, 'Request_BadRequest'],
    ['plain HTTP elsewhere', { web: { redirectUris: ['http://app.example'] } }, 400, 'Request_BadRequest'],
    ['a script as redirect', { spa: { redirectUris: ['javascript:alert(1)'] } }, 400, 'Request_BadRequest'],
    ['an audience that nobody knows', { signInAudience: 'Everybody' }, 400, 'Request_BadRequest'],
    ['a secret of its own', { passwordCredentials: [{ secretText: 'x' }] }, 400, 'Request_BadRequest'],
    ['a member that nobody knows', { colour: 'red' }, 400, 'Request_BadRequest'],
    ['a number for a name', { displayName: 1 }, 400, 'Request_BadRequest'],
    ['no name', { displayName: '' }, 400, 'Request_BadRequest'],
    ['what it will ask for of nobody', { requiredResourceAccess: [{ resourceAppId: 'x' }] }, 400, 'Request_BadRequest'],
    [
      'more than it may ask for',
      {
        requiredResourceAccess: Array.from({ length: 51 }, () => ({
          resourceAppId: 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093',
          resourceAccess: [],
        })),
      },
      ...([403, 'Directory_QuotaExceeded'] as const),
    ],
    ['roles without a name', { appRoles: [{ id: 'x' }] }, 400, 'Request_BadRequest'],
    ['claims that are none', { optionalClaims: { idToken: [{ name: 'x' }] } }, 400, 'Request_BadRequest'],
    [
      'a key that is none',
      { keyCredentials: [{ type: 'Symmetric', usage: 'Sign', key: 'AA==' }] },
      501,
      'NotImplemented',
    ],
    ['a list', [], 400, 'BadRequest'],
  ])('Applications_Update: refuses %s', async (_what, change, status, code) => {
    const { id } = await register('refusing');
    const answer = await graph.admin('PATCH', `/applications/${id}`, change);
    expect(errorOf(answer).slice(0, 2)).toEqual([status, code]);
  });

  it('Applications_Delete: takes the service principal along', async () => {
    const { id, appId } = await register('deleted');
    const principal = idOf(await graph.admin('POST', '/servicePrincipals', { appId }));
    expect((await graph.admin('DELETE', `/applications/${id}`)).status).toBe(204);
    expect(errorOf(await graph.admin('GET', `/applications/${id}`))).toEqual(missing(id));
    expect(errorOf(await graph.admin('GET', `/servicePrincipals/${principal}`))).toEqual(missing(principal));
  });

  it('Applications_ListOwners, Applications_AddOwner, Applications_RemoveOwner, ServicePrincipals_ListOwners, ServicePrincipals_AddOwner, ServicePrincipals_RemoveOwner', async () => {
    const { id, appId } = await register('owned');
    const principal = idOf(await graph.admin('POST', '/servicePrincipals', { appId }));
    for (const path of [`/applications/${id}`, `/servicePrincipals/${principal}`]) {
      const add = () => graph.admin('POST', `${path}/owners/$ref`, reference(graph.plain.objectId));
      expect((await add()).status).toBe(204);
      expect(errorOf(await add())).toEqual([
        400,
        'Request_BadRequest',
        "One or more added object references already exist for the following modified properties: 'owners'.",
      ]);
      const owners = valueOf(await graph.admin('GET', `${path}/owners`));
      expect(owners).toMatchObject([{ '@odata.type': '#microsoft.graph.servicePrincipal', id: graph.plain.objectId }]);
      const remove = () => graph.admin('DELETE', `${path}/owners/${graph.plain.objectId}/$ref`);
      expect((await remove()).status).toBe(204);
      expect(errorOf(await remove())).toEqual(missing(graph.plain.objectId));
    }
  });

  it('Applications_Update, ServicePrincipals_Update: take back what they show, as the clients for Java send it', async () => {
    const { id, appId } = await register('sent-back');
    await graph.admin('PATCH', `/applications/${id}`, { web: { redirectUris: ['https://localhost/back'] } });
    await graph.admin('POST', `/applications/${id}/addPassword`, {});
    const principal = idOf(await graph.admin('POST', '/servicePrincipals', { appId }));
    for (const path of [`/applications/${id}`, `/servicePrincipals/${principal}`]) {
      const { body } = await graph.admin('GET', path);
      const { '@odata.context': context, ...shown } = body;
      expect((await graph.admin('PATCH', path, shown)).status).toBe(204);
      // Members without a value are left out by some clients.
      const said: unknown = JSON.parse(JSON.stringify(shown), (_, value: unknown) => value ?? undefined);
      expect((await graph.admin('PATCH', path, { ...(said as object), tags: ['again'] })).status).toBe(204);
      expect((await graph.admin('GET', path)).body).toEqual({ ...shown, '@odata.context': context, tags: ['again'] });
      for (const change of [{ id: graph.managed.objectId }, { createdDateTime: '2020-01-01T00:00:00Z' }])
        expect(errorOf(await graph.admin('PATCH', path, change))[2]).toContain('Invalid property');
      const refused = await graph.admin('PATCH', path, { ...shown, info: { supportUrl: 'https://x.example' } });
      expect(refused.status).not.toBe(204);
    }
  });
});
