import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeyVaultKey } from '@azure/keyvault-keys';
import { startOfTest, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

let vault: VaultFixture;
const keys = new Map<string, KeyVaultKey>();
beforeAll(async () => {
  vault = await startVaultFixture();
  vault.addVault('signer');
  vault.addVault('premium', { sku: 'premium' });
  const client = vault.keyClient('signer');
  keys.set('RSA', await client.createRsaKey('rsa'));
  for (const curve of ['P-256', 'P-256K', 'P-384', 'P-521'])
    keys.set(curve, await client.createEcKey(`ec-${curve}`, { curve }));
});
afterAll(() => vault.close());

const algorithms = [
  ['RS256', 'RSA', 'sha256'],
  ['RS384', 'RSA', 'sha384'],
  ['RS512', 'RSA', 'sha512'],
  ['PS256', 'RSA', 'sha256'],
  ['PS384', 'RSA', 'sha384'],
  ['PS512', 'RSA', 'sha512'],
  ['ES256', 'P-256', 'sha256'],
  ['ES256K', 'P-256K', 'sha256'],
  ['ES384', 'P-384', 'sha384'],
  ['ES512', 'P-521', 'sha512'],
] as const;

const keyNamed = (name: string): KeyVaultKey => {
  const key = keys.get(name);
  if (key === undefined) throw new Error(`no key ${name}`);
  return key;
};
const post = (key: KeyVaultKey, operation: string, body: unknown, host = 'signer') =>
  vault.raw('POST', `/keys/${key.name}/${operation}?api-version=7.4`, { vault: host, body });

describe('Sign, Verify', () => {
  it.each(algorithms)('%s: what the vault signs, it and others verify', async (algorithm, kind, hash) => {
    const key = keyNamed(kind);
    const client = vault.cryptographyClient(key);
    const text = randomBytes(50);
    const digest = createHash(hash).update(text).digest();
    const { result, keyID } = await client.sign(algorithm, digest);
    expect(keyID).toBe(key.id);
    vault.wire.length = 0;
    expect((await client.verify(algorithm, digest, result)).result).toBe(true);
    // The SDK verifies texts by itself where it can, and takes PS for RS there.
    if (!algorithm.startsWith('PS')) {
      const signed = await client.signData(algorithm, text);
      expect((await client.verifyData(algorithm, text, signed.result)).result).toBe(true);
    }
    const tampered = Uint8Array.from(result);
    tampered[40] = (tampered[40] ?? 0) ^ 1;
    expect((await client.verify(algorithm, digest, tampered)).result).toBe(false);
    const other = createHash(hash).update('another').digest();
    expect((await client.verify(algorithm, other, result)).result).toBe(false);
    expect(vault.wire).toContain(`POST /keys/${key.name}/${key.properties.version ?? ''}/verify 200`);
  });

  it('ES256: signatures are r and s side by side, as JWS has them', async () => {
    const key = keyNamed('P-256');
    const [x, y] = [key.key?.x, key.key?.y].map((part) => Buffer.from(part ?? []).toString('base64url'));
    const jwk = { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' };
    const text = randomBytes(50);
    const { result } = await vault.cryptographyClient(key).signData('ES256', text);
    const publicKey = { key: createPublicKey({ format: 'jwk', key: jwk }), dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha256', text, publicKey, result)).toBe(true);
  });

  it('RSNULL: signs what says itself what it is, up to the room that padding leaves', async () => {
    const key = keyNamed('RSA');
    const digest = randomBytes(100).toString('base64url');
    const signed = await post(key, 'sign', { alg: 'RSNULL', value: digest });
    const { value } = signed.json as { value: string };
    expect((await post(key, 'verify', { alg: 'RSNULL', digest, value })).json).toEqual({ value: true });
    const tooLong = randomBytes(246).toString('base64url');
    expect(await post(key, 'sign', { alg: 'RSNULL', value: tooLong })).toMatchObject({ status: 400 });
  });

  it.each([
    ['RS256', 'RSA', 20, 32],
    ['RS384', 'RSA', 32, 48],
    ['ES512', 'P-521', 66, 64],
  ] as const)('%s with a %s key: a digest of %i bytes is refused', async (alg, kind, bytes, needed) => {
    const key = keyNamed(kind);
    const value = randomBytes(bytes).toString('base64url');
    const refusal = (property: string) => ({
      status: 400,
      json: {
        error: {
          code: 'BadParameter',
          message: `Invalid length of '${property}': ${bytes} bytes. ${alg} requires ${needed} bytes, encoded with base64url.`,
        },
      },
    });
    expect(await post(key, 'sign', { alg, value })).toMatchObject(refusal('value'));
    expect(await post(key, 'verify', { alg, digest: value, value })).toMatchObject(refusal('digest'));
  });

  it('an algorithm of another curve or type of key is refused', async () => {
    const value = randomBytes(32).toString('base64url');
    const curve = keyNamed('P-256K');
    expect((await post(curve, 'sign', { alg: 'ES256', value })).json).toEqual({
      error: {
        code: 'BadParameter',
        message: `Key and signing algorithm are incompatible. Key ${curve.id ?? ''} uses curve 'P-256K', and algorithm 'ES256' can only be used with curve 'P-256'.`,
      },
    });
    for (const [kind, alg] of [
      ['RSA', 'ES256'],
      ['P-256', 'RS256'],
      ['P-256', 'HS256'],
      ['RSA', 'RSA-OAEP'],
      ['RSA', 'constructor'],
    ] as const)
      expect(await post(keyNamed(kind), 'sign', { alg, value })).toMatchObject({
        status: 400,
        json: { error: { code: 'BadParameter' } },
      });
  });

  it('the digest to verify is required, and base64url as plain base64 is taken', async () => {
    const key = keyNamed('P-256');
    const digest = Buffer.alloc(32, 0xfb);
    const signed = await post(key, 'sign', { alg: 'ES256', value: digest.toString('base64') });
    const value = Buffer.from((signed.json as { value: string }).value, 'base64url').toString('base64');
    const verified = await post(key, 'verify', { alg: 'ES256', digest: digest.toString('base64'), value });
    expect(verified.json).toEqual({ value: true });
    expect(await post(key, 'verify', { alg: 'ES256', value })).toMatchObject({ status: 400 });
    for (const bad of [7, '*', {}])
      expect(await post(key, 'verify', { alg: 'ES256', digest: bad, value })).toMatchObject({ status: 400 });
  });

  it('a disabled key does neither, an expired one verifies, and key_ops decide for each', async () => {
    const client = vault.keyClient('signer');
    const key = await client.createEcKey('limited');
    const value = randomBytes(32).toString('base64url');
    const signed = (await post(key, 'sign', { alg: 'ES256', value })).json as { value: string };
    const check = { alg: 'ES256', digest: value, value: signed.value };
    await client.updateKeyProperties('limited', { enabled: false });
    for (const [operation, body] of [
      ['sign', { alg: 'ES256', value }],
      ['verify', check],
    ] as const)
      expect(await post(key, operation, body)).toMatchObject({
        status: 403,
        json: { error: { message: `Operation ${operation} is not allowed on a disabled key.` } },
      });
    await client.updateKeyProperties('limited', { enabled: true, expiresOn: new Date(startOfTest - 1000) });
    expect(await post(key, 'sign', { alg: 'ES256', value })).toMatchObject({ status: 403 });
    expect((await post(key, 'verify', check)).json).toEqual({ value: true });
    await client.updateKeyProperties('limited', { keyOps: ['sign'] });
    expect(await post(key, 'verify', check)).toMatchObject({
      status: 403,
      json: { error: { innererror: { code: 'KeyOperationForbidden' } } },
    });
  });
});

describe('EC keys', () => {
  it.each(['P-256', 'P-256K', 'P-384', 'P-521'] as const)('CreateKey: %s, for signing', async (curve) => {
    const { body } = await vault.raw('GET', `/keys/ec-${curve}?api-version=7.0`, { vault: 'signer' });
    const { key } = JSON.parse(body) as { key: Record<string, unknown> };
    expect(Object.keys(key)).toEqual(['kid', 'kty', 'key_ops', 'crv', 'x', 'y']);
    expect(key).toMatchObject({ kty: 'EC', key_ops: ['sign', 'verify'], crv: curve });
    const bytes = { 'P-256': 32, 'P-256K': 32, 'P-384': 48, 'P-521': 66 }[curve];
    expect(Buffer.from(String(key['x']), 'base64url')).toHaveLength(bytes);
    expect(Buffer.from(String(key['y']), 'base64url')).toHaveLength(bytes);
  });

  it('CreateKey: is P-256 unless said otherwise, and refuses what does not fit a curve', async () => {
    expect((await vault.keyClient('signer').createKey('plain', 'EC')).key?.crv).toBe('P-256');
    for (const body of [
      { kty: 'EC', crv: 'SECP256K1' },
      { kty: 'EC', crv: 'toString' },
      { kty: 'EC', key_size: 2048 },
      { kty: 'EC', crv: 'P-384', key_size: 256 },
      { kty: 'EC', public_exponent: 65537 },
      { kty: 'EC', key_ops: ['wrapKey'] },
      { kty: 'RSA', crv: 'P-256' },
      { kty: 'oct' },
    ])
      expect(await vault.raw('POST', '/keys/odd/create?api-version=7.4', { vault: 'signer', body })).toMatchObject({
        status: 400,
        json: { error: { code: 'BadParameter' } },
      });
  });

  it('UpdateKey: an EC key never wraps', async () => {
    const body = { key_ops: ['sign', 'unwrapKey'] };
    const path = '/keys/ec-P-256?api-version=7.4';
    expect(await vault.raw('PATCH', path, { vault: 'signer', body })).toMatchObject({ status: 400 });
    for (const operation of ['wrapkey', 'unwrapkey', 'encrypt', 'decrypt'])
      expect(await post(keyNamed('P-256'), operation, { alg: 'RSA-OAEP', value: 'AAAA' })).toMatchObject({
        status: 403,
        json: { error: { innererror: { code: 'KeyOperationForbidden' } } },
      });
  });
});

describe('keys of an HSM', () => {
  it.each([
    ['RSA-HSM', 'wrapKey'],
    ['EC-HSM', 'sign'],
  ] as const)('%s: a premium vault makes one and says that it is in software', async (kty, operation) => {
    const body = { kty };
    const create = (host: string, apiVersion: string) =>
      vault.raw('POST', `/keys/hsm/create?api-version=${apiVersion}`, { vault: host, body });
    expect(await create('signer', '7.4')).toMatchObject({
      status: 403,
      json: { error: { code: 'Forbidden', message: 'Hardware key operation not allowed on standard vault' } },
    });
    const made = (await create('premium', '2025-07-01')).json as { key: { kty: string; key_ops: string[] } };
    expect(made).toMatchObject({ key: { kty }, attributes: { hsmPlatform: '0' } });
    if (kty === 'RSA-HSM') expect(made).toMatchObject({ key: { e: 'AAEAAQ' } });
    expect(made.key.key_ops).toContain(operation);
    expect((await create('premium', '7.4')).body).not.toContain('hsmPlatform');
  });

  it('RSA-HSM: wraps and signs as any other key', async () => {
    const key = await vault.keyClient('premium').createRsaKey('kek', { hsm: true });
    const client = vault.cryptographyClient(key);
    const secret = randomBytes(32);
    const { result } = await client.wrapKey('RSA-OAEP-256', secret);
    expect(Buffer.from((await client.unwrapKey('RSA-OAEP-256', result)).result)).toEqual(secret);
    const digest = randomBytes(32);
    const signed = await client.sign('RS256', digest);
    expect((await client.verify('RS256', digest, signed.result)).result).toBe(true);
  });
});
