import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controlRows } from '../../src/server/control-rows.ts';
import { createDiskScan, ScanBusyError } from '../../src/server/disk-scan.ts';
import { unlikeRow } from '../support/control-answers.ts';
import { builtScripts } from '../support/built.ts';
import { startServerFixture } from '../support/server-fixture.ts';

type Fixture = Awaited<ReturnType<typeof startServerFixture>>;
type Headers = Readonly<Record<string, string>>;

describe('sessions of the portal', () => {
  let fixture: Fixture;
  let origin: string;
  const send = (method: string, path: string, headers: Headers = {}, body?: unknown) =>
    fixture.send({ host: 'localhost', method, path, headers: { host: new URL(origin).host, ...headers }, body });
  const newLink = async (): Promise<string> => {
    const answer = await send('POST', '/portal-links', { authorization: `Bearer ${fixture.server.controlToken}` });
    return /#open=([\w-]+)$/.exec((answer.body as { path: string }).path)?.[1] ?? '';
  };
  const open = async () => {
    const answer = await send('POST', '/portal/session', { origin }, { link: await newLink() });
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    const { pageToken } = answer.body as { pageToken: string };
    return { cookie, headers: { cookie: cookie.split(';')[0] ?? '', 'x-kustody-page': pageToken } };
  };
  const statusOf = async (method: string, path: string, headers: Headers): Promise<number> =>
    (await send(method, path, headers)).status;

  beforeAll(async () => {
    fixture = await startServerFixture();
    origin = `https://localhost:${fixture.server.port}`;
  });
  afterAll(() => fixture[Symbol.asyncDispose]());

  it('begin with a link that works once, from the page itself', async () => {
    const link = await newLink();
    expect((await send('POST', '/portal/session', { origin: 'https://localhost:3000' }, { link })).status).toBe(403);
    expect((await send('POST', '/portal/session', { 'sec-fetch-site': 'same-site' }, { link })).status).toBe(403);
    const answer = await send('POST', '/portal/session', { origin, 'sec-fetch-site': 'same-origin' }, { link });
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(
      new RegExp(`^__Host-kustody-${fixture.server.port}=[\\w-]{43}; Path=/; Secure; HttpOnly; SameSite=Strict$`),
    );
    const again = await send('POST', '/portal/session', { origin }, { link });
    expect(again).toMatchObject({ status: 403, body: { error: { code: 'LinkOver' } } });
    expect(again.headers['set-cookie']).toBeUndefined();
  });

  it('have a cookie of their own, not one that somebody else put into the browser before', async () => {
    const planted = `__Host-kustody-${fixture.server.port}=${'A'.repeat(43)}`;
    const link = await newLink();
    const answer = await send('POST', '/portal/session', { origin, cookie: planted }, { link });
    expect(answer.status).toBe(200);
    const { pageToken } = answer.body as { readonly pageToken: string };
    expect(answer.headers['set-cookie']?.[0]).not.toContain(planted);
    expect(await statusOf('GET', '/status', { cookie: planted, 'x-kustody-page': pageToken })).toBe(401);
  });

  it('need the cookie and the page token, in every request, reads too', async () => {
    const { headers } = await open();
    const other = await open();
    const status = await send('GET', '/status', headers);
    expect(status.status).toBe(200);
    expect(status.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    const { cookie, 'x-kustody-page': page } = headers;
    const wrong: Headers[] = [
      { cookie },
      { 'x-kustody-page': page },
      { cookie, 'x-kustody-page': other.headers['x-kustody-page'] },
      { cookie: cookie.replace(/=.*/, '='), 'x-kustody-page': page },
      { cookie: cookie.replace(/^__Host-kustody-\d+/, '__Host-kustody-1'), 'x-kustody-page': page },
    ];
    for (const headersSent of wrong) {
      const answer = await send('GET', '/status', headersSent);
      expect(answer).toMatchObject({ status: 401, body: { error: { code: 'NoSession' } } });
      expect(answer.headers['x-kustody-session']).toBe('none');
      expect(await statusOf('GET', '/portal/planes/management.azure.com/subscriptions', headersSent)).toBe(401);
    }
    expect((await send('GET', '/status')).body).toMatchObject({ error: { code: 'Unauthorized' } });
  });

  it('serve no page from elsewhere, even with both', async () => {
    const { headers } = await open();
    const foreign: Headers[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://localhost' },
      { origin: `https://localhost:${fixture.server.kustoPort}` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const from of foreign) {
      for (const path of ['/clock/freeze', '/portal/planes/management.azure.com/x']) {
        const answer = await send('POST', path, { ...headers, ...from });
        expect(answer).toMatchObject({ status: 403, body: { error: { code: 'ForeignOrigin' } } });
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
    }
    const preflight = await send('OPTIONS', '/status', { origin: 'https://evil.example' });
    expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('get nothing that holds a secret, and no links', async () => {
    const { headers } = await open();
    const refused = [
      ['GET', '/environment'],
      ['POST', '/portal-links'],
      ['POST', '/identity-endpoints'],
      ['POST', '/proof/sign'],
    ] as const;
    for (const [method, path] of refused)
      expect(await send(method, path, headers)).toMatchObject({
        status: 403,
        body: { error: { code: 'NotForPortal' } },
      });
    const link = await send('POST', '/portal-links');
    expect(link.status).toBe(401);
  });

  it('call planes of this instance as its application, and nobody else', async () => {
    const { headers } = await open();
    const found = await send(
      'GET',
      '/portal/planes/management.azure.com/subscriptions?api-version=2022-12-01',
      headers,
    );
    expect(found.status).toBe(200);
    expect(found.body).toMatchObject({ value: [{ subscriptionId: fixture.environment.subscriptionId }] });
    expect(found.headers['content-security-policy']).toContain('sandbox');
    expect(found.headers['cache-control']).toBe('no-store');
    const refused = await send('GET', '/portal/planes/management.azure.com/subscriptions', headers);
    expect(refused).toMatchObject({ status: 400, body: { error: { code: 'MissingApiVersionParameter' } } });
    const group = `/subscriptions/${fixture.environment.subscriptionId}/resourceGroups/made`;
    const made = await send(
      'PUT',
      `/portal/planes/management.azure.com${group}?api-version=2021-04-01`,
      { ...headers, origin },
      { location: 'westeurope' },
    );
    expect(made).toMatchObject({ status: 201, body: { name: 'made' } });
    for (const host of ['localhost', 'example.com', 'login.microsoftonline.com', '169.254.169.254', 'vault.azure.net'])
      expect(await send('GET', `/portal/planes/${host}/status`, headers)).toMatchObject({
        status: 400,
        body: { error: { code: 'UnknownHost' } },
      });
    const absent = await send('GET', '/portal/planes/absent.vault.azure.net/keys?api-version=7.4', headers);
    expect(absent).toMatchObject({ status: 502, body: { error: { code: 'NoAnswer' } } });
  });

  it('put nothing behind a request that a plane would take for another one', async () => {
    const { headers } = await open();
    const behind = 'GET /smuggled?api-version=7.4 HTTP/1.1\r\nhost: management.azure.com\r\n\r\n';
    const seen = async () =>
      (await send('GET', '/traffic', headers)).body as { readonly requests: readonly { readonly path: string }[] };
    const { requests: before } = await seen();
    for (const method of ['GET', 'DELETE', 'OPTIONS']) {
      const lines = Object.entries({ ...headers, origin, host: new URL(origin).host, 'transfer-encoding': 'chunked' });
      const socket = connect({
        port: fixture.server.port,
        servername: 'localhost',
        ca: readFileSync(fixture.server.caFile),
      });
      socket.write(
        [
          `${method} /portal/planes/management.azure.com/subscriptions?api-version=2022-12-01 HTTP/1.1`,
          ...lines.map(([name, value]) => `${name}: ${value}`),
          'connection: close',
          ...['', behind.length.toString(16), behind, '0', '', ''],
        ].join('\r\n'),
      );
      expect(await text(socket)).toMatch(method === 'GET' ? /^HTTP\/1\.1 200 / : /^HTTP\/1\.1 405 /);
    }
    const { requests } = await seen();
    expect(requests.length).toBeGreaterThan(before.length);
    expect(requests.filter(({ path }) => path.includes('smuggled'))).toEqual([]);
  });

  it('see the last requests of all planes, and why they failed, but no secret of theirs', async () => {
    const { headers } = await open();
    const { subscriptionId, tenantId, clientId } = fixture.environment;
    const path = `/subscriptions/${subscriptionId}/resourceGroups/seen`;
    const [arm, secret] = [await fixture.tokenFor('https://management.azure.com'), 'canary-4711'];
    const ask = (host: string, method: string, at: string, token: string, body?: unknown) =>
      fixture.send({ host, method, path: at, token, body, headers: { 'x-ms-client-request-id': 'mine-1' } });
    await ask('management.azure.com', 'PUT', `${path}?api-version=2021-04-01`, arm, { location: 'westeurope' });
    const vault = `${path}/providers/Microsoft.KeyVault/vaults/seen-vault`;
    const properties = { tenantId, sku: { family: 'A', name: 'standard' }, enableRbacAuthorization: true };
    const made = await ask('management.azure.com', 'PUT', `${vault}?api-version=2023-07-01`, arm, {
      ...{ location: 'westeurope', properties },
    });
    expect(made.status).toBeLessThan(300);
    const token = await fixture.tokenFor('https://vault.azure.net');
    const seen = async (filter: string) =>
      (await send('GET', `/traffic${filter}`, headers)).body as {
        readonly requests: readonly Readonly<Record<string, unknown>>[];
        readonly last: number;
      };
    const { last } = await seen('');
    const host = 'seen-vault.vault.azure.net';
    const absent = `/secrets/absent?api-version=7.4&sig=${secret}`;
    await ask(host, 'GET', absent, token);
    await ask(host, 'GET', absent, `${token}${secret}`);
    await ask(host, 'PUT', '/secrets/s1?api-version=7.4', token, { value: secret, wrong: secret });
    const endpoint = `http://127.0.0.1:${fixture.server.proxyPort}/msi/${secret}`;
    for (const at of ['metadata/identity/oauth2/token?resource=x', 'elsewhere'])
      await (await fetch(`${endpoint}/${at}`, { headers: { metadata: 'true' } })).text();
    const { requests } = await seen(`?after=${last}&host=${host}&failed=true`);
    expect(requests.slice(0, 2)).toMatchObject([
      {
        ...{ plane: 'vault', method: 'GET', host, path: '/secrets/absent?api-version=7.4&sig=…', appId: clientId },
        ...{ clientRequestId: 'mine-1', operation: 'GetSecret' },
      },
      { plane: 'vault', status: 401, code: 'Unauthorized' },
    ]);
    expect(requests[0]?.['code']).toMatch(/^(?:SecretNotFound|Forbidden)$/);
    const all = await seen('');
    expect(JSON.stringify(all)).not.toContain(secret);
    expect(JSON.stringify(all)).not.toContain('eyJ');
    expect(new Set(all.requests.map(({ plane }) => plane))).toEqual(
      new Set(['entra', 'arm', 'vault', 'managed identity']),
    );
    expect((await send('GET', '/traffic?after=x', headers)).status).toBe(400);
    expect((await send('GET', '/traffic')).status).toBe(401);
  });

  it('see bodies of requests once they ask for them, for a while, and no secret in them', async () => {
    const { headers } = await open();
    const secret = 'canary-4712';
    const { subscriptionId, tenantId, objectId } = fixture.environment;
    const group = `/subscriptions/${subscriptionId}/resourceGroups/seen`;
    const policy = { tenantId, objectId, permissions: { secrets: ['get', 'set'] } };
    const changed = await fixture.send({
      ...{
        host: 'management.azure.com',
        method: 'PATCH',
        token: await fixture.tokenFor('https://management.azure.com'),
      },
      path: `${group}/providers/Microsoft.KeyVault/vaults/seen-vault?api-version=2023-07-01`,
      body: { properties: { enableRbacAuthorization: false, accessPolicies: [policy] } },
    });
    expect(changed.status).toBe(200);
    const token = await fixture.tokenFor('https://vault.azure.net');
    const put = () =>
      fixture.send({
        ...{ host: 'seen-vault.vault.azure.net', method: 'PUT', path: '/secrets/s2?api-version=7.4', token },
        body: {
          value: secret,
          contentType: 'text/plain',
          attributes: { enabled: true },
          [`a ${secret}`]: { d: secret },
        },
      });
    type Seen = Readonly<Record<string, unknown>>;
    const last = async (): Promise<Seen> => {
      const { body } = await send('GET', '/traffic', headers);
      expect(JSON.stringify(body)).not.toContain(secret);
      expect(JSON.stringify(body)).not.toContain('eyJ');
      expect(unlikeRow('GET /traffic', body)).toEqual([]);
      return (body as { readonly requests: readonly Seen[] }).requests.at(-1) ?? {};
    };
    const ask = (method: string, body?: unknown) => send(method, '/traffic/bodies', { ...headers, origin }, body);
    await put();
    expect(await last()).not.toHaveProperty('bodies');
    for (const span of [{ seconds: 901 }, { requests: 0 }, { seconds: '1' }, [1]])
      expect(await ask('POST', span)).toMatchObject({ status: 400, body: { error: { code: 'InvalidSpan' } } });
    expect((await ask('POST', { requests: 4 })).body).toMatchObject({ recording: true, requestsLeft: 4 });
    await put();
    const shown = '{"value":"…","contentType":"text/plain","attributes":{"enabled":true},"…":{"d":"…"}}';
    const made = await last();
    expect(made).toMatchObject({ bodies: { request: { text: shown } } });
    expect(JSON.stringify(made)).toMatch(/"answer":\{"bytes":\d+,"text":"\{/);
    await fixture.send({
      host: 'seen-vault.vault.azure.net',
      method: 'GET',
      path: '/secrets/s2?api-version=7.4',
      token,
    });
    const { bodies } = (await last()) as { readonly bodies: { readonly answer: { readonly text: string } } };
    expect(bodies.answer.text).toMatch(/^\{"value":"…","contentType":"text\/plain","id":"https:\/\/seen-vault\./);
    await fixture.tokenFor('https://vault.azure.net');
    const asked = `grant_type=client_credentials&client_id=${fixture.environment.clientId}&client_secret=…`;
    expect(await last()).toMatchObject({
      bodies: {
        request: { text: `${asked}&scope=https://vault.azure.net/.default` },
        answer: { text: '{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"…"}' },
      },
    });
    expect((await ask('DELETE')).body).toMatchObject({ recording: false });
    await put();
    expect(JSON.stringify((await send('GET', '/traffic', headers)).body)).not.toContain('bytes":');
    expect((await send('POST', '/traffic/bodies')).status).toBe(401);
  });

  it('have the disk looked through for texts, with places and no contents for an answer', async () => {
    const { headers } = await open();
    const certificate = readFileSync(fixture.server.caFile, 'latin1').split('\n')[1] ?? '';
    const scan = (canaries: unknown) => send('POST', '/proof/scan', { ...headers, origin }, { canaries });
    const found = await scan([certificate, 'nowhere-at-all-4711']);
    expect(found).toMatchObject({ status: 200, body: { matchCount: 1, unreadable: [], unreadableCount: 0 } });
    expect(unlikeRow('POST /proof/scan', found.body)).toEqual([]);
    expect((found.body as { readonly matches: unknown }).matches).toEqual([
      { canary: certificate, file: 'ca.pem', form: 'UTF-8', offset: 28 },
    ]);
    const wrong = [undefined, [], ['short'], ['x'.repeat(257)], Array(9).fill('nowhere'), ['nowhere', 4711]];
    for (const canaries of wrong)
      expect(await scan(canaries)).toMatchObject({ status: 400, body: { error: { code: 'InvalidCanaries' } } });
    expect((await send('POST', '/proof/scan', {}, { canaries: ['nowhere'] })).status).toBe(401);
  });

  it('get answers in the shapes that the rows of the control API tell, of every route that only reads', async () => {
    const { headers } = await open();
    const token = { authorization: `Bearer ${fixture.server.controlToken}` };
    const reading = controlRows.filter(({ method, path }) => method === 'GET' && !path.includes(':'));
    expect(reading.length).toBeGreaterThan(8);
    for (const { path, access, mediaType, errors } of reading) {
      const { status, body, headers: told } = await send('GET', path, token);
      const { code = '' } = (body as { readonly error?: { readonly code?: string } } | undefined)?.error ?? {};
      // What is not begun has nothing to tell of itself.
      if (status === 404) expect(errors?.[code], path).toBe(404);
      else if (mediaType === undefined) expect(unlikeRow(`GET ${path}`, body)).toEqual([]);
      else expect([path, status, told['content-type']]).toEqual([path, 200, expect.stringContaining(mediaType)]);
      const inSession = await statusOf('GET', path, headers);
      expect(inSession, path).toBe(access === 'token' ? 403 : status);
    }
  });

  it('have drills: one at a time, of ways that there are', async () => {
    const { headers } = await open();
    expect((await send('GET', '/drill', headers)).body).toEqual({ state: 'none', run: 0, rows: [] });
    const refused = await send('POST', '/drill', { ...headers, origin }, { only: ['harmless'] });
    expect(refused).toMatchObject({ status: 400, body: { error: { code: 'NoSuchWay' } } });
    expect(await send('GET', '/drill/cells/keyDeleted/query', headers)).toMatchObject({
      status: 404,
      body: { error: { code: 'NoSuchCell' } },
    });
    for (const method of ['GET', 'POST', 'DELETE']) expect(await statusOf(method, '/drill', {})).toBe(401);
  });

  it('end when they are told to', async () => {
    const { headers } = await open();
    expect(await statusOf('DELETE', '/portal/session', {})).toBe(401);
    expect(await statusOf('DELETE', '/portal/session', { ...headers, origin })).toBe(204);
    expect(await statusOf('GET', '/status', headers)).toBe(401);
  });

  it('have pages with a strict policy, which take no script from elsewhere and stand in no frame', async () => {
    const answer = await send('GET', '/portal/');
    const policy = String(answer.headers['content-security-policy']);
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "worker-src 'self'",
      "connect-src 'self'",
      "img-src 'self'",
      "font-src 'self'",
      "style-src 'self' 'unsafe-inline'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    for (const path of ['/portal/../control.json', '/portal/%2e%2e/package.json', '/portal/..%2fbuilt-at.txt'])
      expect(await statusOf('GET', path, {})).toBe(404);
  });

  it('are not to be had under another name: a name that leads here is not taken for localhost', async () => {
    const asked = await send('GET', '/portal/', { host: 'evil.example' });
    expect(asked.status).toBe(421);
    const handshake = new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: fixture.server.port, servername: 'evil.example' });
      socket.once('secureConnect', resolve).once('error', reject);
    });
    await expect(handshake).rejects.toThrow();
  });
});

describe('a scan of the disk', () => {
  const scan = createDiskScan({ scripts: builtScripts, dataDirectory: import.meta.dirname });

  it('is one at a time, ends with whoever asked for it, and can be had again then', async () => {
    const left = new AbortController();
    const first = scan(['createDiskScan'], left.signal);
    await expect(scan(['createDiskScan'], left.signal)).rejects.toThrow(ScanBusyError);
    left.abort();
    await expect(first).rejects.toThrow('ended before it was done');
    const { matches } = await scan(['createDiskScan'], new AbortController().signal);
    expect(matches.map(({ file }) => file)).toEqual(['sessions.test.ts']);
  });
});
