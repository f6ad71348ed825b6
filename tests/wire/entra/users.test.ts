import { createHash } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instant } from '../../../src/clock/clock.ts';
import { newGuid } from '../../../src/base/new-guid.ts';
import { storePassword } from '../../../src/identity/principals/password.ts';
import type { User } from '../../../src/identity/principals/user.ts';
import { startEntra } from './entra-edge.fixture.ts';

const cli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const password = 'Correct-Horse-7';
const armScope = 'https://management.core.windows.net//.default';
const redirectUri = 'http://localhost:12345';

describe('the sign-in of users', () => {
  let entra: Awaited<ReturnType<typeof startEntra>>;
  beforeAll(async () => {
    entra = await startEntra();
  });
  afterAll(() => entra.close());

  const newUser = async (name: string, change: Partial<User> = {}): Promise<User> => {
    const user: User = {
      objectId: newGuid(entra.randomBytes),
      tenantId: entra.tenant.tenantId,
      userPrincipalName: `${name}@kustody.onmicrosoft.com`,
      ...{ displayName: name, mailNickname: name, texts: { givenName: 'Given' }, enabled: true },
      password: await storePassword(password, entra.randomBytes),
      mustChangePassword: false,
      sessionsValidFrom: instant(0),
      directoryRoles: [],
      createdAt: instant(entra.wall.now),
      ...change,
    };
    await entra.directory.users.create(user);
    return user;
  };
  const token = (form: Record<string, string>, tenant = 'organizations') =>
    entra.ask(`/${tenant}/oauth2/v2.0/token`, { form: { client_id: cli, client_info: '1', ...form } });
  const withPassword = (user: Pick<User, 'userPrincipalName'>, fields: Record<string, string> = {}) =>
    token({
      ...{ grant_type: 'password', username: user.userPrincipalName, password },
      scope: `${armScope} offline_access openid profile`,
      ...fields,
    });
  const codeOf = ({ status, body }: { status: number; body: Record<string, unknown> }) => [status, body['error_codes']];

  it('gives tokens for a password: to the resource, to the client, and one to go on with', async () => {
    const user = await newUser('ada');
    const { status, body } = await withPassword(user, { username: 'ADA@Kustody.onmicrosoft.com' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      token_type: 'Bearer',
      scope: `https://management.core.windows.net//user_impersonation ${armScope}`,
      expires_in: 3599,
      refresh_token: expect.stringMatching(/^1\./) as string,
    });
    const { uid, utid } = JSON.parse(Buffer.from(String(body['client_info']), 'base64url').toString()) as Record<
      string,
      string
    >;
    expect([uid, utid]).toEqual([user.objectId, user.tenantId]);
    expect(decodeJwt(String(body['id_token']))).toMatchObject({
      ...{ aud: cli, oid: user.objectId, preferred_username: user.userPrincipalName, ver: '2.0' },
    });
    expect(decodeJwt(String(body['access_token']))).toMatchObject({
      ...{ aud: 'https://management.core.windows.net/', appid: cli, appidacr: '0', idtyp: 'user', oid: user.objectId },
      ...{ scp: 'user_impersonation', upn: user.userPrincipalName, given_name: 'Given', ver: '1.0' },
    });
    const header = `Bearer ${String(body['access_token'])}`;
    expect(await entra.verifyToken(header, ['https://management.core.windows.net/'])).toMatchObject({
      outcome: 'valid',
      caller: {
        objectId: user.objectId,
        user: { principalName: user.userPrincipalName, scopes: ['user_impersonation'] },
      },
    });
    // The id token opens nothing.
    const idToken = `Bearer ${String(body['id_token'])}`;
    expect(await entra.verifyToken(idToken, ['https://management.core.windows.net/'])).not.toMatchObject({
      outcome: 'valid',
    });

    const refreshed = await token({
      grant_type: 'refresh_token',
      refresh_token: String(body['refresh_token']),
      scope: 'https://vault.azure.net/.default openid offline_access',
    });
    expect(decodeJwt(String(refreshed.body['access_token']))).toMatchObject({ aud: 'https://vault.azure.net' });
  });

  it('speaks version 1 as well', async () => {
    const user = await newUser('v1');
    const form = { client_id: cli, grant_type: 'password', username: user.userPrincipalName, password };
    const { body } = await entra.ask(`/${user.tenantId}/oauth2/token`, {
      form: { ...form, resource: 'https://kusto.kusto.windows.net' },
    });
    expect(body).toMatchObject({
      scope: 'user_impersonation',
      expires_in: '3599',
      resource: 'https://kusto.kusto.windows.net',
    });
    expect(decodeJwt(String(body['id_token']))).toMatchObject({ upn: user.userPrincipalName, ver: '1.0' });
  });

  it.each<[string, Partial<User>, Record<string, string>, number, string]>([
    ['a wrong password', {}, { password: 'wrong' }, 50126, 'invalid_grant'],
    ['no password', {}, { password: '' }, 900144, 'invalid_request'],
    ['a user of nobody', {}, { username: 'nobody@kustody.onmicrosoft.com' }, 50034, 'invalid_grant'],
    ['a domain of nobody', {}, { username: 'a@elsewhere.example' }, 50059, 'invalid_request'],
    ['a disabled user', { enabled: false }, {}, 50057, 'invalid_grant'],
    ['a password that has to be changed', { mustChangePassword: true }, {}, 50055, 'invalid_grant'],
    ['another client', {}, { client_id: '11111111-2222-4333-8444-555555555555' }, 700016, 'unauthorized_client'],
    ['what the client may not do', {}, { scope: 'https://graph.microsoft.com/Mail.Send' }, 65002, 'invalid_request'],
    [
      'two resources',
      {},
      { scope: 'https://vault.azure.net/.default https://graph.microsoft.com/.default' },
      28000,
      'invalid_scope',
    ],
    ['no scope', {}, { scope: '' }, 90014, 'invalid_request'],
  ])('refuses %s', async (what, change, fields, code, error) => {
    const user = await newUser(`refused-${what.replaceAll(' ', '-')}`, change);
    const answer = await withPassword(user, fields);
    expect([answer.body['error'], answer.body['error_codes']]).toEqual([error, [code]]);
    expect(answer.body['access_token']).toBeUndefined();
  });

  it('refuses applications of the tenant, to which nobody can consent here', async () => {
    await entra.directory.completeApplications(entra.tenant.tenantId, instant(entra.wall.now));
    const user = await newUser('consent');
    const form = { grant_type: 'password', username: user.userPrincipalName, password, scope: 'openid' };
    const answer = await token({ ...form, client_id: entra.application.appId }, user.tenantId);
    expect(codeOf(answer)).toEqual([400, [65001]]);
  });

  it('locks a user out for a minute after ten wrong passwords', async () => {
    const user = await newUser('locked');
    for (let n = 0; n < 10; n++) expect(codeOf(await withPassword(user, { password: 'wrong' }))[1]).toEqual([50126]);
    expect(codeOf(await withPassword(user))[1]).toEqual([50053]);
    entra.wall.now = instant(entra.wall.now + 60_000);
    expect((await withPassword(user)).status).toBe(200);
  });

  it('voids refresh tokens with the password, and refuses forged and foreign ones', async () => {
    const user = await newUser('voided');
    const { body } = await withPassword(user);
    const refresh = (refreshToken: string, fields: Record<string, string> = {}) =>
      token({ grant_type: 'refresh_token', refresh_token: refreshToken, scope: armScope, ...fields });
    const sealed = String(body['refresh_token']);
    expect(codeOf(await refresh('1.abc'))[1]).toEqual([70000]);
    expect(codeOf(await refresh(`${sealed.slice(0, -4)}AAAA`))[1]).toEqual([70000]);
    const powerShell = '1950a258-227b-4e31-a9cf-717495945fc2';
    expect(codeOf(await refresh(sealed, { client_id: powerShell }))[1]).toEqual([70000]);
    await entra.directory.users.update(user.objectId, (one) => ({
      ...one,
      sessionsValidFrom: instant(entra.wall.now + 1),
    }));
    expect(codeOf(await refresh(sealed))[1]).toEqual([50173]);
    await entra.directory.users.update(user.objectId, (one) => ({
      ...one,
      sessionsValidFrom: instant(0),
      enabled: false,
    }));
    expect(codeOf(await refresh(sealed))[1]).toEqual([50057]);
  });

  const authorizePath = (fields: Record<string, string>): string => {
    const query = {
      client_id: cli,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: `${armScope} openid`,
      ...fields,
    };
    return `/organizations/oauth2/v2.0/authorize?${new URLSearchParams(query).toString()}`;
  };
  const signInAt = async (path: string, user: User, typed = password) =>
    entra.ask(path, { form: { username: user.userPrincipalName, password: typed } });
  const returned = (location: unknown): URLSearchParams => new URL(String(location)).searchParams;

  it('leads a browser through a page to a code, which counts once', async () => {
    const user = await newUser('browser');
    const verifier = 'v'.repeat(64);
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const path = authorizePath({
      state: 's&<1>',
      nonce: 'n1',
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    const page = await entra.ask(path);
    expect(page.status).toBe(200);
    expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(page.text).toContain('<h1>Sign in to Microsoft Azure CLI</h1>');
    const wrong = await signInAt(path, user, '<wrong>');
    expect([wrong.status, wrong.headers['location']]).toEqual([400, undefined]);
    expect(wrong.text).toContain('AADSTS50126');
    const { status, headers } = await signInAt(path, user);
    expect(status).toBe(302);
    expect(returned(headers['location']).get('state')).toBe('s&<1>');
    const code = returned(headers['location']).get('code') ?? '';
    const redeem = (fields: Record<string, string> = {}) =>
      token({ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier, ...fields });
    const { body } = await redeem();
    expect(decodeJwt(String(body['id_token']))).toMatchObject({ nonce: 'n1', oid: user.objectId });
    expect(codeOf(await redeem())[1]).toEqual([54005]);
  });

  it.each<[string, Record<string, string>, number]>([
    ['another verifier', { code_verifier: 'x'.repeat(64) }, 501481],
    ['another redirect', { redirect_uri: 'http://localhost:1' }, 500112],
    ['another client', { client_id: '1950a258-227b-4e31-a9cf-717495945fc2' }, 70000],
    ['another code', { code: 'A'.repeat(43) }, 70000],
  ])('gives nothing for a code with %s', async (what, fields, expected) => {
    const user = await newUser(`code-${what.replaceAll(' ', '-')}`);
    const verifier = 'v'.repeat(64);
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const { headers } = await signInAt(
      authorizePath({ code_challenge: challenge, code_challenge_method: 'S256' }),
      user,
    );
    const code = returned(headers['location']).get('code') ?? '';
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
      ...fields,
    };
    expect(codeOf(await token(form))[1]).toEqual([expected]);
  });

  it('ends a code after ten minutes', async () => {
    const user = await newUser('late');
    const { headers } = await signInAt(authorizePath({}), user);
    entra.wall.now = instant(entra.wall.now + 600_000);
    const code = returned(headers['location']).get('code') ?? '';
    expect(codeOf(await token({ grant_type: 'authorization_code', code, redirect_uri: redirectUri }))[1]).toEqual([
      70008,
    ]);
  });

  it.each([
    ['https://attacker.example/callback', 50011],
    ['http://localhost.attacker.example', 50011],
    ['javascript:alert(1)', 50011],
    ['', 50011],
  ])('sends no code to %j', async (uri, code) => {
    const user = await newUser(`redirect-${uri.length}`);
    const { status, headers, text } = await signInAt(authorizePath({ redirect_uri: uri }), user);
    expect([status, headers['location']]).toEqual([400, undefined]);
    expect(text).toContain(`AADSTS${code}`);
  });

  it('tells the client what it may not ask for, and asks nobody in silence', async () => {
    for (const [fields, error] of [
      [{ prompt: 'none' }, 'login_required'],
      [{ response_type: 'token' }, 'unsupported_response_type'],
    ] as const) {
      const { status, headers } = await entra.ask(authorizePath(fields));
      expect(status).toBe(302);
      expect(returned(headers['location']).get('error')).toBe(error);
    }
  });

  it('posts the answer from a page of its own when it is asked to', async () => {
    const user = await newUser('posted');
    const { text, headers } = await signInAt(authorizePath({ response_mode: 'form_post', state: '"><script>' }), user);
    expect(text).toContain('action="http://localhost:12345"');
    expect(text).not.toContain('"><script>');
    expect(headers['content-security-policy']).toMatch(/script-src 'nonce-[\w-]{22}'/);
  });

  const startDevice = async () => {
    const form = { client_id: cli, scope: `${armScope} openid offline_access` };
    const { body } = await entra.ask('/organizations/oauth2/v2.0/devicecode', { form });
    return body as { device_code: string; user_code: string; verification_uri: string; expires_in: number };
  };
  const poll = (deviceCode: string) =>
    token({ grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: deviceCode });
  const approve = (userCode: string, user: User, typed = password) =>
    entra.ask('/device', {
      host: 'login.microsoft.com',
      form: { user_code: userCode, username: user.userPrincipalName, password: typed },
    });

  it('lets a device in whose code a user enters, once', async () => {
    const user = await newUser('device');
    const started = await startDevice();
    expect(started).toMatchObject({
      verification_uri: 'https://login.microsoft.com/device',
      expires_in: 900,
      interval: 5,
    });
    expect(started.user_code).toMatch(/^[A-HJ-NP-Z2-9]{9}$/);
    expect((await poll(started.device_code)).body).toMatchObject({
      error: 'authorization_pending',
      error_codes: [70016],
    });
    expect((await entra.ask('/device', { host: 'login.microsoft.com' })).text).toContain('name="user_code"');
    expect((await approve(started.user_code, user, 'wrong')).text).toContain('AADSTS50126');
    expect((await approve('AAAAAAAAA', user)).status).toBe(400);
    expect((await poll(started.device_code)).body).toMatchObject({ error: 'authorization_pending' });
    expect((await approve(started.user_code.toLowerCase(), user)).text).toContain('You have signed in.');
    expect((await approve(started.user_code, user)).status).toBe(400);
    const { body } = await poll(started.device_code);
    expect(decodeJwt(String(body['access_token']))).toMatchObject({ oid: user.objectId });
    expect(codeOf(await poll(started.device_code))[1]).toEqual([54005]);
  });

  it('ends a device code after a quarter of an hour', async () => {
    const user = await newUser('slow');
    const started = await startDevice();
    entra.wall.now = instant(entra.wall.now + 900_000);
    expect((await approve(started.user_code, user)).status).toBe(400);
    expect((await poll(started.device_code)).body).toMatchObject({ error: 'expired_token', error_codes: [70020] });
  });

  it('knows who signs in with a password here', async () => {
    const realm = async (name: string) => (await entra.ask(`/common/userrealm/${name}?api-version=1.0`)).body;
    expect(await realm('a@kustody.onmicrosoft.com')).toMatchObject({
      account_type: 'Managed',
      domain_name: 'kustody.onmicrosoft.com',
    });
    expect(await realm('a@b.example')).toMatchObject({ account_type: 'Unknown' });
  });

  it('keeps no password and no refresh token', async () => {
    const user = await newUser('kept');
    const stored = JSON.stringify(await entra.directory.users.get(user.objectId));
    expect(stored).not.toContain(password);
  });
});
