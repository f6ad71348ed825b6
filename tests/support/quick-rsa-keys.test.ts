import { spawnSync } from 'node:child_process';
import { constants, createPrivateKey, privateDecrypt, publicEncrypt, webcrypto } from 'node:crypto';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { takeKeptPair } from './kept-primes.cjs';
import { quickRsaKeys } from './quick-rsa-keys.ts';

it('quick RSA keys are whole, of the length that was asked for, and each another one', async () => {
  const sizes = Array.from({ length: 16 }, (_each, index) => (index % 4 === 3 ? 3072 : 2048));
  const pairs = await Promise.all(sizes.map((bits) => quickRsaKeys.ofVaults(bits)));
  expect(new Set(pairs.map(({ n }) => n)).size).toBe(16);
  for (const [index, { n, privateKey }] of pairs.entries()) {
    expect(Buffer.from(n, 'base64url').length).toBe((sizes[index] ?? 0) / 8);
    const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64url'), format: 'der', type: 'pkcs8' });
    const text = Buffer.from('a key');
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    expect(privateDecrypt({ key, padding }, publicEncrypt({ key, padding }, text))).toEqual(text);
  }
  const { privateKey, publicKey } = await quickRsaKeys.ofTokens();
  const signature = await webcrypto.subtle.sign('RSASSA-PKCS1-v1_5', privateKey, Buffer.from('a token'));
  expect(await webcrypto.subtle.verify('RSASSA-PKCS1-v1_5', publicKey, signature, Buffer.from('a token'))).toBe(true);
});

it('no two keys of a run are of the same two primes, whichever processes make them', () => {
  // Nothing but the files that all processes see tells which are taken. Without them 300 of 7,140 pairs were all different in one of 500 runs.
  const pairs = Array.from({ length: 300 }, () => takeKeptPair(2048));
  expect(pairs).not.toContain(undefined);
  expect(new Set(pairs.map((pair) => pair?.join(' '))).size).toBe(300);
});

it('a program that is started with quick RSA keys has whole ones, and all others as they are', () => {
  const preload = join(import.meta.dirname, 'quick-rsa-preload.cjs');
  const program = `
    import { constants, generateKeyPair, privateDecrypt, publicEncrypt, webcrypto } from 'node:crypto';
    import { promisify } from 'node:util';
    const generate = promisify(generateKeyPair);
    const found = [];
    for (const bits of [2048, 3072, 4096]) {
      const { publicKey, privateKey } = await generate('rsa', { modulusLength: bits });
      const text = Buffer.from('a key');
      found.push(publicKey.asymmetricKeyDetails.modulusLength, privateDecrypt(privateKey, publicEncrypt(publicKey, text)).equals(text));
    }
    found.push((await generate('ec', { namedCurve: 'P-256' })).publicKey.asymmetricKeyType);
    found.push(await new Promise((done) => generateKeyPair('rsa', { modulusLength: 2048 }, (error, publicKey) => done(publicKey.asymmetricKeyType))));
    const { subtle } = webcrypto;
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
    const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const text = Buffer.from('a token');
    found.push(await subtle.verify(algorithm.name, keys.publicKey, await subtle.sign(algorithm.name, keys.privateKey, text), text));
    found.push((await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])).privateKey.type);
    console.log(JSON.stringify(found));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--require', preload, '--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([2048, true, 3072, true, 4096, true, 'ec', 'rsa', true, 'private']);
});
