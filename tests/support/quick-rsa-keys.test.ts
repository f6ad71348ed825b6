import { constants, createPrivateKey, privateDecrypt, publicEncrypt, webcrypto } from 'node:crypto';
import { expect, it } from 'vitest';
import { quickRsaKeys } from './quick-rsa-keys.ts';

it('quick RSA keys are whole, of the length that was asked for, and each another one', async () => {
  const pairs = await Promise.all(Array.from({ length: 12 }, () => quickRsaKeys.ofVaults(2048)));
  expect(new Set(pairs.map(({ n }) => n)).size).toBe(12);
  for (const { n, privateKey } of pairs) {
    expect(Buffer.from(n, 'base64url').length).toBe(256);
    const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64url'), format: 'der', type: 'pkcs8' });
    const text = Buffer.from('a key');
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    expect(privateDecrypt({ key, padding }, publicEncrypt({ key, padding }, text))).toEqual(text);
  }
  const { privateKey, publicKey } = await quickRsaKeys.ofTokens();
  const signature = await webcrypto.subtle.sign('RSASSA-PKCS1-v1_5', privateKey, Buffer.from('a token'));
  expect(await webcrypto.subtle.verify('RSASSA-PKCS1-v1_5', publicKey, signature, Buffer.from('a token'))).toBe(true);
});
