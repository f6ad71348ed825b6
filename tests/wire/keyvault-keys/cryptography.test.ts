import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeyVaultKey } from '@azure/keyvault-keys';
import { failure, startOfTest, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

let vault: VaultFixture;
let key: KeyVaultKey;
beforeAll(async () => {
  vault = await startVaultFixture();
  vault.addVault('crypto');
  key = await vault.keyClient('crypto').createRsaKey('kek');
});
afterAll(() => vault.close());

const dayMs = 86_400_000;
const path = (operation: string, version = key.properties.version ?? ''): string =>
  `/keys/kek/${version}/${operation}?api-version=7.4`;

describe('wrapping and encrypting', () => {
  it('WrapKey, UnwrapKey: RSA-OAEP-256 goes to the vault both ways and says which version did it', async () => {
    const client = vault.cryptographyClient(key);
    const secret = randomBytes(32);
    vault.wire.length = 0;
    const wrapped = await client.wrapKey('RSA-OAEP-256', secret);
    expect(wrapped.keyID).toBe(key.id);
    expect(wrapped.result).toHaveLength(256);
    const unwrapped = await client.unwrapKey('RSA-OAEP-256', wrapped.result);
    expect(Buffer.from(unwrapped.result)).toEqual(secret);
    expect(unwrapped.keyID).toBe(key.id);
    const version = key.properties.version ?? '';
    expect(vault.wire).toEqual([
      `POST /keys/kek/${version}/wrapkey 401`,
      `POST /keys/kek/${version}/wrapkey 200`,
      `POST /keys/kek/${version}/unwrapkey 200`,
    ]);
  });

  it.each(['RSA-OAEP', 'RSA1_5'] as const)(
    'UnwrapKey: opens what the SDK wrapped locally with %s',
    async (algorithm) => {
      const client = vault.cryptographyClient(key);
      vault.wire.length = 0;
      const secret = randomBytes(32);
      const wrapped = await client.wrapKey(algorithm, secret);
      expect(vault.wire).toEqual([]);
      expect(Buffer.from((await client.unwrapKey(algorithm, wrapped.result)).result)).toEqual(secret);
    },
  );

  it.each(['RSA-OAEP', 'RSA-OAEP-256', 'RSA1_5'])('Encrypt, Decrypt: %s over plain HTTP', async (alg) => {
    const value = randomBytes(100).toString('base64url');
    const encrypted = await vault.raw('POST', path('encrypt'), { vault: 'crypto', body: { alg, value } });
    expect(encrypted.json).toMatchObject({ kid: key.id });
    const ciphertext = (encrypted.json as { value: string }).value;
    const decrypted = await vault.raw('POST', path('decrypt'), { vault: 'crypto', body: { alg, value: ciphertext } });
    expect(decrypted.status).toBe(200);
    expect(decrypted.json).toEqual({ kid: key.id, value });
    expect(decrypted.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(decrypted.headers['x-ms-keyvault-region']).toBe('westus2');
  });

  it('WrapKey: an empty version means the current one, also with the double slash of the SDKs', async () => {
    const client = vault.cryptographyClient(`https://crypto.vault.azure.net/keys/kek`);
    const wrapped = await client.wrapKey('RSA-OAEP-256', Buffer.from('secret'));
    expect(wrapped.keyID).toBe(key.id);
    const body = { alg: 'RSA-OAEP-256', value: Buffer.from('x').toString('base64url') };
    const reply = await vault.raw('POST', '//keys//KEK//WrapKey?API-Version=7.1', { vault: 'crypto', body });
    expect(reply.json).toMatchObject({ kid: key.id });
  });

  it('WrapKey: takes as many bytes as fit, and not one more', async () => {
    for (const [alg, most] of [
      ['RSA-OAEP', 214],
      ['RSA-OAEP-256', 190],
      ['RSA1_5', 245],
    ] as const) {
      const send = (bytes: number) =>
        vault.raw('POST', path('wrapkey'), {
          vault: 'crypto',
          body: { alg, value: Buffer.alloc(bytes, 1).toString('base64url') },
        });
      expect((await send(most)).status).toBe(200);
      const tooLong = await send(most + 1);
      expect([tooLong.status, tooLong.json]).toMatchObject([400, { error: { code: 'BadParameter' } }]);
    }
  });

  it('UnwrapKey: whatever is wrong with a ciphertext, the answer is the same', async () => {
    const wrapped = new Map<string, Buffer>();
    for (const alg of ['RSA-OAEP', 'RSA-OAEP-256', 'RSA1_5'] as const) {
      const { result } = await vault.cryptographyClient(key).wrapKey(alg, randomBytes(32));
      wrapped.set(alg, Buffer.from(result));
    }
    const refusal = {
      status: 400,
      body: '{"error":{"code":"BadParameter","message":"Unable to decrypt specified value with this key."}}',
    };
    const send = async (alg: string, ciphertext: Uint8Array) => {
      const value = Buffer.from(ciphertext).toString('base64url');
      const { status, body } = await vault.raw('POST', path('unwrapkey'), { vault: 'crypto', body: { alg, value } });
      return { status, body };
    };
    for (const [alg, good] of wrapped) {
      expect(await send(alg, good.subarray(1))).toEqual(refusal);
      expect(await send(alg, Buffer.concat([Buffer.from([0]), good]))).toEqual(refusal);
      expect(await send(alg, Buffer.alloc(256, 0xff))).toEqual(refusal);
      expect(await send(alg, Buffer.from([1]))).toEqual(refusal);
      expect(await send(alg, Buffer.alloc(256))).toEqual(refusal);
    }
    // A changed RSA1_5 ciphertext is well padded once in some 30,000 times; with OAEP never.
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('RSA-OAEP', 'RSA-OAEP-256'),
        fc.nat(255),
        fc.integer({ min: 1, max: 255 }),
        async (alg, at, change) => {
          const ciphertext = Buffer.from(wrapped.get(alg) ?? []);
          ciphertext[at] = (ciphertext[at] ?? 0) ^ change;
          expect(await send(alg, ciphertext)).toEqual(refusal);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('when a key must not be used', () => {
  const use = async (operation: string, value = Buffer.alloc(16, 1)) =>
    vault.raw('POST', path(operation, ''), {
      vault: 'crypto',
      body: { alg: 'RSA-OAEP-256', value: value.toString('base64url') },
    });
  const refused = (operation: string, inner: string, text: string) => ({
    status: 403,
    json: { error: { code: 'Forbidden', message: text.replace('{op}', operation), innererror: { code: inner } } },
  });
  const inUrl = (operation: string): string => operation.toLowerCase();

  it('WrapKey, UnwrapKey, Encrypt, Decrypt: a disabled key does nothing, and works again when enabled', async () => {
    const client = vault.keyClient('crypto');
    await client.updateKeyProperties('kek', { enabled: false });
    for (const operation of ['wrapKey', 'unwrapKey', 'encrypt', 'decrypt']) {
      expect(await use(inUrl(operation))).toMatchObject(
        refused(operation, 'KeyDisabled', 'Operation {op} is not allowed on a disabled key.'),
      );
    }
    expect((await client.getKey('kek')).properties.enabled).toBe(false);
    await client.updateKeyProperties('kek', { enabled: true });
    expect((await use('wrapkey')).status).toBe(200);
  });

  it('WrapKey, UnwrapKey: key_ops decide for each operation on its own', async () => {
    const client = vault.keyClient('crypto');
    await client.updateKeyProperties('kek', { keyOps: ['wrapKey', 'decrypt'] });
    expect((await use('wrapkey')).status).toBe(200);
    for (const operation of ['unwrapKey', 'encrypt']) {
      expect(await use(inUrl(operation))).toMatchObject(
        refused(operation, 'KeyOperationForbidden', 'Operation {op} is not permitted on this key.'),
      );
    }
    expect(await use('decrypt')).toMatchObject({ status: 400 });
    await client.updateKeyProperties('kek', { keyOps: ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey'] });
  });

  it('WrapKey refuses outside the dates of a key; UnwrapKey goes on', async () => {
    const client = vault.keyClient('crypto');
    const { result } = await vault.cryptographyClient(key).wrapKey('RSA-OAEP-256', Buffer.from('still there'));
    const unwrap = () => use('unwrapkey', Buffer.from(result));
    await client.updateKeyProperties('kek', {
      notBefore: new Date(startOfTest + dayMs),
      expiresOn: new Date(startOfTest + 2 * dayMs),
    });
    expect(await use('wrapkey')).toMatchObject({
      status: 403,
      json: { error: { innererror: { code: 'KeyNotYetValid' } } },
    });
    expect((await unwrap()).status).toBe(200);
    await vault.clock.advance(dayMs);
    expect((await use('wrapkey')).status).toBe(200);
    await vault.clock.advance(dayMs);
    expect(await use('encrypt')).toMatchObject({
      status: 403,
      json: { error: { innererror: { code: 'KeyExpired' } } },
    });
    expect((await unwrap()).status).toBe(200);
  });

  it('UnwrapKey: an old version opens what it wrapped after a newer one has come', async () => {
    const client = vault.keyClient('crypto');
    const first = await client.createRsaKey('rotated');
    const { result } = await vault.cryptographyClient(first).wrapKey('RSA-OAEP-256', Buffer.from('old'));
    await client.createRsaKey('rotated');
    const opened = await vault.cryptographyClient(first).unwrapKey('RSA-OAEP-256', result);
    expect(Buffer.from(opened.result).toString()).toBe('old');
  });

  it('UnwrapKey: a deleted key is 404, and opens again when recovered', async () => {
    const client = vault.keyClient('crypto');
    const doomed = await client.createRsaKey('doomed');
    const user = vault.cryptographyClient(doomed);
    const { result } = await user.wrapKey('RSA-OAEP-256', Buffer.from('kept'));
    await (await client.beginDeleteKey('doomed', { intervalInMs: 1 })).pollUntilDone();
    expect((await failure(user.unwrapKey('RSA-OAEP-256', result))).code).toBe('KeyNotFound');
    await (await client.beginRecoverDeletedKey('doomed', { intervalInMs: 1 })).pollUntilDone();
    expect(Buffer.from((await user.unwrapKey('RSA-OAEP-256', result)).result).toString()).toBe('kept');
  });
});
