import fc from 'fast-check';
import { decodeJwt } from 'jose';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { instant } from '../../clock/clock.ts';
import { startIdentity } from '../identity.fixture.ts';
import type { Identity } from '../identity.fixture.ts';
import { claimsOf, forge, makeCertificate, registerCertificate, sign } from './assertion.fixture.ts';
import type { ClientCertificate } from './assertion.fixture.ts';
import { grantClientCredentials } from './client-credentials.ts';
import { EntraError } from './entra-error.ts';

const startOfTests = instant(Date.UTC(2026, 4, 1, 12));

let identity: Identity;
let own: ClientCertificate;
let other: ClientCertificate;
beforeAll(async () => {
  [own, other] = await Promise.all([makeCertificate(startOfTests), makeCertificate(startOfTests)]);
});
beforeEach(async () => {
  identity = await startIdentity();
  await registerCertificate(identity, own);
});

const rs256 = (certificate = own) => ({ alg: 'RS256', typ: 'JWT', x5t: certificate.thumbprints.sha1 });

function grant(clientAssertion: string, fields: Record<string, string> = {}) {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: identity.application.appId,
    client_assertion: clientAssertion,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    scope: 'https://vault.azure.net/.default',
    ...fields,
  });
  const { tenantId } = identity.tenant;
  return grantClientCredentials(
    { version: 2, tenant: tenantId, form, authorization: undefined },
    identity.grantOptions,
  );
}

describe('an assertion signed with a registered certificate', () => {
  it('gives a token that the vault takes and that says how the client proved itself', async () => {
    const { token } = await grant(await sign(claimsOf(identity), rs256(), own.privateKey));
    expect(decodeJwt(token)).toMatchObject({ appid: identity.application.appId, appidacr: '2' });
    expect(await identity.verifyToken(`Bearer ${token}`, ['https://vault.azure.net'])).toMatchObject({
      outcome: 'valid',
    });
  });

  it('counts as MSAL for JavaScript writes it: PS256, SHA-256', async () => {
    const header = { alg: 'PS256', 'x5t#S256': own.thumbprints.sha256 };
    await expect(grant(await sign(claimsOf(identity), header, own.privateKey))).resolves.toBeDefined();
  });

  it('counts as MSAL for Python writes it: thumbprint padded, time with fractions, no nbf', async () => {
    const claims = { ...claimsOf(identity), exp: identity.wall.now / 1000 + 600, nbf: undefined };
    const token = await sign(claims, { ...rs256(), x5t: `${own.thumbprints.sha1}=` }, own.privateKey);
    await expect(grant(token)).resolves.toBeDefined();
  });

  it('counts as MSAL for Go writes it: thumbprint in plain base64', async () => {
    let certificate = own;
    const plain = (): string => Buffer.from(certificate.thumbprints.sha256, 'base64url').toString('base64');
    while (!/[+/]/.test(plain())) certificate = await makeCertificate(startOfTests);
    await registerCertificate(identity, certificate);
    const header = { alg: 'PS256', typ: 'JWT', 'x5t#S256': plain() };
    await expect(grant(await sign(claimsOf(identity), header, certificate.privateKey))).resolves.toBeDefined();
  });

  it('counts again until it expires, as MSAL sends it, and not a moment longer', async () => {
    const token = await sign(claimsOf(identity), rs256(), own.privateKey);
    await grant(token);
    identity.wall.now = instant(Math.floor(identity.wall.now / 1000) * 1000 + 599_999);
    await expect(grant(token)).resolves.toBeDefined();
    identity.wall.now = instant(identity.wall.now + 1);
    await expect(grant(token)).rejects.toMatchObject({ code: 700024, status: 401 });
  });

  it.each([
    (id: string) => `https://login.microsoftonline.com/${id}/v2.0`,
    (id: string) => `https://login.microsoftonline.com/${id}/oauth2/token`,
    (id: string) => `https://sts.windows.net/${id}/`,
    () => 'https://login.microsoftonline.com/kustody.onmicrosoft.com/oauth2/v2.0/token',
  ])('is for any name of this tenant: %#', async (audience) => {
    const claims = { ...claimsOf(identity), aud: audience(identity.tenant.tenantId) };
    await expect(grant(await sign(claims, rs256(), own.privateKey))).resolves.toBeDefined();
  });

  it('ends with the certificate in the directory', async () => {
    const token = await sign(claimsOf(identity), rs256(), own.privateKey);
    const { directory, application, tenant } = identity;
    const registered = await directory.applications.findByName(tenant.tenantId, application.appId);
    await directory.applications.update(registered?.objectId ?? application.objectId, (one) => ({ ...one, keys: [] }));
    await expect(grant(token)).rejects.toMatchObject({ row: 'AssertionKeyNotFound' });
  });
});

describe('an assertion is refused', () => {
  const claims = (more: Record<string, unknown> = {}) => ({ ...claimsOf(identity), ...more });
  const signed = (more: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
    sign(claims(more), { ...rs256(), ...header }, own.privateKey);
  const none = (token: string): string => forge(token, 'header', { alg: 'none' });
  const seconds = (): number => Math.floor(identity.wall.now / 1000);

  const cases: readonly [string, number, string, () => string | Promise<string>][] = [
    ['another certificate', 700027, 'AssertionKeyNotFound', () => sign(claims(), rs256(other), other.privateKey)],
    [
      "another key under the certificate's name",
      700027,
      'AssertionSignature',
      () => sign(claims(), rs256(), other.privateKey),
    ],
    [
      'another certificate that it brings along',
      700027,
      'AssertionKeyNotFound',
      () => sign(claims(), { ...rs256(other), x5c: [other.der.toString('base64')] }, other.privateKey),
    ],
    [
      'another key that it brings along',
      700027,
      'AssertionSignature',
      () => sign(claims(), { ...rs256(), jwk: other.publicKey.export({ format: 'jwk' }) }, other.privateKey),
    ],
    [
      'two thumbprints of which one is wrong',
      700027,
      'AssertionKeyNotFound',
      () => signed({}, { 'x5t#S256': other.thumbprints.sha256 }),
    ],
    [
      'claims changed afterwards',
      700027,
      'AssertionSignature',
      async () => forge(await signed(), 'claims', { exp: 9e9 }),
    ],
    ['no signature', 5002738, 'AssertionAlgorithm', async () => none(await signed())],
    ['an empty signature', 50027, 'AssertionMalformed', async () => none(await signed()).replace(/[^.]*$/, '')],
    [
      'an HMAC under the public key',
      5002738,
      'AssertionAlgorithm',
      () =>
        sign(
          claims(),
          { ...rs256(), alg: 'HS256' },
          utf8(own.publicKey.export({ type: 'spki', format: 'pem' }).toString()),
        ),
    ],
    ['another hash', 5002738, 'AssertionAlgorithm', () => signed({}, { alg: 'RS512' })],
    [
      'an algorithm that was swapped afterwards',
      700027,
      'AssertionSignature',
      async () => forge(await signed(), 'header', { alg: 'PS256' }),
    ],
    ['no certificate named', 5002723, 'AssertionWithoutKey', () => signed({}, { x5t: undefined, kid: 'x' })],
    ['a thumbprint that is none', 50027, 'AssertionMalformed', () => signed({}, { x5t: ['a'] })],
    ['a thumbprint in two alphabets', 50027, 'AssertionMalformed', () => signed({}, { x5t: 'a-b/' })],
    [
      'an extension',
      50027,
      'AssertionMalformed',
      async () => forge(await signed(), 'header', { crit: ['b64'], b64: false }),
    ],
    ['a time that is over', 700024, 'AssertionOutOfTime', () => signed({ exp: seconds() })],
    ['a time to come', 700024, 'AssertionOutOfTime', () => signed({ nbf: seconds() + 1 })],
    ['no end', 50027, 'AssertionMalformed', () => signed({ exp: undefined })],
    ['an end beyond all times', 50027, 'AssertionMalformed', () => signed({ exp: 1e300 })],
    ['a time that is a text', 50027, 'AssertionMalformed', () => signed({ exp: '9999999999' })],
    ['another issuer', 700021, 'AssertionOfAnother', () => signed({ iss: identity.managed.appId })],
    ['another subject', 700021, 'AssertionOfAnother', () => signed({ sub: identity.managed.appId })],
    ['an outside issuer', 70025, 'FederationMissing', () => signed({ iss: 'https://issuer.example' })],
    ['no subject', 50027, 'AssertionMalformed', () => signed({ sub: undefined })],
    [
      'another host',
      700023,
      'AssertionAudience',
      () => signed({ aud: `https://x.example/${identity.tenant.tenantId}/v2.0` }),
    ],
    [
      'another tenant',
      700023,
      'AssertionAudience',
      () => signed({ aud: `https://login.microsoftonline.com/${identity.managed.appId}/v2.0` }),
    ],
    [
      'all tenants',
      700023,
      'AssertionAudience',
      () => signed({ aud: 'https://login.microsoftonline.com/common/oauth2/v2.0/token' }),
    ],
    ['the resource for audience', 700023, 'AssertionAudience', () => signed({ aud: 'https://vault.azure.net' })],
    ['several audiences', 50027, 'AssertionMalformed', () => signed({ aud: [claims()['aud']] })],
    ['no token', 50027, 'AssertionMalformed', () => 'a.b.c'],
    ['five parts', 50027, 'AssertionMalformed', async () => `${await signed()}.a.b`],
    ['too much', 9002313, 'RequestMalformed', () => signed({ filler: 'x'.repeat(13_000) })],
  ];

  it.each(cases)('for %s: AADSTS%i', async (_name, code, row, make) => {
    await expect(grant(await make())).rejects.toMatchObject({ code, row });
  });

  it('of one application for another, and of a managed identity, which has no certificates', async () => {
    const { principals, tenant, managed } = identity;
    const stranger = await principals.create({ tenantId: tenant.tenantId, displayName: 'x', kind: 'application' });
    for (const { appId } of [stranger, managed]) {
      const theirs = await signed({ iss: appId, sub: appId });
      await expect(grant(theirs, { client_id: appId })).rejects.toMatchObject({ row: 'AssertionKeyNotFound' });
    }
  });

  it('under a certificate whose time in the directory is over or has not come', async () => {
    const { wall } = identity;
    await registerCertificate(identity, other, { endDateTime: wall.now });
    const token = await sign(claims(), rs256(other), other.privateKey);
    await expect(grant(token)).rejects.toMatchObject({ code: 700027, row: 'AssertionKeyExpired' });
    await expect(grant(token)).rejects.toThrow(
      "[Reason - The key used is expired., Thumbprint of key used by client: '",
    );
  });

  it('with the text of Entra ID, which names the thumbprint and the application', async () => {
    const token = await sign(claims(), rs256(other), other.privateKey);
    const shown = Buffer.from(other.thumbprints.sha1, 'base64url').toString('hex').toUpperCase();
    await expect(grant(token)).rejects.toThrow(
      `AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '${shown}', Please visit the Azure Portal`,
    );
    await expect(grant(await signed({ exp: seconds() - 1, nbf: undefined }))).rejects.toThrow(
      'Current time: 2026-05-01T12:00:00.2500000Z, assertion valid from 1970-01-01T00:00:00.0000000Z, expiry time of assertion 2026-05-01T11:59:59.0000000Z.',
    );
  });

  it('whatever it is, and never by a crash', async () => {
    const part = fc
      .oneof(fc.string(), fc.json(), fc.constant('{"alg":"RS256","x5t":"a"}'))
      .map((text) => Buffer.from(text).toString('base64url'));
    const token = fc.oneof(
      fc.string(),
      fc.tuple(part, part, part).map((parts) => parts.join('.')),
    );
    await fc.assert(
      fc.asyncProperty(token, async (text) => {
        await expect(grant(text)).rejects.toBeInstanceOf(EntraError);
      }),
    );
  });
});
