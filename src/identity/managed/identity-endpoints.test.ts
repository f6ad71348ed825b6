import { compactVerify, decodeJwt, decodeProtectedHeader } from 'jose';
import inject from 'light-my-request';
import { describe, expect, it } from 'vitest';
import type { MintToken } from '../../authz/caller.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { invariant } from '../../base/invariant.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { instant } from '../../clock/clock.ts';
import { silentLog } from '../../http/logging.ts';
import type { Principal } from '../principals/principal.ts';
import { createIdentityEndpoints } from './identity-endpoints.ts';

const now = Date.parse('2031-03-04T05:06:07Z');
const identityOf = (resourceId: string): Principal => ({
  ...{ objectId: newGuid(systemRandomBytes), appId: newGuid(systemRandomBytes), tenantId: newGuid(systemRandomBytes) },
  ...{ displayName: 'worker', kind: 'managedIdentity', resourceId, enabled: true, accessTokenVersion: 1 },
  ...{ secrets: [], tags: [], owners: [], directoryRoles: [], createdAt: undefined },
});
const userAssigned = () =>
  identityOf('/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/w');
const systemAssigned = () => identityOf('/subscriptions/s/resourceGroups/g/providers/Microsoft.Kusto/clusters/c');

function start(gone: ReadonlySet<Guid> = new Set()) {
  const mintToken: MintToken = (objectId, audience) =>
    Promise.resolve(
      gone.has(objectId)
        ? { outcome: 'refused', reason: `There is no principal ${objectId}.` }
        : { outcome: 'token', token: `${objectId} for ${audience}`, expiresOn: now + 86_400_000 },
    );
  const endpoints = createIdentityEndpoints({
    ...{ mintToken, randomBytes: systemRandomBytes, log: silentLog, wallClock: () => instant(now) },
  });
  const ask = async (header: string, query: Record<string, string> = {}) => {
    const answer = await inject(endpoints.plane.handle, {
      ...{ method: 'GET', url: '/msi/token', headers: { 'x-identity-header': header } },
      query: { 'api-version': '2019-08-01', resource: 'https://vault.azure.net', ...query },
    });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };
  const askImds = async (path: string, query: Record<string, string> = {}, headers: object = { Metadata: 'true' }) => {
    const answer = await inject(endpoints.plane.handle, {
      ...{ method: 'GET', url: `${path}/metadata/identity/oauth2/token`, headers: { ...headers } },
      query: { 'api-version': '2018-02-01', resource: 'https://vault.azure.net', ...query },
    });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };
  return { endpoints, ask, askImds };
}

describe('endpoints of managed identities', () => {
  it('give each the tokens of its own identity alone, until they are closed', async () => {
    const { endpoints, ask } = start();
    const [one, two] = [systemAssigned(), systemAssigned()];
    const [first, second] = [endpoints.open(one), endpoints.open(two)];
    const token = { access_token: `${one.objectId} for https://vault.azure.net`, client_id: one.appId };
    expect(await ask(first?.header ?? '')).toMatchObject({
      status: 200,
      body: { ...token, token_type: 'Bearer', expires_on: '1930453567', not_before: '1930367167' },
    });
    expect((await ask(second?.header ?? '')).body['client_id']).toBe(two.appId);
    expect((await ask(first?.header ?? '', { client_id: two.appId })).status).toBe(400);
    if (first !== undefined) endpoints.close(first.id);
    expect((await ask(first?.header ?? '')).status).toBe(401);
    expect((await ask(second?.header ?? '')).status).toBe(200);
  });

  it('say why there is no token', async () => {
    const lost = systemAssigned();
    const { endpoints, ask } = start(new Set([lost.objectId]));
    const header = endpoints.open(lost)?.header ?? '';
    const message = `There is no principal ${lost.objectId}.`;
    expect(await ask(header)).toMatchObject({ status: 400, body: { statusCode: 400, message } });
    expect((await ask(header, { 'api-version': '2018-02-01' })).status).toBe(400);
    expect((await ask('', { 'api-version': '2018-02-01' })).status).toBe(401);
  });

  it('are so many and no more, and who had one stays known', () => {
    const { endpoints } = start();
    const identity = systemAssigned();
    const ids = Array.from({ length: 1_000 }, () => endpoints.open(identity)?.id);
    expect(new Set(ids).size).toBe(1_000);
    expect(endpoints.open(identity)).toBeUndefined();
    for (const id of ids) if (id !== undefined) endpoints.close(id);
    expect(endpoints.open(systemAssigned())).toBeDefined();
    // What it did meanwhile is told one by one, not as the server's own looks at its keys are.
    expect(endpoints.wasGivenAway(identity.objectId)).toBe(true);
    expect(endpoints.wasGivenAway(systemAssigned().objectId)).toBe(false);
  });

  it('answer as a virtual machine does: its only identity needs no name, and the secret is in the address', async () => {
    const { endpoints, ask, askImds } = start();
    const identity = userAssigned();
    const [opened, other] = [endpoints.open(identity, 'vm'), endpoints.open(identity)];
    const path = opened?.path ?? '';
    expect(await askImds(path)).toEqual({
      status: 200,
      body: {
        access_token: `${identity.objectId} for https://vault.azure.net`,
        client_id: identity.appId,
        ...{ expires_in: '86400', expires_on: '1930453567', ext_expires_in: '86400', not_before: '1930367167' },
        ...{ resource: 'https://vault.azure.net', token_type: 'Bearer' },
      },
    });
    for (const name of ['client_id', 'object_id', 'mi_res_id', 'msi_res_id'] as const) {
      const value = { client_id: identity.appId, object_id: identity.objectId }[name as string] ?? identity.resourceId;
      expect((await askImds(path, { [name]: String(value).toUpperCase() })).status).toBe(200);
      expect((await askImds(path, { [name]: 'another' })).body).toMatchObject({
        error_description: 'Identity not found',
      });
    }
    const refused = { status: 400, body: { error: 'invalid_request' } };
    expect(await askImds(path, {}, {})).toMatchObject(refused);
    expect(await askImds(path, {}, { Metadata: 'true', 'X-Forwarded-For': '10.0.0.1' })).toMatchObject(refused);
    expect(await askImds(path, { 'api-version': '1' })).toMatchObject(refused);
    expect(await askImds(path, { resource: '' })).toMatchObject(refused);
    expect((await askImds(`/msi/${other?.header}`)).status).toBe(404);
    expect((await ask(path.replace('/msi/', ''))).status).toBe(401);
    if (opened !== undefined) endpoints.close(opened.id);
    expect((await askImds(path)).status).toBe(404);
  });

  it('make tokens for the files of AKS, which stand for the identity as long as they are open', async () => {
    const { endpoints, ask } = start();
    const identity = userAssigned();
    const [opened, plain] = [endpoints.open(identity, 'aks'), endpoints.open(identity)];
    invariant(opened !== undefined && plain !== undefined, 'there is room');
    const made = await endpoints.workloadToken(opened.id);
    const { iss, sub, exp } = decodeJwt(made?.token ?? '');
    expect([exp, made?.expiresOn]).toEqual([now / 1000 + 3600, now + 3_600_000]);
    expect(endpoints.trustOf(identity.resourceId?.toUpperCase() ?? '')).toEqual([
      { issuer: iss, subject: sub, audience: 'api://AzureADTokenExchange' },
    ]);
    const keys = endpoints.issuerKeys({ find: () => Promise.resolve(undefined) });
    const { kid = '' } = decodeProtectedHeader(made?.token ?? '');
    const key = await keys.find(iss ?? '', kid);
    invariant(key !== undefined, 'the issuer has its key');
    await expect(compactVerify(made?.token ?? '', key)).resolves.toBeDefined();
    expect(await keys.find('https://another.example', kid)).toBeUndefined();
    expect(await endpoints.workloadToken(plain.id)).toBeUndefined();
    expect((await ask('')).status).toBe(401);
    endpoints.close(opened.id);
    expect([endpoints.trustOf(identity.resourceId ?? ''), await endpoints.workloadToken(opened.id)]).toEqual([
      [],
      undefined,
    ]);
  });
});

describe('an endpoint of Azure Arc', () => {
  const askArc = async (
    endpoints: ReturnType<typeof start>['endpoints'],
    path: string,
    more: object = {},
    query = {},
  ) => {
    const answer = await inject(endpoints.plane.handle, {
      ...{ method: 'GET', url: path, headers: { Metadata: 'true', ...more } },
      query: { 'api-version': '2020-06-01', resource: 'https://vault.azure.net', ...query },
    });
    const { statusCode: status, headers } = answer;
    return { status, challenge: headers['www-authenticate'], body: answer.json<Record<string, unknown>>() };
  };

  it('names a file, and gives tokens to who can read it', async () => {
    const { endpoints } = start();
    const identity = userAssigned();
    const opened = endpoints.open(identity, 'arc');
    invariant(opened !== undefined, 'it is the first');
    const { path, header, keyFile } = opened;
    expect(path).toMatch(/^\/msi\/arc\/[0-9a-f-]{36}\/metadata\/identity\/oauth2\/token$/);
    expect(path).not.toContain(header);
    expect(keyFile).toBe(`/var/opt/azcmagent/tokens/${opened.id}.key`);
    expect(await askArc(endpoints, path)).toMatchObject({ status: 401, challenge: `Basic realm=${keyFile ?? ''}` });
    const proof = { authorization: `Basic ${header}` };
    expect(await askArc(endpoints, path, proof, { client_id: identity.appId })).toMatchObject({
      status: 200,
      body: { access_token: `${identity.objectId} for https://vault.azure.net`, client_id: identity.appId },
    });
    const byId = await askArc(endpoints, path, proof, { msi_res_id: identity.resourceId });
    expect(byId.body).toMatchObject({ msi_res_id: identity.resourceId });
    expect(await askArc(endpoints, path, { ...proof, Metadata: 'no' })).toMatchObject({ status: 400 });
    expect(await askArc(endpoints, path, proof, { 'api-version': '2018-02-01' })).toMatchObject({ status: 400 });
    endpoints.close(opened.id);
    expect(await askArc(endpoints, path, proof)).toMatchObject({ status: 404 });
  });

  it('takes no key of another endpoint, nor one of another form', async () => {
    const { endpoints } = start();
    const [own, other] = [endpoints.open(userAssigned(), 'arc'), endpoints.open(userAssigned(), 'arc')];
    const service = endpoints.open(systemAssigned());
    for (const key of [other?.header, service?.header, '', undefined])
      expect(
        await askArc(endpoints, own?.path ?? '', key === undefined ? {} : { authorization: `Basic ${key}` }),
      ).toMatchObject({ status: 401 });
    expect(await askArc(endpoints, `/msi/arc/${service?.id ?? ''}/metadata/identity/oauth2/token`)).toMatchObject({
      status: 404,
    });
  });
});
