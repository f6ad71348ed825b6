import fc from 'fast-check';
import { createHmac, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import type { JSONWebKeySet } from 'jose';
import { CompactSign, createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import type { TokenVerdict } from '../../authz/caller.ts';
import { instant } from '../../clock/clock.ts';
import type { Identity } from '../identity.fixture.ts';
import { ManualHost } from '../../clock/manual-host.ts';
import { SystemClock } from '../../clock/system-clock.ts';
import { startIdentity } from '../identity.fixture.ts';
import { issueInstantOf, newTokenId } from './claims.ts';
import { keySetDocument } from './discovery.ts';
import { openSigningKeys } from './signing-keys.ts';
import { audienceOf, findResource } from './resources.ts';

const arm = 'https://management.azure.com/';
const vault = 'https://vault.azure.net';

async function tokenFor(identity: Identity, audience = vault): Promise<string> {
  const { application: principal, tenant, directory, issueToken } = identity;
  const resource = await findResource(audience, tenant.tenantId, directory);
  if (resource === undefined) throw new Error('no such resource');
  return (await issueToken({ principal, tenant, resource, audience: audienceOf(resource, audience) })).token;
}

const base64Url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('verifyToken', () => {
  it('accepts a token for its audience and says who sent it', async () => {
    const identity = await startIdentity();
    const { application, tenant, verifyToken } = identity;
    expect(await verifyToken(`Bearer ${await tokenFor(identity)}`, [arm, vault])).toEqual({
      outcome: 'valid',
      caller: {
        objectId: application.objectId,
        appId: application.appId,
        tenantId: tenant.tenantId,
        issuer: `https://sts.windows.net/${tenant.tenantId}/`,
        groupIds: [],
        displayName: 'ci',
      },
    });
  });

  it.each([undefined, '', 'Bearer', 'Bearer ', 'Basic YTpi', 'PoP x', 'x'])('finds no token in %j', async (header) => {
    expect(await (await startIdentity()).verifyToken(header, [vault])).toEqual({ outcome: 'missing' });
  });

  it('refuses another audience, a trailing slash included, and names the one it found', async () => {
    const identity = await startIdentity();
    const header = `Bearer ${await tokenFor(identity, 'https://vault.azure.net/')}`;
    expect(await identity.verifyToken(header, [vault])).toEqual({
      outcome: 'wrongAudience',
      found: 'https://vault.azure.net/',
    });
  });

  it('refuses a changed payload, another key, alg none, HS256 with our public key, an unknown kid', async () => {
    const identity = await startIdentity();
    const token = await tokenFor(identity);
    const [header = '', payload = '', signature = ''] = token.split('.');
    const claims = decodeJwt(token);
    const { signing, published } = await identity.signingKeys.load();
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const signed = (head: string): string =>
      `${head}.${payload}.${sign('sha256', Buffer.from(`${head}.${payload}`), stranger).toString('base64url')}`;
    const certificate = new X509Certificate(Buffer.from(published[0]?.certificate ?? '', 'base64'));
    const hmacHead = base64Url({ alg: 'HS256', typ: 'JWT', kid: signing.kid });
    const publicPem = certificate.publicKey.export({ type: 'spki', format: 'pem' });
    const hmac = createHmac('sha256', publicPem).update(`${hmacHead}.${payload}`).digest('base64url');
    const forged = [
      `${header}.${base64Url({ ...claims, oid: identity.managed.objectId })}.${signature}`,
      signed(header),
      `${base64Url({ alg: 'none', kid: signing.kid })}.${payload}.`,
      `${hmacHead}.${payload}.${hmac}`,
      signed(base64Url({ alg: 'RS256', kid: 'x'.repeat(27) })),
      signed(base64Url({ alg: 'RS256' })),
      signed(base64Url({ alg: 'PS256', kid: signing.kid })),
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      `${header}.${payload}.`,
    ];
    for (const bad of forged) {
      expect(await identity.verifyToken(`Bearer ${bad}`, [vault]), bad.slice(0, 60)).toEqual({
        outcome: 'badSignature',
      });
    }
    expect(await identity.verifyToken(`Bearer ${token}`, [vault])).toMatchObject({ outcome: 'valid' });
  });

  it('refuses a key that the token brings along', async () => {
    const identity = await startIdentity();
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { signing } = await identity.signingKeys.load();
    const head = base64Url({ alg: 'RS256', kid: signing.kid, jwk: publicKey.export({ format: 'jwk' }) });
    const payload = (await tokenFor(identity)).split('.')[1] ?? '';
    const forged = `${head}.${payload}.${sign('sha256', Buffer.from(`${head}.${payload}`), privateKey).toString('base64url')}`;
    expect(await identity.verifyToken(`Bearer ${forged}`, [vault])).toEqual({ outcome: 'badSignature' });
  });

  it('says malformed of oversize tokens and of critical headers it does not know', async () => {
    const identity = await startIdentity();
    const { signing } = await identity.signingKeys.load();
    const critical = `${base64Url({ alg: 'RS256', kid: signing.kid, crit: ['x'], x: 1 })}.e30.AAAA`;
    for (const bad of ['a', 'a.b', 'a.b.c', 'a.b.c.d.e', `${'a'.repeat(20_000)}.b.c`, critical]) {
      expect(await identity.verifyToken(`Bearer ${bad}`, [vault]), bad.slice(0, 20)).toEqual({ outcome: 'malformed' });
    }
  });

  it('never throws, whatever the header', async () => {
    const { verifyToken } = await startIdentity();
    const words = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.base64String());
    const header = fc.tuple(fc.constantFrom('Bearer ', 'bearer\t', 'Basic ', ''), fc.array(words, { maxLength: 4 }));
    await fc.assert(
      fc.asyncProperty(header, async ([scheme, parts]) => {
        const { outcome } = await verifyToken(scheme + parts.join('.'), [vault]);
        expect(['missing', 'malformed', 'badSignature']).toContain(outcome);
      }),
    );
  });
});

describe('verifyToken, of what our own key signed', () => {
  async function forge(identity: Identity, change: Record<string, unknown>): Promise<TokenVerdict> {
    const { signing } = await identity.signingKeys.load();
    const claims = { ...decodeJwt(await tokenFor(identity)), ...change };
    const token = await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'RS256', kid: signing.kid })
      .sign(signing.key);
    return identity.verifyToken(`Bearer ${token}`, [vault]);
  }

  it('refuses an issuer that is not the tenant of the token, or no tenant at all', async () => {
    const identity = await startIdentity();
    const { tenants, wall } = identity;
    const other = await tenants.create({ displayName: 'O', domains: [], hidden: false, createdAt: wall.now });
    const issuer = (tenantId: string): string => `https://sts.windows.net/${tenantId}/`;
    const nobody = '11111111-2222-4333-8444-555555555555';
    const cases = [
      { iss: issuer(other.tenantId) },
      { iss: `https://login.example/${identity.tenant.tenantId}/v2.0` },
      { iss: issuer(nobody), tid: nobody },
    ];
    for (const change of cases)
      expect(await forge(identity, change)).toEqual({ outcome: 'wrongIssuer', found: change.iss });
  });

  it('refuses a principal under another tenant than its own', async () => {
    const identity = await startIdentity();
    const { tenants, wall } = identity;
    const { tenantId } = await tenants.create({ displayName: 'O', domains: [], hidden: false, createdAt: wall.now });
    const change = { iss: `https://sts.windows.net/${tenantId}/`, tid: tenantId };
    expect(await forge(identity, change)).toEqual({ outcome: 'unknownPrincipal' });
  });

  it.each([{ oid: 'x' }, { tid: undefined }, { aud: ['a'] }, { exp: '9' }, { nbf: null }, { uti: 'short' }])(
    'says malformed of %j',
    async (change) => {
      expect(await forge(await startIdentity(), change)).toEqual({ outcome: 'malformed' });
    },
  );
});

describe('verifyToken, each time anew', () => {
  it('checks a signature once, everything else again', async () => {
    const identity = await startIdentity();
    const header = `Bearer ${await tokenFor(identity)}`;
    const verify = vi.spyOn(crypto.subtle, 'verify');
    try {
      for (let n = 0; n < 3; n++)
        expect(await identity.verifyToken(header, [vault])).toMatchObject({ outcome: 'valid' });
      expect(await identity.verifyToken(header, [arm])).toEqual({ outcome: 'wrongAudience', found: vault });
      expect(verify).toHaveBeenCalledTimes(1);
    } finally {
      verify.mockRestore();
    }
  });

  it('expires a token at exp, to the second', async () => {
    const identity = await startIdentity();
    const header = `Bearer ${await tokenFor(identity)}`;
    const start = Math.floor(identity.wall.now / 1000) * 1000;
    identity.wall.now = instant(start + 3_599_999);
    expect(await identity.verifyToken(header, [vault])).toMatchObject({ outcome: 'valid' });
    identity.wall.now = instant(start + 3_600_000);
    expect(await identity.verifyToken(header, [vault])).toEqual({ outcome: 'expired' });
    identity.wall.now = instant(start - 300_001);
    expect(await identity.verifyToken(header, [vault])).toEqual({ outcome: 'expired' });
  });

  it('expires what the fault says, but no token issued later', async () => {
    let before = instant(0);
    const identity = await startIdentity({ tokenExpiry: (issuedAt) => issuedAt < before });
    const old = `Bearer ${await tokenFor(identity)}`;
    expect(await identity.verifyToken(old, [vault])).toMatchObject({ outcome: 'valid' });
    before = instant(identity.wall.now + 1);
    expect(await identity.verifyToken(old, [vault])).toEqual({ outcome: 'expired' });
    identity.wall.now = instant(identity.wall.now + 1);
    expect(await identity.verifyToken(`Bearer ${await tokenFor(identity)}`, [vault])).toMatchObject({
      outcome: 'valid',
    });
  });

  it('refuses the token of a principal that was disabled or deleted since', async () => {
    const identity = await startIdentity();
    const { principals, application } = identity;
    const header = `Bearer ${await tokenFor(identity)}`;
    await principals.setEnabled(application.objectId, false);
    expect(await identity.verifyToken(header, [vault])).toEqual({ outcome: 'unknownPrincipal' });
    await principals.setEnabled(application.objectId, true);
    expect(await identity.verifyToken(header, [vault])).toMatchObject({ outcome: 'valid' });
    await principals.delete(application.objectId);
    expect(await identity.verifyToken(header, [vault])).toEqual({ outcome: 'unknownPrincipal' });
  });

  it('keeps tokens of the last key through one rotation and refuses them after the second', async () => {
    const identity = await startIdentity();
    const other = identity.newVerifier();
    const header = `Bearer ${await tokenFor(identity)}`;
    await identity.signingKeys.rotate();
    expect(await identity.verifyToken(header, [vault])).toMatchObject({ outcome: 'valid' });
    expect(await identity.verifyToken(`Bearer ${await tokenFor(identity)}`, [vault])).toMatchObject({
      outcome: 'valid',
    });
    await identity.signingKeys.rotate();
    expect(await identity.verifyToken(header, [vault])).toEqual({ outcome: 'badSignature' });
    expect(await other(header, [vault])).toEqual({ outcome: 'badSignature' });
  });

  it("expire after their time, wherever the machine's clock is set meanwhile", async () => {
    const host = new ManualHost(Date.UTC(2026, 4, 1, 12));
    const clock = new SystemClock({ host, onError: () => undefined });
    const identity = await startIdentity();
    identity.wall.now = clock.now();
    const header = `Bearer ${await tokenFor(identity)}`;
    const verdict = async () => {
      identity.wall.now = clock.now();
      return (await identity.verifyToken(header, [vault])).outcome;
    };
    host.jump(-2 * 3_600_000);
    await host.elapse(59 * 60_000);
    expect(await verdict()).toBe('valid');
    host.jump(-91 * 86_400_000);
    await host.elapse(31 * 60_000);
    expect(await verdict()).toBe('expired');
  });

  it('refuses tokens of another installation', async () => {
    const [identity, other] = await Promise.all([startIdentity(), startIdentity({ ownKeys: true })]);
    expect(await identity.verifyToken(`Bearer ${await tokenFor(other)}`, [vault])).toEqual({ outcome: 'badSignature' });
  });
});

describe('signing keys', () => {
  it('are the same for everyone who opens the state, also when two open it at once', async () => {
    const { signingKeys, ...rest } = await startIdentity({ ownKeys: true });
    const [first, second] = await Promise.all([signingKeys.load(), openSigningKeys(rest).load()]);
    expect(first.signing.kid).toBe(second.signing.kid);
    expect(first.published).toHaveLength(1);
    expect(first.signing.key.asymmetricKeyType).toBe('rsa');
    expect(first.signing.key.asymmetricKeyDetails).toMatchObject({ modulusLength: 2048 });
  });

  it('are published as a key set with which others verify tokens', async () => {
    const identity = await startIdentity();
    await identity.signingKeys.rotate();
    const { tenantId } = identity.tenant;
    const token = await tokenFor(identity);
    const document = JSON.stringify(keySetDocument(await identity.signingKeys.load(), 2, identity.tenant));
    const jwks = createLocalJWKSet(JSON.parse(document) as Parameters<typeof createLocalJWKSet>[0]);
    const { payload } = await jwtVerify(token, jwks, {
      issuer: `https://sts.windows.net/${tenantId}/`,
      audience: vault,
      currentDate: new Date(identity.wall.now),
    });
    expect(payload['tid']).toBe(tenantId);
    const { keys } = JSON.parse(document) as { keys: { x5c: string[]; n: string; kid: string }[] };
    expect(keys).toHaveLength(2);
    for (const { x5c, n, kid } of keys) {
      const certificate = new X509Certificate(Buffer.from(x5c[0] ?? '', 'base64'));
      expect(certificate.publicKey.export({ format: 'jwk' }).n).toBe(n);
      expect(Buffer.from(certificate.fingerprint.replaceAll(':', ''), 'hex').toString('base64url')).toBe(kid);
      expect(certificate.verify(certificate.publicKey)).toBe(true);
    }
    expect(document).not.toMatch(/"(d|p|q|dp|dq|qi)":/);
  });

  it('keep the private half of the newest generation only', async () => {
    const { signingKeys, state } = await startIdentity();
    await signingKeys.rotate();
    await signingKeys.rotate();
    const { signing, published } = await signingKeys.load();
    const kept = await state.list({ name: 'entraPrivateKey', parse: (value) => value });
    expect(kept.map((record) => record.id)).toEqual([signing.kid]);
    expect(published).toHaveLength(2);
  });
});

describe('tokens', () => {
  it('have the claims of a version 1 token, in order', async () => {
    const identity = await startIdentity();
    const { application, tenant } = identity;
    const token = await tokenFor(identity, arm);
    const seconds = Math.floor(identity.wall.now / 1000);
    const claims = decodeJwt(token);
    expect(claims).toMatchObject({
      aud: arm,
      iss: `https://sts.windows.net/${tenant.tenantId}/`,
      iat: seconds - 300,
      nbf: seconds - 300,
      exp: seconds + 3600,
      appid: application.appId,
      appidacr: '1',
      idp: `https://sts.windows.net/${tenant.tenantId}/`,
      idtyp: 'app',
      oid: application.objectId,
      sub: application.objectId,
      tid: tenant.tenantId,
      ver: '1.0',
      xms_tcdt: seconds,
    });
    expect(Object.keys(claims).join(' ')).toBe(
      'aud iss iat nbf exp aio appid appidacr idp idtyp oid rh sub tid uti ver xms_tcdt',
    );
    const { signing } = await identity.signingKeys.load();
    expect(decodeProtectedHeader(token)).toEqual({ typ: 'JWT', alg: 'RS256', x5t: signing.kid, kid: signing.kid });
    expect(token.length).toBeLessThan(2000);
  });

  it('have the claims of a version 2 token when the application that is asked for takes those', async () => {
    const identity = await startIdentity();
    const { principals, tenant } = identity;
    const api = await principals.create({
      tenantId: tenant.tenantId,
      displayName: 'api',
      kind: 'application',
      accessTokenVersion: 2,
    });
    const claims = decodeJwt(await tokenFor(identity, `api://${api.appId}`));
    expect(claims).toMatchObject({
      aud: api.appId,
      iss: `https://login.microsoftonline.com/${tenant.tenantId}/v2.0`,
      azpacr: '1',
      ver: '2.0',
    });
    expect(Object.keys(claims).join(' ')).toBe('aud iss iat nbf exp aio azp azpacr oid rh sub tid uti ver');
    // Its owner's own program takes them, with the keys that everybody may have; none of Microsoft's services does.
    const token = await tokenFor(identity, api.appId);
    const keys = JSON.stringify(keySetDocument(await identity.signingKeys.load(), 2, tenant));
    const about = {
      audience: api.appId,
      currentDate: new Date(identity.wall.now),
      ...(claims.iss && { issuer: claims.iss }),
    };
    const { payload } = await jwtVerify(token, createLocalJWKSet(JSON.parse(keys) as JSONWebKeySet), about);
    expect(payload['azp']).toBe(identity.application.appId);
    const verdict = await identity.verifyToken(`Bearer ${token}`, [api.appId]);
    expect(verdict).toEqual({ outcome: 'wrongIssuer', found: claims.iss });
  });

  it('name the resource of a managed identity, last a day, and differ each time', async () => {
    const { mintToken, managed, wall, verifyToken } = await startIdentity();
    const minted = [await mintToken(managed.objectId, vault), await mintToken(managed.objectId, vault)];
    const tokens = minted.map((one) => (one.outcome === 'token' ? one.token : ''));
    expect(tokens[0]).not.toBe(tokens[1]);
    const seconds = Math.floor(wall.now / 1000);
    expect(decodeJwt(tokens[0] ?? '')).toMatchObject({
      appidacr: '2',
      xms_mirid: managed.resourceId,
      exp: seconds + 86_400,
      aud: vault,
    });
    expect(minted[0]).toMatchObject({ expiresOn: (seconds + 86_400) * 1000 });
    expect(await verifyToken(`Bearer ${tokens[1] ?? ''}`, [vault])).toMatchObject({ outcome: 'valid' });
  });

  it('are not minted for a principal that is gone or disabled, or for an unknown audience', async () => {
    const { mintToken, managed, principals } = await startIdentity();
    expect(await mintToken(managed.objectId, 'https://nowhere.example')).toMatchObject({ outcome: 'refused' });
    await principals.setEnabled(managed.objectId, false);
    expect(await mintToken(managed.objectId, vault)).toMatchObject({ outcome: 'refused' });
    await principals.delete(managed.objectId);
    expect(await mintToken(managed.objectId, vault)).toMatchObject({ outcome: 'refused' });
  });

  it('have an id that tells the millisecond of issue', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (ms) => {
        expect(issueInstantOf(newTokenId(instant(ms), (length) => new Uint8Array(length)))).toBe(ms);
      }),
    );
  });
});
