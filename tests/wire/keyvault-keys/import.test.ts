import {
  createCipheriv,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
  sign,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonWebKey as VaultJwk } from '@azure/keyvault-keys';
import { failure, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

let vault: VaultFixture;
beforeAll(async () => {
  vault = await startVaultFixture();
  vault.addVault('importer');
  vault.addVault('premium', { sku: 'premium' });
});
afterAll(() => vault.close());

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaJwk = rsa.privateKey.export({ format: 'jwk' });

/** As the SDK wants it: bytes. */
const asBytes = (jwk: Record<string, unknown>): VaultJwk => {
  const parts = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi', 'x', 'y'];
  return Object.fromEntries(
    Object.entries(jwk).map(([name, value]) => [
      name,
      parts.includes(name) ? Buffer.from(String(value), 'base64url') : value,
    ]),
  );
};
const put = (body: unknown, host = 'importer') =>
  vault.raw('PUT', '/keys/imported?api-version=7.4', { vault: host, body });
const flipped = (text: string | undefined): string => {
  const bytes = Buffer.from(text ?? '', 'base64url');
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  return bytes.toString('base64url');
};

describe('ImportKey', () => {
  it('RSA: the vault unwraps and signs with the key that was made elsewhere, and never shows it', async () => {
    const keyOps = ['wrapKey', 'unwrapKey', 'sign'];
    const key = await vault.keyClient('importer').importKey('mine', { ...asBytes(rsaJwk), kty: 'RSA', keyOps });
    expect(key.keyOperations).toEqual(keyOps);
    expect(Buffer.from(key.key?.n ?? []).toString('base64url')).toBe(rsaJwk.n);
    const client = vault.cryptographyClient(key);
    const secret = randomBytes(32);
    const wrapped = publicEncrypt({ key: rsa.publicKey, oaepHash: 'sha256' }, secret);
    expect(Buffer.from((await client.unwrapKey('RSA-OAEP-256', wrapped)).result)).toEqual(secret);
    const text = randomBytes(20);
    expect(Buffer.from((await client.signData('RS256', text)).result)).toEqual(sign('sha256', text, rsa.privateKey));
    const { body } = await vault.raw('GET', '/keys/mine?api-version=7.4', { vault: 'importer' });
    for (const part of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const) expect(body).not.toContain(rsaJwk[part]);
  });

  it.each([
    ['P-256', 'prime256v1', 'ES256', 'sha256'],
    ['P-256K', 'secp256k1', 'ES256K', 'sha256'],
    ['P-384', 'secp384r1', 'ES384', 'sha384'],
    ['P-521', 'secp521r1', 'ES512', 'sha512'],
  ] as const)('EC, %s: signs, and takes what was signed elsewhere', async (crv, namedCurve, alg, hash) => {
    const pair = generateKeyPairSync('ec', { namedCurve });
    const jwk = { ...pair.privateKey.export({ format: 'jwk' }), crv };
    // Some clients leave out zeros in front, others write one too many.
    const shorter = {
      ...jwk,
      x: Buffer.concat([Buffer.alloc(1), Buffer.from(jwk.x ?? '', 'base64url')]).toString('base64url'),
    };
    const body = { key: shorter, tags: { made: 'elsewhere' }, attributes: { enabled: true } };
    const made = await put(body);
    expect(made).toMatchObject({ status: 200, json: { key: { kty: 'EC', crv, x: jwk.x, y: jwk.y }, tags: body.tags } });
    const text = randomBytes(20);
    const signature = sign(hash, text, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
    const client = vault.cryptographyClient((made.json as { key: { kid: string } }).key.kid);
    const digest = createHash(hash).update(text).digest();
    expect((await client.verify(alg, digest, signature)).result).toBe(true);
    expect((await client.verify(alg, digest, (await client.sign(alg, digest)).result)).result).toBe(true);
  });

  it('a name that is there gets a new version; one that is deleted is refused', async () => {
    const client = vault.keyClient('importer');
    const first = await client.createRsaKey('twice');
    const second = await client.importKey('twice', asBytes({ ...rsaJwk, kty: 'RSA' }));
    expect(second.properties.version).not.toBe(first.properties.version);
    expect((await client.getKey('twice')).properties.version).toBe(second.properties.version);
    await (await client.beginDeleteKey('twice', { intervalInMs: 1 })).pollUntilDone();
    expect(await failure(client.importKey('twice', asBytes({ ...rsaJwk, kty: 'RSA' })))).toMatchObject({
      statusCode: 409,
    });
  });

  it('parts that do not belong together, of a size or type that is none, or missing, are refused', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' });
    const odd = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey.export({
      format: 'jwk',
    });
    for (const key of [
      ...(['d', 'p', 'q', 'n'] as const).map((part) => ({ ...rsaJwk, [part]: flipped(rsaJwk[part]) })),
      ...(['d', 'p', 'qi'] as const).map((part) => ({ ...rsaJwk, [part]: undefined })),
      { ...rsaJwk, p: 'B'.repeat(400_000) },
      { ...ec, d: other.d },
      { ...ec, x: flipped(ec.x) },
      { ...ec, d: undefined },
      { ...ec, d: 'AA' },
      { ...ec, d: Buffer.alloc(32, 0xff).toString('base64url') },
      { ...ec, crv: 'P-384' },
      { ...ec, crv: 'secp256k1' },
      { ...rsaJwk, kty: 'oct' },
      { ...rsaJwk, d: 7 },
      { ...ec, key_ops: ['wrapKey'] },
      { ...rsaJwk, kty: 'EC' },
      small,
      odd,
      'key',
      undefined,
    ]) {
      const refused = await put({ key });
      expect([JSON.stringify({ key }).slice(0, 40), refused.status, refused.json]).toMatchObject([
        expect.anything() as unknown,
        400,
        { error: { code: 'BadParameter' } },
      ]);
    }
    expect(await put({ key: { ...rsaJwk, d: flipped(rsaJwk.d), p: flipped(rsaJwk.p) } })).toMatchObject({
      json: { error: { message: 'RSA key is not valid - cannot instantiate crypto service' } },
    });
  });

  it('for an HSM: a premium vault only', async () => {
    expect(await put({ key: rsaJwk, Hsm: true })).toMatchObject({
      status: 403,
      json: { error: { code: 'Forbidden', message: 'Hardware key operation not allowed on standard vault' } },
    });
    expect(await put({ key: rsaJwk, Hsm: true }, 'premium')).toMatchObject({ json: { key: { kty: 'RSA-HSM' } } });
    expect(await put({ key: { kty: 'RSA-HSM', key_hsm: 'AAAA' } }, 'premium')).toMatchObject({ status: 400 });
    expect(await put({ key: { kty: 'RSA-HSM', key_hsm: 'AAAA' } })).toMatchObject({ status: 403 });
  });
});

describe('ImportKey of a key that was wrapped for the vault (BYOK)', () => {
  /** The blob that a tool of an HSM makes: CKM_RSA_AES_KEY_WRAP of PKCS #11. */
  const blobFor = (exchangeKey: VaultKey, key: KeyObject, enc = 'CKM_RSA_AES_KEY_WRAP'): string => {
    const { n, e, kid } = exchangeKey;
    const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'RSA', n, e } });
    const aesKey = randomBytes(32);
    const cipher = createCipheriv('id-aes256-wrap-pad', aesKey, Buffer.from('a65959a6', 'hex'));
    const der = key.export({ format: 'der', type: 'pkcs8' });
    const ciphertext = Buffer.concat([
      publicEncrypt({ key: publicKey, oaepHash: 'sha1' }, aesKey),
      cipher.update(der),
      cipher.final(),
    ]).toString('base64url');
    const blob = { schema_version: '1.0.0', header: { kid, alg: 'dir', enc }, ciphertext, generator: 'a test' };
    return Buffer.from(JSON.stringify(blob)).toString('base64url');
  };
  interface VaultKey {
    readonly kid: string;
    readonly n: string;
    readonly e: string;
  }
  const create = async (name: string, key_ops: readonly string[]): Promise<VaultKey> => {
    const made = await vault.raw('POST', `/keys/${name}/create?api-version=7.4`, {
      vault: 'premium',
      body: { kty: 'RSA-HSM', key_ops },
    });
    expect(made.json).toMatchObject({ key: { kty: 'RSA-HSM', key_ops } });
    return (made.json as { key: VaultKey }).key;
  };

  it('RSA and EC: they work as what they were elsewhere', async () => {
    const exchangeKey = await create('exchange', ['import']);
    expect(
      await put({ key: { kty: 'RSA-HSM', key_hsm: blobFor(exchangeKey, rsa.privateKey) } }, 'premium'),
    ).toMatchObject({ status: 200, json: { key: { kty: 'RSA-HSM', n: rsaJwk.n } } });
    const secret = randomBytes(32);
    const wrapped = publicEncrypt({ key: rsa.publicKey, oaepHash: 'sha256' }, secret);
    const key = await vault.keyClient('premium').getKey('imported');
    expect(Buffer.from((await vault.cryptographyClient(key).unwrapKey('RSA-OAEP-256', wrapped)).result)).toEqual(
      secret,
    );

    const ec = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    const { x } = ec.privateKey.export({ format: 'jwk' });
    const body = { key: { kty: 'EC-HSM', key_hsm: blobFor(exchangeKey, ec.privateKey) } };
    expect(await put(body, 'premium')).toMatchObject({
      status: 200,
      json: { key: { kty: 'EC-HSM', crv: 'P-384', x } },
    });
  });

  it('refuses keys to wrap with that are not for it, and blobs that are none', async () => {
    const exchangeKey = await create('exchange2', ['import']);
    const good = blobFor(exchangeKey, rsa.privateKey);
    const wrapKey = await create('wrapping', ['wrapKey', 'unwrapKey']);
    const { json } = await put({ key: { kty: 'RSA-HSM', key_hsm: blobFor(wrapKey, rsa.privateKey) } }, 'premium');
    expect(json).toMatchObject({ error: { innererror: { code: 'KeyOperationForbidden' } } });
    const nowhere = { ...exchangeKey, kid: exchangeKey.kid.replace('exchange2', 'nobody') };
    expect(await put({ key: { kty: 'RSA-HSM', key_hsm: blobFor(nowhere, rsa.privateKey) } }, 'premium')).toMatchObject({
      status: 404,
    });
    const elsewhere = { ...exchangeKey, kid: exchangeKey.kid.replace('premium', 'importer') };
    for (const [at, key] of [
      { kty: 'EC-HSM', key_hsm: good },
      { kty: 'RSA', key_hsm: good },
      { kty: 'RSA-HSM', key_hsm: 7 },
      { kty: 'RSA-HSM', key_hsm: good.slice(0, -40) },
      { kty: 'RSA-HSM', key_hsm: blobFor(elsewhere, rsa.privateKey) },
      { kty: 'RSA-HSM', key_hsm: blobFor({ ...exchangeKey, n: String(rsaJwk.n) }, rsa.privateKey) },
      { kty: 'RSA-HSM', key_hsm: blobFor(exchangeKey, rsa.privateKey, 'A256GCM') },
    ].entries()) {
      expect([at, (await put({ key }, 'premium')).status]).toEqual([at, 400]);
    }
    const used = await vault.raw('POST', '/keys/exchange2/wrapkey?api-version=7.4', {
      vault: 'premium',
      body: { alg: 'RSA-OAEP', value: 'AAAA' },
    });
    expect(used.json).toMatchObject({ error: { innererror: { code: 'KeyOperationForbidden' } } });
  });

  it.each([
    ['premium', { kty: 'RSA-HSM', key_ops: ['import', 'wrapKey'] }],
    ['premium', { kty: 'EC-HSM', key_ops: ['import'] }],
    ['importer', { kty: 'RSA', key_ops: ['import'] }],
  ])('no key imports that could do more, or is of no HSM (%s, %j)', async (host, body) => {
    const refused = await vault.raw('POST', '/keys/x/create?api-version=7.4', { vault: host, body });
    expect(refused).toMatchObject({ status: 400, json: { error: { code: 'BadParameter' } } });
  });
});
