import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startConnectProxy } from '../../../../tests/support/connect-proxy.ts';
import { hostName } from '../../../../tests/support/scripted-vault.ts';
import { newGuid } from '../../../base/new-guid.ts';
import { systemRandomBytes } from '../../../base/random.ts';
import { createAuthorityMaterial, openAuthority } from '../../../http/certificate-authority.ts';
import type { OutsideVault } from './outside-vault.ts';
import { defaultAuthorityHost } from './outside-vault.ts';
import { createOutsideVaults } from './outside-vaults.ts';

const host = hostName('contoso.vault.azure.net');
const otherAuthority = hostName('login.partner.microsoftonline.com');
const identity = newGuid(systemRandomBytes);
const tenantId = newGuid(systemRandomBytes);
const clientId = newGuid(systemRandomBytes);
const clientSecret = `very-secret-${newGuid(systemRandomBytes)}`;
const resourceId = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Kusto/clusters/c';
const audience = 'https://vault.azure.net';
const authority = `https://login.windows.net/${tenantId}`;

interface Seen {
  readonly host: string;
  readonly path: string;
  readonly body: string;
}
let seen: Seen[] = [];
/** What the authorities say to a request for a token; default: a token. */
let answer: (response: ServerResponse) => void;
let metadata: (of: string) => unknown;
let closers: (() => unknown)[] = [];
let route: Required<OutsideVault['route']>;

async function listenAs(name: string, ca: Awaited<ReturnType<typeof openAuthority>>): Promise<number> {
  const leaf = await ca.leafFor(hostName(name));
  const server = createServer({ cert: leaf.chainPem, key: leaf.privateKeyPem }, (request, response) => {
    void serve(name, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => (server.closeAllConnections(), server.close()));
  return (server.address() as AddressInfo).port;
}

async function serve(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  seen.push({ host: name, path: request.url ?? '', body: Buffer.concat(pieces).toString() });
  if (request.method === 'POST') answer(response);
  else json(response, 200, metadata(name));
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

beforeAll(async () => {
  const wallClock = (): number => Date.now();
  const ca = await openAuthority(await createAuthorityMaterial({ wallClock }), { wallClock });
  const ports = new Map<string, number>();
  for (const name of [defaultAuthorityHost, otherAuthority, 'evil.azure.com']) {
    ports.set(`${name}:443`, await listenAs(name, ca));
  }
  const proxy = await startConnectProxy(ports);
  closers.push(() => proxy.close());
  route = { ca: ca.certificatePem, proxy: { host: '127.0.0.1', port: proxy.port } };
});
afterAll(async () => {
  await Promise.all(closers.map((close) => close()));
  closers = [];
});
beforeEach(() => {
  seen = [];
  answer = (response) => json(response, 200, { token_type: 'Bearer', expires_in: 3599, access_token: 'theirs' });
  metadata = endpointsAt;
});
afterEach(() => vi.unstubAllEnvs());

const endpointsAt = (name: string) => ({
  issuer: `https://${name}/${tenantId}/v2.0`,
  authorization_endpoint: `https://${name}/${tenantId}/oauth2/v2.0/authorize`,
  token_endpoint: `https://${name}/${tenantId}/oauth2/v2.0/token`,
  jwks_uri: `https://${name}/${tenantId}/discovery/v2.0/keys`,
});

function vault(account: Partial<OutsideVault['account']> = {}): OutsideVault {
  const proof = { kind: 'secret', secret: clientSecret } as const;
  return { host, route, account: { tenantId, clientId, proof, authorityHost: defaultAuthorityHost, ...account } };
}

function mint(vaults: readonly OutsideVault[], target = { authority: authority as string | undefined, audience }) {
  const findIdentity = (id: string) => Promise.resolve(id === identity ? { resourceId, enabled: true } : undefined);
  const found = createOutsideVaults({ vaults, findIdentity, timeoutMs: 5_000 }).resolve(host);
  return found?.mintToken(identity, target);
}

const secretsSent = (): readonly string[] =>
  seen.filter(({ body }) => body.includes(clientSecret)).map((one) => one.host);

describe('a token for a vault outside', () => {
  it('comes from the authority of its account, fresh each time, whatever the environment says', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9');
    vi.stubEnv('AZURE_AUTHORITY_HOST', 'https://evil.azure.com');
    vi.stubEnv('NODE_EXTRA_CA_CERTS', '/nowhere');
    for (const times of [1, 2]) {
      expect(await mint([vault()])).toMatchObject({ outcome: 'token', token: 'theirs' });
      expect(secretsSent()).toEqual(Array(times).fill(defaultAuthorityHost));
    }
    expect(new URLSearchParams(seen.at(-1)?.body).get('scope')).toContain(`${audience}/.default`);
    expect(seen.at(-1)?.path).toMatch(new RegExp(`^/${tenantId}/`));
  });

  it.each([
    ['another host', `https://evil.azure.com/${tenantId}`],
    ['another tenant', 'https://login.microsoftonline.com/22222222-2222-4222-8222-222222222222'],
    ['plain http', `http://login.microsoftonline.com/${tenantId}`],
    ['a user name', `https://login.microsoftonline.com@evil.azure.com/${tenantId}`],
    ['nothing', undefined],
  ])('is refused by name, and no secret goes out, when the vault believes %s', async (_what, believed) => {
    const refused = await mint([vault()], { authority: believed, audience });
    expect(refused).toMatchObject({ outcome: 'refused', cause: 'credentialRefused' });
    expect(JSON.stringify(refused)).toContain(host);
    expect(seen).toEqual([]);
  });

  it.each(['https://management.azure.com', 'https://azure.net', `https://${host}`])('is none of %s', async (other) => {
    expect(await mint([vault()], { authority, audience: other })).toMatchObject({ cause: 'credentialRefused' });
    expect(seen).toEqual([]);
  });

  it('sends no secret where the authority only points to', async () => {
    metadata = (name) => ({ ...endpointsAt('evil.azure.com'), issuer: endpointsAt(name).issuer });
    const account = { authorityHost: otherAuthority };
    const target = { authority: `https://${otherAuthority}/${tenantId}`, audience };
    expect(await mint([vault(account)], target)).toMatchObject({
      outcome: expect.not.stringMatching(/^token$/) as string,
    });
    answer = (response) => response.writeHead(307, { location: `https://evil.azure.com/${tenantId}` }).end();
    expect(await mint([vault()])).toMatchObject({ outcome: 'unavailable' });
    expect(seen.filter((one) => one.host === 'evil.azure.com')).toEqual([]);
  });

  it.each([
    [401, 'invalid_client', 'refused'],
    [400, 'unauthorized_client', 'refused'],
    [400, 'temporarily_unavailable', 'unavailable'],
    [429, 'throttled', 'unavailable'],
    [503, '', 'unavailable'],
  ])('%i %s of the authority is %s, without the secret in the reason', async (status, error, outcome) => {
    answer = (response) => json(response, status, { error, error_description: `AADSTS1: It is so.\r\nTrace ID: x` });
    const given = await mint([vault()]);
    expect(given).toMatchObject({ outcome });
    expect(JSON.stringify(given)).not.toContain(clientSecret);
    if (outcome === 'refused')
      expect(given).toMatchObject({ reason: expect.stringMatching(/AADSTS1: It is so\.$/) as string });
  });

  it('is unavailable when the authority cannot be reached, or is somebody else', async () => {
    const closed = { ...vault(), route: { ...route, proxy: { host: '127.0.0.1', port: 9 } } };
    expect(await mint([closed])).toMatchObject({ outcome: 'unavailable' });
    expect(await mint([{ ...vault(), route: { proxy: route.proxy } }])).toMatchObject({ outcome: 'unavailable' });
    expect(seen).toEqual([]);
  });

  it('is asked for with a signed assertion when the account has a certificate', async () => {
    const wallClock = (): number => Date.now();
    const { certificatePem, privateKeyPem } = await createAuthorityMaterial({ wallClock });
    const proof = { kind: 'certificate', pem: `${certificatePem}\n${await rsaKeyPem()}` } as const;
    expect(privateKeyPem).toContain('PRIVATE KEY');
    expect(await mint([vault({ proof })])).toMatchObject({ outcome: 'token' });
    const sent = new URLSearchParams(seen.at(-1)?.body);
    expect(decodeJwt(sent.get('client_assertion') ?? '')).toMatchObject({ iss: clientId, sub: clientId });
    expect(sent.get('client_secret')).toBeNull();
  });
});

async function rsaKeyPem(): Promise<string> {
  const { generateKeyPairSync } = await import('node:crypto');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

describe('which account stands for an identity', () => {
  const another = newGuid(systemRandomBytes);
  const only = (...identities: readonly string[]) => vault({ identities, clientId: another });

  it('the one that names it, else the one for all others', async () => {
    const findIdentity = () => Promise.resolve({ resourceId, enabled: true });
    const options = { findIdentity, timeoutMs: 5_000 };
    const both = createOutsideVaults({ ...options, vaults: [vault(), only(resourceId.toLowerCase())] });
    expect((await both.accountOf(host, identity))?.clientId).toBe(another);
    const rest = createOutsideVaults({ ...options, vaults: [only('/other'), vault()] });
    expect((await rest.accountOf(host, identity))?.clientId).toBe(clientId);
  });

  it('none: refused by name', async () => {
    const refused = await mint([only('/other')]);
    expect(refused).toMatchObject({ outcome: 'refused', reason: expect.stringContaining(resourceId) as string });
    expect(seen).toEqual([]);
  });

  it('nobody, for an identity that is gone, and for hosts that nobody named', async () => {
    const findIdentity = () => Promise.resolve({ resourceId, enabled: false });
    const gone = createOutsideVaults({ vaults: [vault()], findIdentity, timeoutMs: 5_000 });
    expect(await gone.resolve(host)?.mintToken(identity, { audience, authority })).toMatchObject({
      outcome: 'refused',
    });
    expect(gone.resolve(hostName('fabrikam.vault.azure.net'))).toBeUndefined();
    expect(seen).toEqual([]);
  });
});
