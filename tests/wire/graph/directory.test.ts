import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Guid } from '../../../src/base/guid.ts';
import { parseGuid } from '../../../src/base/guid.ts';
import { graphOperations } from '../../../src/identity/graph/operations.ts';
import { denied, errorOf, idOf, missing, reference, startGraph, valueOf } from './graph.fixture.ts';
import type { Graph, Send } from './graph.fixture.ts';

const cli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const password = 'Correct-Horse-7';

describe('users, groups and what is asked of both', () => {
  let graph: Graph;
  beforeAll(async () => {
    graph = await startGraph();
  });
  afterAll(() => graph.close());

  let count = 0;
  const body = (change: object = {}) => {
    count += 1;
    const name = `user${count}`;
    return {
      ...{ userPrincipalName: `${name}@kustody.onmicrosoft.com`, displayName: name, mailNickname: name },
      passwordProfile: { password, forceChangePasswordNextSignIn: false },
      accountEnabled: true,
      ...change,
    };
  };
  const newUser = async () => {
    const made = await graph.admin('POST', '/users', body());
    expect(made.status).toBe(201);
    return { id: idOf(made), name: String(made.body['userPrincipalName']) };
  };
  const signIn = async (name: string, scope = 'https://graph.microsoft.com//.default', typed = password) => {
    const form = { grant_type: 'password', client_id: cli, username: name, password: typed, scope };
    return graph.ask('/organizations/oauth2/v2.0/token', { form });
  };
  const as = async (name: string): Promise<Send> => graph.withToken(String((await signIn(name)).body['access_token']));
  const newGroup = async (by: Send = graph.admin) => {
    count += 1;
    const made = await by('POST', '/groups', {
      ...{ displayName: `group${count}`, mailNickname: `group${count}`, mailEnabled: false, securityEnabled: true },
    });
    expect(made.status).toBe(201);
    return idOf(made);
  };

  it('Users_Create, Users_Get: answer as recorded, and the password is nowhere', async () => {
    const sent = body({ displayName: 'tester123' });
    const made = await graph.admin('POST', '/users', sent);
    const id = idOf(made);
    expect(made.headers['location']).toBe(
      `https://graph.microsoft.com/v2/${graph.tenant.tenantId}/directoryObjects/${id}/Microsoft.DirectoryServices.User`,
    );
    const expected = {
      '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#users/$entity',
      id,
      businessPhones: [],
      displayName: 'tester123',
      ...{ givenName: null, jobTitle: null, mail: null, mobilePhone: null, officeLocation: null },
      ...{ preferredLanguage: null, surname: null, userPrincipalName: sent.userPrincipalName },
    };
    expect(made.body).toEqual(expected);
    for (const path of [`/users/${id}`, `/users/${sent.userPrincipalName}`, `/users('${sent.userPrincipalName}')`])
      expect((await graph.admin('GET', path)).body).toEqual(expected);
    expect((await graph.admin('GET', `/users/${id}?$select=id,accountEnabled`)).body).toEqual({
      '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#users(id,accountEnabled)/$entity',
      id,
      accountEnabled: true,
    });
  });

  it.each<[string, object, string]>([
    ['a weak password', { passwordProfile: { password: 'short' } }, 'The specified password does not comply'],
    ['a foreign domain', { userPrincipalName: 'a@contoso.example' }, 'The domain portion of the userPrincipalName'],
    ['no domain', { userPrincipalName: 'a' }, "Invalid value specified for property 'userPrincipalName'"],
    ['no name', { displayName: undefined }, "A value is required for property 'displayName' of resource 'User'."],
    ['no password', { passwordProfile: undefined }, "A value is required for property 'passwordProfile'"],
    ['no state', { accountEnabled: undefined }, "A value is required for property 'accountEnabled'"],
  ])('Users_Create: refuses %s', async (_what, change, text) => {
    const [status, code, message] = errorOf(await graph.admin('POST', '/users', body(change)));
    expect([status, code]).toEqual([400, 'Request_BadRequest']);
    expect(message).toContain(text);
  });

  it('Users_Create, Users_Update: give a name once, in whatever case', async () => {
    const [first, second] = [await newUser(), await newUser()];
    const taken = [
      400,
      'Request_BadRequest',
      'Another object with the same value for property userPrincipalName already exists.',
    ];
    const again = { userPrincipalName: first.name.toUpperCase() };
    expect(errorOf(await graph.admin('POST', '/users', body(again)))).toEqual(taken);
    expect(errorOf(await graph.admin('PATCH', `/users/${second.id}`, again))).toEqual(taken);
    const renamed = { userPrincipalName: `new-${second.name}` };
    expect((await graph.admin('PATCH', `/users/${second.id}`, renamed)).status).toBe(204);
    expect(errorOf(await graph.admin('GET', `/users/${second.name}`))).toEqual(missing(second.name));
    expect((await graph.admin('GET', `/users/new-${second.name}`)).body).toMatchObject({ id: second.id });
  });

  it('Users_Update, Users_Delete: a password, a state and an end count at once', async () => {
    const { id, name } = await newUser();
    const asIt = await as(name);
    expect((await asIt('GET', '/me')).status).toBe(200);
    const profile = { password: 'Other-Horse-8', forceChangePasswordNextSignIn: false };
    expect((await graph.admin('PATCH', `/users/${id}`, { passwordProfile: profile, jobTitle: 'Tester' })).status).toBe(
      204,
    );
    expect((await signIn(name)).body['error_codes']).toEqual([50126]);
    expect((await signIn(name, undefined, 'Other-Horse-8')).status).toBe(200);
    expect((await graph.admin('PATCH', `/users/${id}`, { accountEnabled: false })).status).toBe(204);
    expect(errorOf(await asIt('GET', '/me')).slice(0, 2)).toEqual([401, 'InvalidAuthenticationToken']);
    expect((await graph.admin('DELETE', `/users/${name}`)).status).toBe(204);
    expect(errorOf(await graph.admin('GET', `/users/${id}`))).toEqual(missing(id));
  });

  it('Users_List: goes through pages that shift with nobody who comes', async () => {
    for (let n = 0; n < 5; n++) await newUser();
    const all = valueOf(await graph.admin('GET', '/users')).map((user) => user['id']);
    const seen: unknown[] = [];
    let path = '/users?$top=2&$select=id';
    for (let pages = 0; path !== '' && pages < 50; pages++) {
      const page = await graph.admin('GET', path);
      expect(page.body['@odata.context']).toBe('https://graph.microsoft.com/v1.0/$metadata#users(id)');
      seen.push(...valueOf(page).map((user) => user['id']));
      const next = page.body['@odata.nextLink'];
      path = typeof next === 'string' ? next.replace('https://graph.microsoft.com/v1.0', '') : '';
    }
    expect(seen).toEqual(all);
    const [, code] = errorOf(await graph.admin('GET', '/users?$skiptoken=AAAA'));
    expect(code).toBe('Directory_ExpiredPageToken');
    for (const size of ['0', '1000', 'x'])
      expect(errorOf(await graph.admin('GET', `/users?$top=${size}`))[2]).toBe(
        `Invalid page size specified: '${size}'. Must be between 1 and 999 inclusive.`,
      );
  });

  it.each([
    ['$filter=colour eq %27red%27', 400, 'Request_UnsupportedQuery'],
    ['$filter=displayName ne %27a%27', 400, 'Request_UnsupportedQuery'],
    ['$filter=endswith(displayName,%27a%27)', 400, 'Request_UnsupportedQuery'],
    ['$filter=displayName eq', 400, 'BadRequest'],
    ['$filter=(displayName eq %27a%27', 400, 'BadRequest'],
    ['$filter=displayName eq %27a', 400, 'BadRequest'],
    ['$orderby=displayName', 501, 'NotImplemented'],
    ['$expand=memberOf', 501, 'NotImplemented'],
    ['$magic=1', 400, 'BadRequest'],
  ])('Users_List: refuses ?%s', async (query, status, code) => {
    const answer = await graph.admin('GET', `/users?${query.replaceAll(' ', '%20')}`);
    expect(errorOf(answer).slice(0, 2)).toEqual([status, code]);
  });

  it('Me_Get, Me_memberOf, Me_ownedObjects, Me_checkMemberGroups, Me_checkMemberObjects, Me_getMemberGroups, Me_getMemberObjects: tell users of themselves', async () => {
    const { id, name } = await newUser();
    const [inner, outer] = [await newGroup(), await newGroup()];
    await graph.admin('POST', `/groups/${inner}/members/$ref`, reference(id));
    await graph.admin('POST', `/groups/${outer}/members/$ref`, reference(inner));
    const asIt = await as(name);
    expect((await asIt('GET', '/me')).body).toMatchObject({ id, userPrincipalName: name });
    expect(valueOf(await asIt('GET', '/me/memberOf')).map((group) => group['id'])).toEqual([inner]);
    const both = [inner, outer].sort();
    for (const path of ['/me', `/users/${id}`, `/directoryObjects/${id}`]) {
      const list = async (question: string, sent: object) =>
        [...((await asIt('POST', `${path}/${question}`, sent)).body['value'] as string[])].sort();
      const nobody = '11111111-2222-4333-8444-555555555555';
      expect(await list('getMemberGroups', { securityEnabledOnly: false })).toEqual(both);
      expect(await list('getMemberObjects', { securityEnabledOnly: true })).toEqual(both);
      expect(await list('checkMemberGroups', { groupIds: [outer, nobody] })).toEqual([outer]);
      expect(await list('checkMemberObjects', { ids: [inner, outer, nobody] })).toEqual(both);
    }
    const own = await newGroup(asIt);
    expect(valueOf(await asIt('GET', '/me/ownedObjects'))).toMatchObject([
      { '@odata.type': '#microsoft.graph.group', id: own },
    ]);
    for (const path of ['/me', '/me/memberOf'])
      expect(errorOf(await graph.admin('GET', path))).toEqual([
        400,
        'BadRequest',
        '/me request is only valid with delegated authentication flow.',
      ]);
  });

  it('Groups_Create, Groups_Get, Groups_List, Groups_Update, Groups_Delete', async () => {
    const id = await newGroup();
    const shown = await graph.admin('GET', `/groups/${id}`);
    expect(shown.body).toMatchObject({
      ...{ id, mailEnabled: false, securityEnabled: true, groupTypes: [], visibility: null, description: null },
      securityIdentifier: expect.stringMatching(/^S-1-12-1(-\d+){4}$/) as string,
    });
    const change = { displayName: 'renamed', description: 'why' };
    expect((await graph.admin('PATCH', `/groups/${id}`, change)).status).toBe(204);
    const filter = encodeURIComponent("displayName eq 'renamed' and securityEnabled eq true");
    expect(valueOf(await graph.admin('GET', `/groups?$filter=${filter}`))).toMatchObject([{ id, ...change }]);
    expect((await graph.admin('DELETE', `/groups/${id}`)).status).toBe(204);
    expect(errorOf(await graph.admin('GET', `/groups/${id}`))).toEqual(missing(id));
    const mail = {
      displayName: 'm',
      mailNickname: 'm',
      mailEnabled: true,
      securityEnabled: false,
      groupTypes: ['Unified'],
    };
    expect(errorOf(await graph.admin('POST', '/groups', mail)).slice(0, 2)).toEqual([501, 'NotImplemented']);
  });

  it('Groups_AddMember, Groups_ListMembers, Groups_RemoveMember, Groups_memberOf, ServicePrincipals_memberOf, Users_memberOf', async () => {
    const [id, user] = [await newGroup(), await newUser()];
    const members = [user.id, graph.plain.objectId].sort();
    for (const one of members)
      expect((await graph.admin('POST', `/groups/${id}/members/$ref`, reference(one))).status).toBe(204);
    expect(valueOf(await graph.admin('GET', `/groups/${id}/members`)).map((one) => one['id'])).toEqual(members);
    expect(errorOf(await graph.admin('POST', `/groups/${id}/members/$ref`, reference(user.id)))[2]).toContain(
      "already exist for the following modified properties: 'members'",
    );
    for (const path of [`/users/${user.id}`, `/servicePrincipals/${graph.plain.objectId}`])
      expect(valueOf(await graph.admin('GET', `${path}/memberOf`)).map((one) => one['id'])).toContain(id);
    expect(valueOf(await graph.admin('GET', `/groups/${id}/memberOf`))).toEqual([]);
    expect((await graph.admin('DELETE', `/users/${user.id}`)).status).toBe(204);
    expect(valueOf(await graph.admin('GET', `/groups/${id}/members`)).map((one) => one['id'])).toEqual([
      graph.plain.objectId,
    ]);
    const remove = () => graph.admin('DELETE', `/groups/${id}/members/${graph.plain.objectId}/$ref`);
    expect((await remove()).status).toBe(204);
    expect(errorOf(await remove())).toEqual(missing(graph.plain.objectId));
    for (const bad of [{}, { '@odata.id': 'https://elsewhere.example/v1.0/users/x' }, reference('x')])
      expect(errorOf(await graph.admin('POST', `/groups/${id}/members/$ref`, bad))[0]).toBe(400);
  });

  it('counts groups where rights are: a member is told with the caller', async () => {
    const [inner, outer, user] = [await newGroup(), await newGroup(), await newUser()];
    await graph.admin('POST', `/groups/${inner}/members/$ref`, reference(user.id));
    await graph.admin('POST', `/groups/${outer}/members/$ref`, reference(inner));
    const { body: tokens } = await signIn(user.name, 'https://management.azure.com/.default');
    const verdict = await graph.verifyToken(`Bearer ${String(tokens['access_token'])}`, [
      'https://management.azure.com',
    ]);
    const groupIds = verdict.outcome === 'valid' ? verdict.caller.groupIds : [];
    expect([...groupIds].sort()).toEqual([inner, outer].sort());
  });

  it('Groups_ListOwners, Groups_AddOwner, Groups_RemoveOwner: an owner manages its group, nobody else without a role', async () => {
    const [owner, other] = [await newUser(), await newUser()];
    const [asOwner, asOther] = [await as(owner.name), await as(other.name)];
    const id = await newGroup(asOwner);
    expect(valueOf(await graph.admin('GET', `/groups/${id}/owners`)).map((one) => one['id'])).toEqual([owner.id]);
    const change = { description: 'mine' };
    expect(errorOf(await asOther('PATCH', `/groups/${id}`, change))).toEqual(denied);
    expect((await asOwner('PATCH', `/groups/${id}`, change)).status).toBe(204);
    expect((await asOwner('POST', `/groups/${id}/owners/$ref`, reference(other.id))).status).toBe(204);
    expect((await asOther('PATCH', `/groups/${id}`, change)).status).toBe(204);
    expect((await asOwner('DELETE', `/groups/${id}/owners/${other.id}/$ref`)).status).toBe(204);
    expect(errorOf(await asOther('DELETE', `/groups/${id}`))).toEqual(denied);
  });

  it('DirectoryObjects_getByIds, DirectoryObjects_Get: find objects of all kinds, each with its type', async () => {
    const [group, user] = [await newGroup(), await newUser()];
    const nobody = '514f6bdf-7746-4a35-a11b-ed87fabdb7b1';
    const ids = [user.id, group, graph.plain.objectId, nobody];
    const kinds = ['user', 'group', 'servicePrincipal', 'directoryObjectPartnerReference'];
    const found = await graph.admin('POST', '/directoryObjects/getByIds', { ids, types: kinds });
    expect(found.body['@odata.context']).toBe('https://graph.microsoft.com/v1.0/$metadata#directoryObjects');
    expect(found.headers['location']).toBe('https://graph.microsoft.com');
    const types = valueOf(found).map((one) => [one['id'], one['@odata.type']]);
    expect(types).toHaveLength(3);
    expect(types).toEqual(
      expect.arrayContaining([
        [user.id, '#microsoft.graph.user'],
        [group, '#microsoft.graph.group'],
        [graph.plain.objectId, '#microsoft.graph.servicePrincipal'],
      ]),
    );
    const users = await graph.admin('POST', '/directoryObjects/getByIds', { ids, types: ['user'] });
    expect(valueOf(users).map((one) => one['id'])).toEqual([user.id]);
    expect((await graph.admin('GET', `/directoryObjects/${group}`)).body).toMatchObject({ id: group });
    expect(errorOf(await graph.admin('GET', `/directoryObjects/${nobody}`))).toEqual(missing(nobody));
    const many = { ids: Array.from({ length: 1001 }, () => nobody) };
    expect(errorOf(await graph.admin('POST', '/directoryObjects/getByIds', many))[0]).toBe(400);
  });

  it('Organization_List, Organization_Get, Domains_List: name the tenant of the caller', async () => {
    const { tenantId } = graph.tenant;
    const [own] = valueOf(await graph.admin('GET', '/organization'));
    expect(own).toMatchObject({
      ...{ id: tenantId, displayName: 'Kustody', tenantType: 'AAD' },
      verifiedDomains: [{ name: 'kustody.onmicrosoft.com', isDefault: true, isInitial: true }],
    });
    expect((await graph.admin('GET', `/organization/${tenantId}`)).body).toMatchObject({ id: tenantId });
    expect(valueOf(await graph.admin('GET', '/domains'))).toMatchObject([
      { id: 'kustody.onmicrosoft.com', isVerified: true },
    ]);
  });

  it('shows nothing of another tenant', async () => {
    const other = await graph.tenants.create({
      ...{ displayName: 'Other', domains: ['other.example'], hidden: false, createdAt: graph.tenant.createdAt },
    });
    const foreign = await graph.principals.create({
      tenantId: other.tenantId,
      displayName: 'foreign',
      kind: 'application',
    });
    expect(errorOf(await graph.admin('GET', `/servicePrincipals/${foreign.objectId}`))).toEqual(
      missing(foreign.objectId),
    );
    const found = await graph.admin('POST', '/directoryObjects/getByIds', { ids: [foreign.objectId] });
    expect(valueOf(found)).toEqual([]);
    const group = await newGroup();
    const added = await graph.admin('POST', `/groups/${group}/members/$ref`, reference(foreign.objectId));
    expect(errorOf(added)).toEqual(missing(foreign.objectId));
  });

  it('lets a member read and register, and no more', async () => {
    const { id, name } = await newUser();
    const asIt = await as(name);
    expect((await asIt('GET', '/users')).status).toBe(200);
    for (const [method, path, sent] of [
      ['POST', '/users', body()],
      ['PATCH', `/users/${id}`, { jobTitle: 'Boss' }],
      ['DELETE', `/users/${id}`, undefined],
      ['POST', `/servicePrincipals/${graph.application.objectId}/addPassword`, {}],
      ['POST', '/servicePrincipals', { appId: graph.application.appId }],
    ] as const)
      expect(errorOf(await asIt(method, path, sent))).toEqual(denied);
    const made = await asIt('POST', '/applications', { displayName: 'own' });
    expect(made.status).toBe(201);
    expect((await asIt('POST', `/applications/${idOf(made)}/addPassword`, {})).status).toBe(200);
    expect((await asIt('POST', '/servicePrincipals', { appId: made.body['appId'] })).status).toBe(201);
  });

  it("lets no administrator of users set a higher administrator's password", async () => {
    const [helper, boss] = [await newUser(), await newUser()];
    const give = async (id: Guid, role: string): Promise<void> => {
      const directoryRoles = [role].flatMap((one) => parseGuid(one) ?? []);
      await graph.directory.users.update(id, (one) => ({ ...one, directoryRoles }));
    };
    await give(helper.id, 'fe930be7-5e62-47db-91af-98c3a49a38b1');
    await give(boss.id, '62e90394-69f5-4237-9190-012177145e10');
    const asHelper = await as(helper.name);
    expect((await asHelper('POST', '/users', body())).status).toBe(201);
    expect(errorOf(await asHelper('PATCH', `/users/${boss.id}`, { jobTitle: 'none' }))).toEqual(denied);
    expect(errorOf(await asHelper('DELETE', `/users/${boss.id}`))).toEqual(denied);
    expect((await (await as(boss.name))('DELETE', `/users/${helper.id}`)).status).toBe(204);
  });
});

describe('every operation of Graph', () => {
  let graph: Graph;
  beforeAll(async () => {
    graph = await startGraph();
  });
  afterAll(() => graph.close());

  const target = (path: string): string => path.replaceAll(/\{\w+\}/g, '11111111-2222-4333-8444-555555555555');

  it.each(graphOperations)('$id asks for a token, and for a right', async ({ method, path, right }) => {
    const sent = method === 'GET' || method === 'DELETE' ? undefined : {};
    const nobody = graph.withToken('a.b.c');
    const answer = await nobody(method, target(path), sent);
    expect(errorOf(answer).slice(0, 2)).toEqual([401, 'InvalidAuthenticationToken']);
    expect(answer.headers['www-authenticate']).toContain('client_id="00000003-0000-0000-c000-000000000000"');
    const plain = errorOf(await graph.stranger(method, target(path), sent));
    if (right === 'self') expect(plain.slice(0, 2)).toEqual([400, 'BadRequest']);
    else expect(plain).toEqual(denied);
  });

  it('takes no token of another audience, and tells in its own shape', async () => {
    const arm = await graph.tokenOf(graph.application.appId, graph.secret, 'https://management.azure.com/.default');
    const id = '0a0a0a0a-1111-4222-8333-444444444444';
    const answer = await graph.withToken(arm)('GET', '/users', undefined, { 'client-request-id': id });
    expect(answer.status).toBe(401);
    expect(answer.headers['client-request-id']).toBe(id);
    expect(answer.body).toEqual({
      error: {
        code: 'InvalidAuthenticationToken',
        message: 'Access token validation failure. Invalid audience.',
        innerError: {
          date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/) as string,
          'request-id': answer.headers['request-id'],
          'client-request-id': id,
        },
      },
    });
  });

  it.each([
    ['GET', '/users/x/messages', 501, "Kustody does not offer 'GET /users/x/messages' of Microsoft Graph."],
    ['GET', '/deviceManagement', 501, "Kustody does not offer 'GET /deviceManagement' of Microsoft Graph."],
    ['GET', '/beta/users', 501, "Kustody does not offer 'GET /users' of the version 'beta' of Microsoft Graph."],
    ['DELETE', '/users', 405, 'Specified HTTP method is not allowed for the request target: DELETE.'],
    ['POST', '/users', 400, 'Unable to read JSON request payload.'],
    ['GET', '/users/%zz', 400, 'The request path is malformed.'],
  ])('refuses by name %s %s', async (method, path, status, text) => {
    const sent = method === 'POST' ? '{' : undefined;
    const [found, , message] = errorOf(await graph.admin(method, path, sent));
    expect(found).toBe(status);
    expect(message).toContain(text);
  });
});
