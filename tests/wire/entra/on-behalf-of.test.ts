import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instant } from '../../../src/clock/clock.ts';
import { forge } from '../../../src/identity/entra/assertion.fixture.ts';
import { python, pythonHas } from '../../support/python.ts';
import type { Graph } from '../graph/graph.fixture.ts';
import { startGraph } from '../graph/graph.fixture.ts';
import { consent, createUser, registerService, servicePrincipalOf, signIn } from './middle-tier.fixture.ts';

const vaultScope = 'https://vault.azure.net/.default';
const vaultAppId = 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093';
const hasPython = pythonHas('azure.identity');
type Service = Awaited<ReturnType<typeof registerService>>;

describe('on behalf of a user', () => {
  let graph: Graph;
  let service: Service;
  let another: Service;
  const tokens: Record<string, string> = {};
  beforeAll(async () => {
    graph = await startGraph();
    service = await registerService(graph, 'middle');
    another = await registerService(graph, 'another', { api: { requestedAccessTokenVersion: 2 } });
    expect([...service.statuses, ...another.statuses]).toEqual([201, 204, 201, 204]);
    const user = await createUser(graph, 'ada');
    const signedIn = await signIn(graph, user, `api://${service.appId}/access openid`);
    expect(signedIn.status, signedIn.text).toBe(200);
    tokens['user'] = String(signedIn.body['access_token']);
    tokens['id'] = String(signedIn.body['id_token']);
    const arm = await signIn(graph, user, 'https://management.core.windows.net//.default');
    tokens['arm'] = String(arm.body['access_token']);
    tokens['another'] = String((await signIn(graph, user, `api://${another.appId}/.default`)).body['access_token']);
    tokens['application'] = await graph.tokenOf(service.appId, service.secret, `api://${service.appId}/.default`);
  });
  afterAll(() => graph.close());

  const exchange = (assertion: string, fields: Record<string, string> = {}, by = service) =>
    graph.ask(`/${graph.tenant.tenantId}/oauth2/v2.0/token`, {
      form: {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        ...{ client_id: by.appId, client_secret: by.secret, assertion, scope: vaultScope },
        requested_token_use: 'on_behalf_of',
        ...fields,
      },
    });
  const refusal = async (assertion: string, fields: Record<string, string> = {}, by = service) => {
    const { status, body } = await exchange(assertion, fields, by);
    return [status, body['error'], (body['error_codes'] as number[] | undefined)?.[0]];
  };
  const user = () => tokens['user'] ?? '';

  it('gives nothing without consent, and then a token of the user for the service that was consented to', async () => {
    expect(await refusal(user())).toEqual([400, 'invalid_grant', 65001]);
    const vault = await servicePrincipalOf(graph, vaultAppId);
    expect((await consent(graph, service.principal, vault, 'user_impersonation stranger')).status).toBe(201);
    const { status, body } = await exchange(user(), { client_info: '1' });
    expect([status, body['scope'], body['refresh_token']]).toEqual([
      ...[200, `https://vault.azure.net/user_impersonation ${vaultScope}`],
      undefined,
    ]);
    const token = String(body['access_token']);
    expect(decodeJwt(token)).toMatchObject({
      ...{ aud: 'https://vault.azure.net', appid: service.appId, appidacr: '1', idtyp: 'user' },
      ...{ scp: 'user_impersonation', upn: 'ada@kustody.onmicrosoft.com' },
    });
    expect(await graph.verifyToken(`Bearer ${token}`, ['https://vault.azure.net'])).toMatchObject({
      outcome: 'valid',
      caller: { appId: service.appId, user: { principalName: 'ada@kustody.onmicrosoft.com' } },
    });
    const arm = { scope: 'https://management.azure.com/.default' };
    expect(await refusal(user(), arm)).toEqual([400, 'invalid_grant', 65001]);
    const stranger = { scope: 'https://vault.azure.net/stranger' };
    expect(await refusal(user(), stranger)).toEqual([400, 'invalid_grant', 65001]);
    const v1 = await graph.ask(`/${graph.tenant.tenantId}/oauth2/token`, {
      form: {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        ...{ client_id: service.appId, client_secret: service.secret, assertion: user() },
        ...{ resource: 'https://vault.azure.net', requested_token_use: 'on_behalf_of' },
      },
    });
    expect([v1.status, v1.body['resource']]).toEqual([200, 'https://vault.azure.net']);
  });

  it('goes on to another application of the tenant, which reads tokens of version 2', async () => {
    await consent(graph, service.principal, another.principal, 'access');
    const { body } = await exchange(user(), { scope: `api://${another.appId}/access` });
    expect(decodeJwt(String(body['access_token']))).toMatchObject({
      ...{ aud: another.appId, azp: service.appId, azpacr: '1', scp: 'access', ver: '2.0' },
      preferred_username: 'ada@kustody.onmicrosoft.com',
    });
  });

  it('takes no token of others: for another, from another, changed, of no user', async () => {
    expect(await refusal(tokens['arm'] ?? '')).toEqual([400, 'invalid_grant', 500131]);
    expect(await refusal(tokens['another'] ?? '')).toEqual([400, 'invalid_grant', 500131]);
    expect(await refusal(user(), {}, another)).toEqual([400, 'invalid_grant', 500131]);
    expect(await refusal(tokens['application'] ?? '')).toEqual([400, 'unauthorized_client', 7000113]);
    expect(await refusal(tokens['id'] ?? '')).toEqual([400, 'invalid_grant', 240002]);
    expect(await refusal(forge(user(), 'claims', { scp: 'more' }))).toEqual([400, 'invalid_grant', 50013]);
    expect(await refusal(forge(user(), 'header', { kid: 'x' }))).toEqual([400, 'invalid_grant', 50013]);
    expect(await refusal(forge(user(), 'header', { alg: 'none' }))).toEqual([400, 'invalid_grant', 50013]);
    const stranger = { iss: 'https://sts.windows.net/00000000-0000-4000-8000-000000000000/' };
    expect(await refusal(forge(user(), 'claims', stranger))).toEqual([400, 'invalid_grant', 50013]);
    expect(await refusal('no.token')).toEqual([400, 'invalid_request', 50027]);
  });

  it('ends where a policy wants more of the user, and says what', async () => {
    const policyId = graph.tenant.tenantId;
    graph.policies.unmet = { policyId, grant: 'multifactor' };
    const { status, body } = await exchange(user());
    delete graph.policies.unmet;
    expect([status, body['error'], body['error_codes'], body['suberror']]).toEqual([
      ...[400, 'invalid_grant', [50076], 'basic_action'],
    ]);
    expect(JSON.parse(String(body['claims']))).toEqual({
      access_token: { capolids: { essential: true, values: [policyId] } },
    });
  });

  it('says nothing of a token before the client has proved itself', async () => {
    expect(await refusal('no.token', { client_secret: 'wrong' })).toEqual([401, 'invalid_client', 7000215]);
    expect(await refusal('no.token', { client_secret: '' })).toEqual([401, 'invalid_client', 7000218]);
    expect(await refusal(user(), { requested_token_use: '' })).toEqual([400, 'invalid_request', 900144]);
    expect(await refusal(user(), { requested_token_use: 'other' })).toEqual([400, 'invalid_request', 9002313]);
    expect(await refusal('')).toEqual([400, 'invalid_request', 900144]);
  });

  it('ends with the user: disabled, with a new password, and with the time of the token', async () => {
    const eve = await createUser(graph, 'eve');
    const scope = `api://${service.appId}/.default`;
    const token = String((await signIn(graph, eve, scope)).body['access_token']);
    expect((await exchange(token)).status).toBe(200);
    const set = (change: object) => graph.directory.users.update(eve.objectId, (before) => ({ ...before, ...change }));
    await set({ enabled: false });
    expect(await refusal(token)).toEqual([400, 'invalid_grant', 50057]);
    await set({ enabled: true, sessionsValidFrom: instant(graph.wall.now + 1) });
    expect(await refusal(token)).toEqual([400, 'invalid_grant', 50173]);
    const before = graph.wall.now;
    graph.wall.now = instant(before + 3_600_000);
    expect(await refusal(user())).toEqual([400, 'invalid_grant', 500133]);
    graph.wall.now = before;
  });

  it.each(['js', ...(hasPython ? ['python'] : [])])('works by OnBehalfOfCredential of %s', async (client) => {
    const command = client === 'js' ? process.execPath : python;
    const script = `on-behalf-of.client.${client === 'js' ? 'mjs' : 'py'}`;
    const args = [graph.tenant.tenantId, service.appId, service.secret, user(), tokens['arm'] ?? ''];
    const outcomes = (await graph.runClient(command, [script, ...args])) as { token?: string; message?: string }[];
    expect(await graph.verifyToken(`Bearer ${outcomes[0]?.token}`, ['https://vault.azure.net'])).toMatchObject({
      outcome: 'valid',
      caller: { user: { scopes: ['user_impersonation'] } },
    });
    expect(outcomes[1]?.message).toContain('AADSTS500131: Assertion audience does not match the Client app');
  });
});
