import { createRequire } from 'node:module';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startServerFixture } from '../../support/server-fixture.ts';

const cli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const vaultAppId = 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093';
const entraHost = 'login.microsoftonline.com';

/** As MSAL gives it to whoever asked. */
interface MsalError {
  readonly name: string;
  readonly errorCode: string;
  readonly subError: string;
  readonly claims: string;
}
interface Msal {
  readonly PublicClientApplication: new (configuration: object) => {
    acquireTokenByUsernamePassword(request: object): Promise<unknown>;
  };
}
const { PublicClientApplication } = createRequire(import.meta.resolve('@azure/identity'))('@azure/msal-node') as Msal;

describe('policies of Conditional Access, as a fault', () => {
  let fixture: Awaited<ReturnType<typeof startServerFixture>>;
  beforeAll(async () => {
    fixture = await startServerFixture();
  });
  beforeEach(() => fixture.server.controls.faults.clear());
  afterAll(() => fixture[Symbol.asyncDispose]());

  const ask = async (fields: Readonly<Record<string, string>>, version: 1 | 2 = 2) => {
    const { status, body } = await fixture.send({
      ...{ host: entraHost, method: 'POST' },
      path: `/${fixture.environment.tenantId}/oauth2/${version === 1 ? '' : 'v2.0/'}token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });
    return { status, body: body as Record<string, unknown> };
  };
  const user = () => {
    const { principalName: username = '', password = '' } = fixture.environment.user ?? {};
    return { username, password };
  };
  const asUser = () => ({ grant_type: 'password', client_id: cli, ...user() });
  const vault = { scope: 'https://vault.azure.net/.default offline_access' };
  const claimsOf = (policyId: string | undefined) =>
    JSON.stringify({ access_token: { capolids: { essential: true, values: [policyId] } } });
  const policy = (rule: object) => fixture.server.controls.faults.add({ kind: 'conditionalAccess', ...rule });

  it.each([
    ['block', 53003, 'message_only', 'Access has been blocked by Conditional Access policies.'],
    ['multifactor', 50076, 'basic_action', `you must use multi-factor authentication to access '${vaultAppId}'.`],
  ])('%s: AADSTS%i names the policy, in both versions', async (grant, code, suberror, text) => {
    const rule = await policy({ grant });
    const expected = { error_codes: [code], suberror, claims: claimsOf(rule?.id) };
    const second = await ask({ ...asUser(), ...vault });
    expect(second).toMatchObject({ status: 400, body: { error: 'invalid_grant', ...expected } });
    expect(second.body['error_description']).toContain(text);
    const first = await ask({ ...asUser(), resource: 'https://vault.azure.net' }, 1);
    expect(first).toMatchObject({ status: 400, body: { error: 'interaction_required', ...expected } });
    expect([second.body['access_token'], first.body['access_token']]).toEqual([undefined, undefined]);
  });

  it('is asked again with each token, and passwords are still looked at first', async () => {
    const { body } = await ask({ ...asUser(), ...vault });
    const again = { grant_type: 'refresh_token', client_id: cli, refresh_token: String(body['refresh_token']) };
    await policy({ grant: 'multifactor', user: user().username.toUpperCase() });
    expect((await ask({ ...again, ...vault })).body).toMatchObject({ error_codes: [50076] });
    expect((await ask({ ...asUser(), ...vault, password: 'wrong' })).body).toMatchObject({ error_codes: [50126] });
    await fixture.server.controls.faults.clear();
    expect((await ask({ ...again, ...vault })).status).toBe(200);
  });

  it('keeps no other user and no application from tokens', async () => {
    await policy({ grant: 'block', user: 'somebody@kustody.onmicrosoft.com' });
    expect((await ask({ ...asUser(), ...vault })).status).toBe(200);
    await policy({ grant: 'block' });
    expect((await ask({ ...asUser(), ...vault })).status).toBe(400);
    expect(await fixture.tokenFor('https://vault.azure.net')).toMatch(/^ey/);
  });

  it('are what MSAL calls a need for interaction, with the claims to ask for', async () => {
    const rule = await policy({ grant: 'multifactor' });
    const send = async (url: string, method: string, options: { headers?: Record<string, string>; body?: string }) => {
      const { hostname, pathname, search } = new URL(url);
      const { headers = {}, body } = options;
      const sent = { host: hostname, method, path: `${pathname}${search}`, headers };
      return fixture.send({ ...sent, ...(body === undefined ? {} : { body }) });
    };
    const application = new PublicClientApplication({
      auth: { clientId: cli, authority: `https://${entraHost}/${fixture.environment.tenantId}` },
      system: {
        networkClient: {
          sendGetRequestAsync: (url: string, options = {}) => send(url, 'GET', options),
          sendPostRequestAsync: (url: string, options = {}) => send(url, 'POST', options),
        },
      },
    });
    const asked = application.acquireTokenByUsernamePassword({
      scopes: ['https://vault.azure.net/.default'],
      ...user(),
    });
    await expect(asked).rejects.toMatchObject({
      ...{ name: 'InteractionRequiredAuthError', errorCode: 'invalid_grant', subError: 'basic_action' },
      claims: claimsOf(rule?.id),
    } satisfies MsalError);
  });
});
