import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { waitMs } from '../../support/hang.ts';
import { createLog } from '../../../src/http/logging.ts';
import { entraOperations } from '../../../src/identity/entra/operations.ts';
import type { AskOptions } from './entra-edge.fixture.ts';
import { startEntra } from './entra-edge.fixture.ts';

const lines: string[] = [];
let entra: Awaited<ReturnType<typeof startEntra>>;
beforeAll(async () => {
  entra = await startEntra(
    createLog({ level: 'debug', destination: { write: (line) => void lines.push(line) }, wallClock: () => 0 }),
  );
});
afterAll(() => entra.close());

const grant = () => ({
  grant_type: 'client_credentials',
  client_id: entra.application.appId,
  client_secret: entra.secret,
});
const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('the v1 token endpoint', () => {
  it.each(['/oauth2/token', '/oauth2/token?api-version=1.0', '//oauth2/token/'])(
    'answers at %s with numbers as strings',
    async (path) => {
      const resource = 'https://management.core.windows.net/';
      const { status, headers, body } = await entra.ask(`/${entra.tenant.tenantId}${path}`, {
        form: { ...grant(), resource },
      });
      const seconds = Math.floor(entra.wall.now / 1000);
      expect(status).toBe(200);
      expect(body).toEqual({
        token_type: 'Bearer',
        expires_in: '3599',
        ext_expires_in: '3599',
        expires_on: String(seconds + 3600),
        not_before: String(seconds - 300),
        resource,
        access_token: expect.any(String) as string,
      });
      expect(headers).toMatchObject({
        'cache-control': 'no-store, no-cache',
        pragma: 'no-cache',
        'content-type': 'application/json; charset=utf-8',
      });
      expect(headers['x-ms-request-id']).toMatch(guid);
    },
  );
});

describe('the v2 token endpoint', () => {
  it.each(['login.microsoftonline.com', 'login.windows.net', 'login.microsoft.com', 'sts.windows.net'])(
    'answers under %s',
    async (host) => {
      const form = { ...grant(), scope: 'https://vault.azure.net/.default' };
      const { body } = await entra.ask(`/${entra.tenant.tenantId}/oauth2/v2.0/token`, { host, form });
      expect(body).toEqual({
        token_type: 'Bearer',
        expires_in: 3599,
        ext_expires_in: 3599,
        access_token: expect.any(String) as string,
      });
    },
  );

  it('takes HTTP Basic', async () => {
    const authorization = `Basic ${Buffer.from(`${entra.application.appId}:${entra.secret}`).toString('base64')}`;
    const form = { grant_type: 'client_credentials', scope: 'https://vault.azure.net/.default' };
    const { status } = await entra.ask(`/${entra.tenant.tenantId}/oauth2/v2.0/token`, {
      form,
      headers: { authorization },
    });
    expect(status).toBe(200);
  });

  it('refuses in the shape of Entra ID', async () => {
    const form = { ...grant(), client_secret: 'wrong', scope: 'https://vault.azure.net/.default' };
    const { status, body, headers } = await entra.ask(`/${entra.tenant.tenantId}/oauth2/v2.0/token`, { form });
    expect(status).toBe(401);
    expect(Object.keys(body)).toEqual([
      'error',
      'error_description',
      'error_codes',
      'timestamp',
      'trace_id',
      'correlation_id',
      'error_uri',
    ]);
    const { trace_id: trace, correlation_id: correlation, timestamp } = body;
    expect(timestamp).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/);
    expect(trace).toMatch(guid);
    expect(trace).toBe(headers['x-ms-request-id']);
    expect(body).toMatchObject({
      error: 'invalid_client',
      error_codes: [7000215],
      error_uri: 'https://login.microsoftonline.com/error?code=7000215',
      error_description: `AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${entra.application.appId}'. Trace ID: ${String(trace)} Correlation ID: ${String(correlation)} Timestamp: ${String(timestamp)}`,
    });
  });

  it.each<[string, AskOptions]>([
    ['header', { headers: { 'client-request-id': '0A0A0A0A-1111-4222-8333-444444444444' } }],
    ['form', { form: { 'client-request-id': '0a0a0a0a-1111-4222-8333-444444444444' } }],
    ['query', {}],
  ])('takes the correlation id from the %s and echoes it when asked', async (place, { headers = {}, form = {} }) => {
    const id = '0a0a0a0a-1111-4222-8333-444444444444';
    const path = `/${entra.tenant.tenantId}/oauth2/v2.0/token${place === 'query' ? `?client-request-id=${id}` : ''}`;
    const silent = await entra.ask(path, { headers, form: { ...form, grant_type: 'x' } });
    expect(silent.body['correlation_id']).toBe(id);
    expect(silent.headers['client-request-id']).toBeUndefined();
    const echoed = await entra.ask(path, {
      headers: { ...headers, 'return-client-request-id': 'true' },
      form: { ...form, grant_type: 'x' },
    });
    expect(echoed.headers['client-request-id']).toBe(id);
  });

  const refusals: readonly [string, AskOptions, number, number, string][] = [
    ['GET', {}, 400, 900561, 'invalid_request'],
    ['an empty body', { method: 'POST' }, 400, 900144, 'invalid_request'],
    [
      'JSON',
      { text: '{"grant_type":"client_credentials"}', headers: { 'content-type': 'application/json' } },
      400,
      900144,
      'invalid_request',
    ],
    [
      'another type',
      { text: 'grant_type=x', headers: { 'content-type': 'text/plain' } },
      400,
      900144,
      'invalid_request',
    ],
    ['no client', { form: { grant_type: 'client_credentials' } }, 400, 900144, 'invalid_request'],
    ['no secret', { form: { grant_type: 'client_credentials', client_id: 'x' } }, 401, 7000216, 'invalid_client'],
    [
      'a password for an application that nobody knows',
      { form: { grant_type: 'password', client_id: 'x', username: 'u', password: 'p' } },
      400,
      700016,
      'unauthorized_client',
    ],
    [
      'an assertion of no type',
      { form: { grant_type: 'client_credentials', client_id: 'x', client_assertion: 'a.b.c' } },
      400,
      900144,
      'invalid_request',
    ],
    ['an oversize body', { form: { grant_type: 'x'.repeat(70_000) } }, 413, 9002313, 'invalid_request'],
    [
      'duplicate fields',
      { text: 'grant_type=a&grant_type=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      400,
      9002313,
      'invalid_request',
    ],
  ];
  it.each(refusals)('refuses %s', async (_name, options, status, code, error) => {
    const answer = await entra.ask(`/${entra.tenant.tenantId}/oauth2/v2.0/token`, options);
    expect(answer).toMatchObject({ status, body: { error, error_codes: [code] } });
  });

  it('names the tenant by its id where it lacks the resource', async () => {
    const { tenantId } = entra.tenant;
    const form = { ...grant(), scope: 'https://nothing.example/.default' };
    const { body } = await entra.ask(`/${tenantId}/oauth2/v2.0/token`, { form });
    expect(body['error_description']).toContain(
      `AADSTS500011: The resource principal named https://nothing.example was not found in the tenant named ${tenantId}. `,
    );
  });

  it.each([
    ['a client id of zeros', { client_id: '00000000-0000-0000-0000-000000000000' }, 700038, 'unauthorized_client'],
    ['a grant that nobody knows', { grant_type: 'x' }, 70003, 'unsupported_grant_type'],
  ])('refuses %s without error_uri', async (_name, fields, code, error) => {
    const form = { ...grant(), scope: 'https://vault.azure.net/.default', ...fields };
    const { status, body } = await entra.ask(`/${entra.tenant.tenantId}/oauth2/v2.0/token`, { form });
    expect({ status, error: body['error'], codes: body['error_codes'] }).toEqual({ status: 400, error, codes: [code] });
    expect(body).not.toHaveProperty('error_uri');
    if (code === 700038)
      expect(body['error_description']).toContain(
        'AADSTS700038: 00000000-0000-0000-0000-000000000000 is not a valid application identifier.',
      );
  });

  it('writes no secret, token or query to the log', async () => {
    const form = { ...grant(), scope: 'https://vault.azure.net/.default' };
    const { body } = await entra.ask(`/${entra.tenant.tenantId}/oauth2/v2.0/token?marker=1`, { form });
    await entra.ask(`/${entra.tenant.tenantId}/oauth2/v2.0/token`, {
      form: { ...form, client_secret: 'wrong-secret' },
    });
    expect(lines.length).toBeGreaterThan(0);
    for (const text of [entra.secret, 'wrong-secret', String(body['access_token']), 'marker'])
      expect(lines.join('')).not.toContain(text);
  });
});

describe('discovery', () => {
  it('gives the v2 document with the tenant id as issuer, also for the domain', async () => {
    const { tenantId } = entra.tenant;
    const { body, headers } = await entra.ask('/kustody.onmicrosoft.com/v2.0/.well-known/openid-configuration');
    expect(headers['cache-control']).toBe('max-age=86400, private');
    expect(body).toMatchObject({
      issuer: `https://login.microsoftonline.com/${tenantId}/v2.0`,
      token_endpoint: `https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/token`,
      authorization_endpoint: `https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/authorize`,
      device_authorization_endpoint: `https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/devicecode`,
      jwks_uri: `https://login.microsoftonline.com/${tenantId}/discovery/v2.0/keys`,
      tenant_region_scope: 'WW',
      tls_client_certificate_bound_access_tokens: true,
    });
    expect((await entra.ask(`/${tenantId}/v2.0/.well-known/openid-configuration`)).body).toEqual(body);
  });

  it('gives the v1 document, and templates for organizations and common', async () => {
    const { tenantId } = entra.tenant;
    expect((await entra.ask(`/${tenantId}/.well-known/openid-configuration`)).body).toMatchObject({
      issuer: `https://sts.windows.net/${tenantId}/`,
    });
    expect((await entra.ask('/organizations/v2.0/.well-known/openid-configuration')).body).toMatchObject({
      issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
      token_endpoint: 'https://login.microsoftonline.com/organizations/oauth2/v2.0/token',
      tenant_region_scope: null,
    });
    expect((await entra.ask('/common/.well-known/openid-configuration')).body).toMatchObject({
      issuer: 'https://sts.windows.net/{tenantid}/',
    });
  });

  it('knows no other tenant', async () => {
    expect(await entra.ask('/contoso.onmicrosoft.com/v2.0/.well-known/openid-configuration')).toMatchObject({
      status: 400,
      body: { error: 'invalid_tenant', error_codes: [90002] },
    });
  });

  it.each([
    [
      '1.1',
      'https://login.microsoftonline.com/common/oauth2/authorize',
      'https://login.microsoftonline.com/common/.well-known/openid-configuration',
    ],
    [
      '1.1',
      'https://login.windows.net/t/oauth2/v2.0/authorize',
      'https://login.windows.net/t/v2.0/.well-known/openid-configuration',
    ],
  ])('knows the instance (api-version %s) of %s', async (version, endpoint, document) => {
    const query = new URLSearchParams({ 'api-version': version, authorization_endpoint: endpoint }).toString();
    const { body } = await entra.ask(`/common/discovery/instance?${query}`);
    expect(body).toMatchObject({
      tenant_discovery_endpoint: document,
      'api-version': '1.1',
      metadata: [{ preferred_network: 'login.microsoftonline.com', preferred_cache: 'login.windows.net' }],
    });
  });

  it.each(['https://login.example/common/oauth2/authorize', 'https://login.microsoftonline.com:444/x', 'nonsense', ''])(
    'refuses the instance %j',
    async (endpoint) => {
      const query = new URLSearchParams({ 'api-version': '1.1', authorization_endpoint: endpoint }).toString();
      expect(await entra.ask(`/common/discovery/instance?${query}`)).toMatchObject({
        status: 400,
        body: { error: 'invalid_instance', error_codes: [50049] },
      });
    },
  );

  it.each([
    ['/discovery/v2.0/keys', true],
    ['/discovery/keys', false],
  ])('publishes at %s the keys that verify a token', async (path, withIssuer) => {
    const form = { ...grant(), scope: 'https://vault.azure.net/.default' };
    const { body } = await entra.ask(`/${entra.tenant.tenantId}/oauth2/v2.0/token`, { form });
    const jwks = createRemoteJWKSet(new URL(`https://login.microsoftonline.com/common${path}`), {
      [customFetch]: async (url) => Response.json((await entra.ask(new URL(url).pathname)).body),
    });
    const { payload } = await jwtVerify(String(body['access_token']), jwks, { audience: 'https://vault.azure.net' });
    expect(payload['tid']).toBe(entra.tenant.tenantId);
    const keys = JSON.stringify((await entra.ask(`/common${path}`)).body);
    expect(keys.includes('"issuer"')).toBe(withIssuer);
  });
});

describe('every operation', () => {
  it.each(entraOperations)('$id is routed and named in the log', async ({ id, method, path }) => {
    const target = path.replace(':tenant', entra.tenant.tenantId).replace('*', 'a@b.example');
    const { status, headers } = await entra.ask(target, { method: method === 'any' ? 'POST' : method });
    expect([200, 400]).toContain(status);
    if (status === 200 && /^(OpenId|Keys|Instance)/.test(id)) expect(headers['pragma']).toBeUndefined();
    await vi.waitFor(() => expect(lines.at(-1)).toContain(`"route":"${id}"`), { timeout: waitMs });
  });
});

describe('what is not offered', () => {
  it.each([
    ['GET', '/common/saml2', 404],
    ['GET', '/', 404],
  ])('is refused by name: %s %s', async (method, path, status) => {
    const answer = await entra.ask(path, { method });
    expect(answer.status).toBe(status);
    expect(answer.body['error_description']).toMatch(/Kustody does not offer/);
  });
});
