import { createHmac, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sample } from '../../support/sample.ts';
import type { Attacked, Outcome } from './attacked.ts';
import { audiences, db, hosts } from './attacked.ts';

type Plane = 'arm' | 'vault' | 'cluster' | 'control';
const planes = ['arm', 'vault', 'cluster'] as const;

/** A request that would be answered 200 with the right token. */
function callWith(attacked: Attacked, plane: Plane, headers: Record<string, string>): Promise<Outcome> {
  const paths = {
    arm: `${attacked.group}?api-version=2021-04-01`,
    vault: '/keys/k?api-version=7.4',
    control: '/status',
  };
  if (plane !== 'cluster') return attacked.attempt(hosts[plane], 'GET', paths[plane], { headers });
  const body = JSON.stringify({ db, csl: 'print 1' });
  return attacked.attempt(hosts.cluster, 'POST', '/v1/rest/query', { headers, body });
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = (): number => Math.floor(Date.now() / 1000);
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** A good token's claims under another header, signed with a stranger's key. */
async function strangers(attacked: Attacked, audience: string, header: Record<string, unknown>): Promise<string> {
  const [, payload = ''] = (await attacked.tokenFor(audience)).split('.');
  const text = `${part({ alg: 'RS256', typ: 'JWT', kid: attacked.signing.kid, ...header })}.${payload}`;
  return `${text}.${sign('sha256', Buffer.from(text), stranger.privateKey).toString('base64url')}`;
}

/** HS256, the key being something that everybody knows. */
async function symmetric(attacked: Attacked, audience: string, key: (certificate: X509Certificate) => string | Buffer) {
  const [, payload = ''] = (await attacked.tokenFor(audience)).split('.');
  const text = `${part({ alg: 'HS256', typ: 'JWT', kid: attacked.signing.kid })}.${payload}`;
  const certificate = new X509Certificate(Buffer.from(attacked.certificate, 'base64'));
  return `${text}.${createHmac('sha256', key(certificate)).update(text).digest('base64url')}`;
}

async function altered(attacked: Attacked, audience: string, change: object): Promise<string> {
  const [header = '', payload = '', signature = ''] = (await attacked.tokenFor(audience)).split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  return `${header}.${part({ ...claims, ...change })}.${signature}`;
}

const cut = async (attacked: Attacked, audience: string, from: number, to: number): Promise<string> =>
  (await attacked.tokenFor(audience)).split('.').slice(from, to).join('.');

const invalid = 'InvalidAuthenticationToken';
const anotherTenant = 'InvalidAuthenticationTokenTenant';
const elsewhere = '11111111-2222-4333-8444-555555555555';
export type Make = (attacked: Attacked, audience: string) => Promise<string>;

/** As applications of the tenant may take them, and none of Microsoft's services does: these get tokens of version 1.0 from both endpoints.
 * @see Microsoft Entra "Access tokens": the resource decides the version */
const ofVersion2 = ({ owner }: Attacked): Record<string, unknown> => ({
  ...{ iss: `https://login.microsoftonline.com/${owner.tenantId}/v2.0`, ver: '2.0' },
  ...{ azp: owner.appId, azpacr: '1', appid: undefined, appidacr: undefined },
});
const serviceIds: Readonly<Record<string, string>> = {
  [audiences.arm]: '797f4846-ba00-4fd7-ba43-dac1f8f63013',
  [audiences.vault]: 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093',
  [audiences.cluster]: '2746ea77-4702-4b45-80ca-3c97e680e8b7',
  'https://graph.microsoft.com': '00000003-0000-0000-c000-000000000000',
};

/** What is wrong with each token, and nothing else; the code is the resource manager's. Of the verifier alone:
 * src/identity/entra/token-verifier.test.ts. */
export const forgeries: readonly (readonly [string, string, Make])[] = [
  ['expired', 'ExpiredAuthenticationToken', (a, to) => a.forge({ exp: now() - 1 }, to)],
  ['not yet valid', 'ExpiredAuthenticationToken', (a, to) => a.forge({ nbf: now() + 600 }, to)],
  ['that never expires', invalid, (a, to) => a.forge({ exp: undefined }, to)],
  ['that expires at a text', invalid, (a, to) => a.forge({ exp: '99999999999' }, to)],
  ['for a list of audiences', invalid, (a, to) => a.forge({ aud: [to] }, to)],
  ['of another issuer', anotherTenant, (a, to) => a.forge({ iss: 'https://sts.example/' }, to)],
  [
    'of a tenant that does not exist',
    anotherTenant,
    (a, to) => a.forge({ iss: `https://sts.windows.net/${elsewhere}/`, tid: elsewhere }, to),
  ],
  ['with the tenant of another issuer', anotherTenant, (a, to) => a.forge({ tid: a.people.foreigner.tenantId }, to)],
  ['of somebody who does not exist', invalid, (a, to) => a.forge({ oid: elsewhere, sub: elsewhere }, to)],
  [
    'of a principal of another tenant under this one',
    invalid,
    (a, to) => a.forge({ oid: a.people.foreigner.objectId }, to),
  ],
  ['of version 2.0', anotherTenant, (a, to) => a.forge(ofVersion2(a), to)],
  [
    'of version 2.0 for the id of the service',
    'InvalidAuthenticationTokenAudience',
    (a, to) => a.forge({ ...ofVersion2(a), aud: serviceIds[to] ?? to }, to),
  ],
  [
    'of a guest',
    invalid,
    (a, to) => {
      const { objectId, tenantId } = a.people.foreigner;
      const guest = { acct: 1, idp: `https://sts.windows.net/${tenantId}/`, upn: 'x_y#EXT#@kustody.example' };
      return a.forge({ ...guest, idtyp: 'user', oid: objectId, sub: objectId, scp: 'user_impersonation' }, to);
    },
  ],
  ['whose owner is called __proto__', invalid, (a, to) => a.forge({ oid: '__proto__' }, to)],
  ['with alg none and no signature', invalid, async (a, to) => `${part({ alg: 'none' })}.${await cut(a, to, 1, 2)}.`],
  [
    'with alg none, its own kid and the old signature',
    invalid,
    async (a, to) => `${part({ alg: 'none', kid: a.signing.kid })}.${await cut(a, to, 1, 3)}`,
  ],
  [
    'with HS256 under the public key as PEM',
    invalid,
    (a, to) => symmetric(a, to, (c) => c.publicKey.export({ type: 'spki', format: 'pem' })),
  ],
  [
    'with HS256 under the public key as DER',
    invalid,
    (a, to) => symmetric(a, to, (c) => c.publicKey.export({ type: 'spki', format: 'der' })),
  ],
  ['with HS256 under the certificate', invalid, (a, to) => symmetric(a, to, (c) => c.raw)],
  ['with HS256 under nothing', invalid, (a, to) => symmetric(a, to, () => '')],
  ["with another's signature", invalid, (a, to) => strangers(a, to, {})],
  ['with another kid', invalid, (a, to) => strangers(a, to, { kid: 'A'.repeat(27) })],
  ['with the kid of a path', invalid, (a, to) => strangers(a, to, { kid: '../../../../../../dev/null' })],
  ['with the kid __proto__', invalid, (a, to) => strangers(a, to, { kid: '__proto__' })],
  ['with a kid that is an object', invalid, (a, to) => strangers(a, to, { kid: { toString: 'x' } })],
  ['that brings its key', invalid, (a, to) => strangers(a, to, { jwk: stranger.publicKey.export({ format: 'jwk' }) })],
  [
    'that names where its key is',
    invalid,
    (a, to) => strangers(a, to, { jku: `https://localhost:${a.server.port}/keys` }),
  ],
  ['with critical extensions', invalid, (a, to) => strangers(a, to, { crit: ['exp'], exp: now() })],
  ['with another object id in the payload', invalid, (a, to) => altered(a, to, { oid: a.people.viewer.objectId })],
  ['with a longer life in the payload', invalid, (a, to) => altered(a, to, { exp: now() + 1e9 })],
  ['of the payload alone', invalid, (a, to) => cut(a, to, 1, 2)],
  ['without signature', invalid, (a, to) => cut(a, to, 0, 2)],
  ['without signature, with its dot', invalid, async (a, to) => `${await cut(a, to, 0, 2)}.`],
  ['of five parts', invalid, async (a, to) => `${await a.tokenFor(to)}.AAAA.AAAA`],
  ['twice', invalid, async (a, to) => `${await a.tokenFor(to)}, Bearer ${await a.tokenFor(to)}`],
  ['of two dots', invalid, () => Promise.resolve('..')],
  ['of 60 KB', invalid, () => Promise.resolve('a'.repeat(60_000))],
];

export function describeTokens(attacked: () => Attacked): void {
  describe('a token for one plane', () => {
    const codes = {
      arm: 'InvalidAuthenticationTokenAudience',
      vault: 'Unauthorized',
      cluster: 'Unauthorized',
      control: 'Unauthorized',
    };
    const wrong = (['arm', 'vault', 'cluster', 'control'] as const).flatMap((plane) =>
      planes.filter((audience) => audience !== plane).map((audience) => [audience, plane] as const),
    );
    it.each(sample(wrong, 8))('(%s) does not open another (%s)', async (audience, plane) => {
      const token = await attacked().tokenFor(audiences[audience]);
      expect(await callWith(attacked(), plane, bearer(token))).toMatchObject({ status: 401, code: codes[plane] });
    });

    it('of another cluster does not open this one, that of its own name does', async () => {
      const other = await attacked().tokenFor('https://another.eastus.kusto.windows.net');
      expect(await callWith(attacked(), 'cluster', bearer(other))).toMatchObject({ status: 401, code: 'Unauthorized' });
      const own = await attacked().tokenFor(`https://${hosts.cluster}`);
      expect(await callWith(attacked(), 'cluster', bearer(own))).toMatchObject({ status: 200 });
      const deceptive = await attacked().forge({ aud: `https://${hosts.cluster}.example` }, audiences.cluster);
      expect(await callWith(attacked(), 'cluster', bearer(deceptive))).toMatchObject({ status: 401 });
    });

    it.each(planes)('opens nothing when it is the token of the control API (%s)', async (plane) => {
      const answer = await callWith(attacked(), plane, bearer(attacked().server.controlToken));
      expect(answer).toMatchObject({ status: 401, code: plane === 'arm' ? invalid : 'Unauthorized' });
    });

    it("opens nothing of this tenant for another tenant's principal", async () => {
      const { foreigner } = attacked().people;
      for (const plane of planes) {
        const answer = await callWith(
          attacked(),
          plane,
          bearer(await attacked().tokenFor(audiences[plane], foreigner)),
        );
        expect(answer).toMatchObject({ status: 401, code: plane === 'arm' ? anotherTenant : 'Unauthorized' });
      }
    });
  });

  describe.each(forgeries)('a token %s', (_what, code, make) => {
    it.each(planes)('is refused (%s)', async (plane) => {
      const token = await make(attacked(), audiences[plane]);
      const answer = await callWith(attacked(), plane, bearer(token));
      expect(answer).toMatchObject({ status: 401, code: plane === 'arm' ? code : 'Unauthorized' });
      if (token.length > 20) expect(answer.text).not.toContain(token.slice(-20));
    });
  });

  describe('the Authorization header', () => {
    it.each(['arm', 'vault', 'cluster', 'control'] as const)('of 64 KB is too large (%s)', async (plane) => {
      expect(await callWith(attacked(), plane, bearer('a'.repeat(65_536)))).toMatchObject({ status: 431 });
    });

    it.each(planes)('twice is no request, whichever is the good one (%s)', async (plane) => {
      const good = `Authorization: Bearer ${await attacked().tokenFor(audiences[plane])}`;
      const bad = 'authorization: Bearer a.b.c';
      for (const pair of [
        [good, bad],
        [bad, good],
        [good, good],
      ]) {
        const head = `GET /subscriptions?api-version=2021-04-01 HTTP/1.1\r\nhost: ${hosts[plane]}\r\n${pair.join('\r\n')}\r\nconnection: close\r\n\r\n`;
        const text = await attacked().raw(hosts[plane], head);
        expect(text).toMatch(/^HTTP\/1\.1 400 /);
      }
    });

    it.each(planes)('names its scheme, in any case, and no other (%s)', async (plane) => {
      const token = await attacked().tokenFor(audiences[plane]);
      expect(await callWith(attacked(), plane, { authorization: `bEARER ${token}` })).toMatchObject({ status: 200 });
      for (const authorization of [
        token,
        `Basic ${token}`,
        `Bearer${token}`,
        `"Bearer ${token}"`,
        `Bearer Bearer ${token}`,
      ])
        expect(await callWith(attacked(), plane, { authorization })).toMatchObject({ status: 401 });
      for (const headers of [
        { 'x-authorization': token },
        { 'proxy-authorization': `Bearer ${token}` },
        { cookie: `Authorization=Bearer ${token}` },
      ])
        expect(await callWith(attacked(), plane, headers)).toMatchObject({ status: 401 });
    });

    it.each(planes)('is not made up for by headers in which proxies name people (%s)', async (plane) => {
      const { objectId, tenantId } = attacked().owner;
      const claims = {
        ...{ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'localhost', 'x-forwarded-proto': 'https' },
        ...{ 'x-forwarded-user': objectId, 'x-real-ip': '127.0.0.1', forwarded: 'for=127.0.0.1;host=localhost' },
        ...{ 'x-ms-client-principal': part({ auth_typ: 'aad', claims: [{ typ: 'oid', val: objectId }] }) },
        ...{
          'x-ms-client-principal-id': objectId,
          'x-ms-client-principal-name': 'kustody',
          'x-ms-client-tenant-id': tenantId,
        },
        ...{ 'x-ms-client-object-id': objectId, 'x-ms-user': objectId, 'x-ms-token-aad-access-token': 'a.b.c' },
        ...{ 'x-original-url': '/healthz', 'x-rewrite-url': '/healthz', 'x-http-method-override': 'GET' },
      };
      expect(await callWith(attacked(), plane, claims)).toMatchObject({ status: 401 });
      // Nor do they change who somebody is.
      const token = await attacked().tokenFor(audiences[plane], attacked().people.nobody);
      const answer = await callWith(attacked(), plane, { ...claims, ...bearer(token) });
      expect(answer).toMatchObject({ status: 403 });
    });

    it('is asked for by the control API, whose token has to be whole', async () => {
      const token = attacked().server.controlToken;
      for (const sent of [token.slice(0, -1), `${token}a`, token.toUpperCase(), ''])
        expect(await callWith(attacked(), 'control', bearer(sent))).toMatchObject({
          status: 401,
          code: 'Unauthorized',
        });
      expect(await callWith(attacked(), 'control', bearer(token))).toMatchObject({ status: 200 });
    });
  });
}
