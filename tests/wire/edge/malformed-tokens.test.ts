import fc from 'fast-check';
import { Agent } from 'node:https';
import { PassThrough } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CompactSign } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../../src/base/json.ts';
import { isJsonObject } from '../../../src/base/json.ts';
import { forge } from '../../../src/identity/entra/assertion.fixture.ts';
import { graphOperations } from '../../../src/identity/graph/operations.ts';
import { defaultSeed, seed } from '../../../src/server/seed.ts';
import { damaged, oddText } from '../../support/malformed.ts';
import type { HostAnswer, HostRequest } from '../../support/server-fixture.ts';
import { startServerFixture } from '../../support/server-fixture.ts';

// Tokens, assertions and forms with something wrong, at every plane: forged, swapped, expired, of somebody who is gone, or no token at all.
// None is taken, and nothing ends in a 500, a broken connection, an answer in another shape or memory that does not come back.

/** Of a run, by turns of the planes: the four that take tokens, those that give them by what is spoilt and by what others sign, and Graph. */
const requests = Math.ceil(Number(process.env['KUSTODY_MALFORMED'] ?? 2_100) / 7);
const entraHost = 'login.microsoftonline.com';
const graphHost = 'graph.microsoft.com';
const log = new PassThrough();
const logged: string[] = [];
const agent = new Agent({ keepAlive: true, maxSockets: 8 });
let fixture: Awaited<ReturnType<typeof startServerFixture>>;
/** By resource, as they are good there and nowhere else. */
const good: Record<string, string> = {};
/** Which were good once. */
const over: string[] = [];
let planes: readonly (HostRequest & { readonly resource: string })[];
let group = '';

const ask = (request: HostRequest): Promise<HostAnswer> => fixture.send({ ...request, agent });

beforeAll(async () => {
  log.on('data', (part: Buffer) => logged.push(...part.toString().split('\n')));
  fixture = await startServerFixture({ log: { level: 'warn', destination: log } });
  const { environment, server } = fixture;
  const seeded = await seed(environment, defaultSeed);
  const [cluster, vault] = [new URL(seeded.clusterUri), new URL(seeded.vaultUri ?? '')];
  const query = { db: defaultSeed.database, csl: 'print 1' };
  group = `/subscriptions/${environment.subscriptionId}/resourceGroups/kustody`;
  const arm = { host: 'management.azure.com', path: '/subscriptions?api-version=2022-12-01' };
  planes = [
    { resource: 'https://management.azure.com', method: 'GET', ...arm },
    { resource: 'https://vault.azure.net', host: vault.hostname, method: 'GET', path: '/keys?api-version=7.4' },
    { resource: 'https://graph.microsoft.com', host: graphHost, method: 'GET', path: '/v1.0/users' },
    { resource: cluster.origin, host: cluster.hostname, method: 'POST', path: '/v1/rest/query', body: query },
  ];
  const take = async (): Promise<void> => {
    for (const { resource } of planes) good[resource] = await fixture.tokenFor(resource);
  };
  await take();
  over.push(...Object.values(good), await tokenOfDeleted());
  await server.controls.faults.add({ kind: 'tokenExpiry' });
  await take();
});
afterAll(async () => {
  agent.destroy();
  await fixture[Symbol.asyncDispose]();
});

/** Of an application that was there, and is no more. */
async function tokenOfDeleted(): Promise<string> {
  const graph = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const token = good['https://graph.microsoft.com'] ?? '';
    const sent = { host: graphHost, method, path: `/v1.0${path}`, token, ...(body === undefined ? {} : { body }) };
    return ((await ask(sent)).body ?? {}) as Record<string, unknown>;
  };
  const { id, appId } = await graph('POST', '/applications', { displayName: 'gone' });
  await graph('POST', '/servicePrincipals', { appId });
  const { secretText } = await graph('POST', `/applications/${String(id)}/addPassword`, {});
  const { body } = await form({
    ...{ grant_type: 'client_credentials', client_id: String(appId), client_secret: String(secretText) },
    scope: 'https://graph.microsoft.com/.default',
  });
  await graph('DELETE', `/applications/${String(id)}`);
  return String((body as Record<string, unknown>)['access_token']);
}

const form = (fields: Readonly<Record<string, string>>, version: 1 | 2 = 2): Promise<HostAnswer> =>
  ask({
    ...{ host: entraHost, method: 'POST' },
    path: `/${fixture.environment.tenantId}/oauth2/${version === 1 ? '' : 'v2.0/'}token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  });

const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?');

/** What somebody makes of a token that is good for `resource`. */
const spoilt = (resource: () => string): fc.Arbitrary<string> => {
  const whole = (): string => good[resource()] ?? '';
  const parts = (): readonly string[] => whole().split('.');
  const later = fc.constantFrom<Record<string, unknown>>(
    { exp: 4_102_444_800 },
    { oid: '00000000-0000-4000-8000-000000000000' },
    { aud: 'https://vault.azure.net', appid: null },
    { scp: 'user_impersonation' },
    { wids: ['62e90394-69f5-4237-9190-012177145e10'] },
    { iss: 'https://sts.windows.net/00000000-0000-4000-8000-000000000000/' },
    { nbf: {}, uti: [] },
  );
  const headers = fc.constantFrom<Record<string, unknown>>(
    { alg: 'none' },
    { alg: 'HS256' },
    { alg: 'PS256' },
    { kid: 'another' },
    { crit: ['exp'] },
    { jwk: { kty: 'RSA', n: 'AAAA', e: 'AQAB' } },
    { x5c: ['AAAA'] },
  );
  return fc.oneof(
    later.map((claims) => forge(whole(), 'claims', claims)),
    headers.map((header) => forge(whole(), 'header', header)),
    fc.nat(5_000).map((at) => flipped(whole(), at)),
    fc.nat(2_000).map((length) => whole().slice(0, Math.min(length, whole().length - 8))),
    fc.constantFrom(0, 1, 2).map((at) =>
      parts()
        .filter((_, index) => index !== at)
        .join('.'),
    ),
    fc.constantFrom(...Array.from({ length: 3 }, (_, at) => at)).map((at) => `${whole()}.${parts()[at] ?? ''}`),
    // Swapped: good elsewhere.
    fc.nat(10).map((at) => {
      const others = Object.entries(good).filter(([name]) => name !== resource());
      return others[at % others.length]?.[1] ?? '';
    }),
    // Replayed after its time, or after its owner's.
    fc.nat(10).map((at) => over[at % over.length] ?? ''),
    oddText,
    fc.constantFrom('', ' ', 'a.b.c', '..', 'e30.e30.', 'a'.repeat(17_000), '.'.repeat(500)),
  );
};

/** Another letter in the middle of the signature or of the claims, never one whose last bits say nothing. */
function flipped(token: string, at: number): string {
  const place = at % (token.length - 2);
  if (token[place] === '.' || token[place + 1] === '.') return `${token.slice(0, place)}-${token.slice(place)}`;
  return `${token.slice(0, place)}${token[place] === 'A' ? 'B' : 'A'}${token.slice(place + 1)}`;
}

const schemes = fc.oneof({ arbitrary: fc.constant('Bearer '), weight: 9 }, fc.constantFrom('bearer  ', 'Basic ', ''));

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** Many at once, eight by eight; then as many again, which must leave nothing behind. */
async function throwAll<T>(one: fc.Arbitrary<T>, send: (value: T) => Promise<void>, count: number): Promise<void> {
  const run = (numRuns: number): Promise<void> =>
    fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: 8, maxLength: 8 }), async (several) => {
        await Promise.all(several.map(send));
      }),
      { numRuns, endOnFailure: true },
    );
  await run(Math.ceil(count / 32));
  const before = heapBytes();
  await run(Math.ceil((count * 3) / 32));
  expect(heapBytes() - before).toBeLessThan(32 * 2 ** 20);
  expect(logged.filter((line) => /"level":"error"/.test(line))).toEqual([]);
}

describe('tokens with something wrong', () => {
  it.each(['the resource manager', 'Key Vault', 'Microsoft Graph', 'a cluster'])(
    'are refused by %s: 401, in its own shape',
    async (plane) => {
      const at = ['the resource manager', 'Key Vault', 'Microsoft Graph', 'a cluster'].indexOf(plane);
      const request = (): HostRequest => planes[at] ?? { host: '', method: '', path: '' };
      const resource = (): string => planes[at]?.resource ?? '';
      await throwAll(
        fc.tuple(schemes, spoilt(resource)),
        async ([scheme, token]) => {
          const authorization = printable(`${scheme}${token}`).trim();
          const answer = await ask({ ...request(), headers: { authorization } });
          const error = isJsonObject(answer.body) ? answer.body['error'] : undefined;
          const code = isJsonObject(error) ? typeof error['code'] : undefined;
          const shown = { sent: authorization.slice(0, 60), text: answer.text.slice(0, 200), status: answer.status };
          // A cluster says it in words to clients that do not ask for JSON.
          expect({ ...shown, code: plane === 'a cluster' ? 'string' : code }).toMatchObject({
            ...{ status: 401, code: 'string' },
          });
          expect(String(answer.headers['www-authenticate'])).toMatch(/^Bearer /);
        },
        requests,
      );
      expect((await ask({ ...request(), token: good[resource()] ?? '' })).status).toBe(200);
    },
    600_000,
  );

  it('give no other token: assertions, secrets, codes and tokens to go on with', async () => {
    const { clientId, clientSecret } = fixture.environment;
    const any = fc.oneof(
      spoilt(() => 'https://graph.microsoft.com'),
      fc.constantFrom(...planes.map(({ resource }) => resource)).map((resource) => good[resource] ?? ''),
      fc.constantFrom('1.a.b.c.d', 'urn:x', '0'.repeat(16_385)),
    );
    const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    const base = fc.constantFrom('https://vault.azure.net/.default', 'https://graph.microsoft.com/.default', '');
    const forms = fc.tuple(any, base, oddText).map(([token, scope, odd]): readonly Record<string, string>[] => [
      { grant_type: 'client_credentials', client_assertion: token, client_assertion_type: assertionType, scope },
      { grant_type: 'client_credentials', client_secret: token === clientSecret ? '' : token, scope },
      {
        ...{ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', client_secret: clientSecret },
        ...{ assertion: token, requested_token_use: 'on_behalf_of', scope },
      },
      { grant_type: 'refresh_token', refresh_token: token, scope },
      { grant_type: 'authorization_code', code: token, redirect_uri: 'http://localhost', scope },
      { grant_type: 'device_code', device_code: token, scope },
      { grant_type: 'password', username: odd, password: token, scope },
      { grant_type: odd, assertion: token, scope },
    ]);
    const one = fc
      .tuple(forms, fc.nat(7), fc.constantFrom<1 | 2>(1, 2), fc.oneof(oddText, fc.constant('')), oddText)
      .map(([all, at, version, name, value]) => {
        const clients = { client_id: /secret|client_credentials/.test(JSON.stringify(all[at])) ? clientId : azureCli };
        return { fields: { ...clients, ...all[at], ...(name === '' ? {} : { [`x${name}`]: value }) }, version };
      });
    await throwAll(
      one,
      async ({ fields, version }) => {
        const { status, body, text } = await form(fields, version);
        const { error, error_description: description, error_codes: codes } = (body ?? {}) as Record<string, unknown>;
        expect([400, 401], text.slice(0, 300)).toContain(status);
        expect([typeof error, typeof description, Array.isArray(codes)]).toEqual(['string', 'string', true]);
        expect(text).not.toContain(clientSecret);
      },
      requests,
    );
  }, 600_000);

  it('of issuers that sign as they like count for nothing, whatever they say', async () => {
    const { clientId, tenantId } = fixture.environment;
    const secret = Buffer.alloc(32, 1);
    const issuers = [
      `https://login.microsoftonline.com/${tenantId}/v2.0`,
      `https://sts.windows.net/${tenantId}/`,
      `https://workloads.kustody.invalid/${tenantId}/`,
      'https://127.0.0.1/',
      'https://[::1]/',
      'https://169.254.169.254/latest',
      'https://a:b@localhost/',
      'https://',
      clientId,
    ];
    const claims = fc.record({
      iss: fc.oneof(fc.constantFrom(...issuers), oddText),
      sub: fc.oneof(fc.constantFrom(clientId, 'system:serviceaccount:a:b'), oddText),
      aud: fc.oneof(fc.constantFrom<Json>('api://AzureADTokenExchange', ['api://AzureADTokenExchange'], []), oddText),
      exp: fc.constantFrom<Json>(4_102_444_800, 1, null, '1', 1e300),
    });
    await throwAll(
      claims.chain((whole) => fc.oneof(fc.constant<Json>(whole), damaged(whole))),
      async (payload) => {
        const claimsText = JSON.stringify(payload) as string | undefined;
        const token = await new CompactSign(Buffer.from(claimsText ?? 'null'))
          .setProtectedHeader({ alg: 'HS256', kid: 'k' })
          .sign(secret);
        const { status, body, text } = await form({
          ...{ grant_type: 'client_credentials', client_id: clientId, client_assertion: token },
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          scope: 'https://vault.azure.net/.default',
        });
        expect([400, 401], text.slice(0, 300)).toContain(status);
        expect(isJsonObject(body) && typeof body['error']).toBe('string');
      },
      requests,
    );
  }, 600_000);
});

const azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';

describe('requests with something wrong', () => {
  it('are refused by name, as Microsoft Graph does', async () => {
    const { clientId, tenantId, objectId } = fixture.environment;
    const ids = [clientId, tenantId, objectId, 'name', "appId='x'", group];
    const segment = fc
      .oneof(fc.constantFrom(...ids), oddText)
      .map((text) => encodeURIComponent(Buffer.from(text).toString()));
    const sample: Json = {
      ...{ displayName: 'x', name: 'abc', issuer: 'https://a.example', subject: 's', audiences: ['a'], scope: 'a b' },
      ...{ principalId: objectId, resourceId: objectId, appRoleId: clientId, clientId: objectId, appId: clientId },
      ...{ consentType: 'AllPrincipals', groupMembershipClaims: 'All', passwordCredential: { displayName: 'x' } },
      appRoles: [{ id: clientId, value: 'v', displayName: 'd', description: 'd', allowedMemberTypes: ['User'] }],
      api: {
        oauth2PermissionScopes: [{ id: clientId, value: 'w' }],
        preAuthorizedApplications: [{ appId: clientId, delegatedPermissionIds: [clientId] }],
      },
      '@odata.id': `https://graph.microsoft.com/v1.0/directoryObjects/${objectId}`,
    };
    const bodies = fc.oneof(
      { arbitrary: damaged(sample), weight: 8 },
      fc.constantFrom<unknown>('{', '[]', 'null', '', '['.repeat(9_000), { displayName: 'x' }),
    );
    const queries = fc.oneof(
      { arbitrary: fc.constant(''), weight: 6 },
      fc.constantFrom('?$top=0', '?$filter=', "?$filter=id eq 'a", '?$skiptoken=AAAA', '?$select=,,', '?$expand=x'),
      oddText.map((text) => `?$filter=${text}`),
    );
    const rows = graphOperations.filter(({ method, path }) => method !== 'DELETE' || path.split('{').length > 2);
    const one = fc.constantFrom(...rows).chain((row) => {
      const pieces = row.path.split(/\{\w+\}/);
      return fc
        .tuple(fc.constant(row), fc.array(segment, { minLength: 4, maxLength: 4 }), queries, bodies)
        .map(([{ method }, segments, query, body]) => ({
          method,
          path: `/v1.0${pieces.map((piece, at) => `${piece}${at < pieces.length - 1 ? (segments[at] ?? '') : ''}`).join('')}${encodeURI(Buffer.from(query).toString())}`,
          ...(method === 'GET' || method === 'DELETE' ? {} : { body }),
        }));
    });
    await throwAll(
      one,
      async (request) => {
        const token = good['https://graph.microsoft.com'] ?? '';
        const { status, body, text } = await ask({ host: graphHost, token, ...request });
        if (status < 400) return;
        const error = isJsonObject(body) && isJsonObject(body['error']) ? body['error'] : {};
        if (status >= 500) expect([status, error['code'], request.path]).toEqual([501, 'NotImplemented', request.path]);
        expect([typeof error['code'], typeof error['message']], text.slice(0, 200)).toEqual(['string', 'string']);
      },
      requests,
    );
  }, 600_000);
});
