import { constants, createPrivateKey, privateDecrypt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { decryptFor, encryptFor, encryptionAlgorithms } from './rsa-algorithms.ts';
import { parseRsaPrivateKey } from './private-keys.ts';
import { unpadPkcs1 } from './pkcs1-unpadding.ts';
import { RsaThreads } from './rsa-threads.ts';

/** Made by Project Wycheproof; see vectors/wycheproof/README.md. */
interface VectorFile {
  readonly testGroups: readonly {
    readonly privateKeyPkcs8: string;
    readonly keySize: number;
    readonly privateKeyJwk?: { readonly n: string; readonly e: string };
    readonly tests: readonly Vector[];
  }[];
}
interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly msg: string;
  readonly ct: string;
  readonly label?: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

const threads = new RsaThreads(join(import.meta.dirname, '..', '..', '..', 'dist', 'rsa-thread.js'));
afterAll(() => threads.close());

const load = (name: string): VectorFile =>
  JSON.parse(readFileSync(new URL(`../../../vectors/wycheproof/${name}.json`, import.meta.url), 'utf8')) as VectorFile;

describe.each([
  ['rsa_oaep_2048_sha1_mgf1sha1_test', 'RSA-OAEP', 36],
  ['rsa_oaep_2048_sha256_mgf1sha256_test', 'RSA-OAEP-256', 37],
  ['rsa_oaep_3072_sha256_mgf1sha256_test', 'RSA-OAEP-256', 37],
  ['rsa_oaep_4096_sha256_mgf1sha256_test', 'RSA-OAEP-256', 37],
  ['rsa_pkcs1_2048_test', 'RSA1_5', 67],
  ['rsa_pkcs1_3072_test', 'RSA1_5', 67],
  ['rsa_pkcs1_4096_test', 'RSA1_5', 67],
] as const)('%s', (file, name, count) => {
  const algorithm = encryptionAlgorithms.get(name);

  it(`${name} opens what is valid and nothing else`, async () => {
    let checked = 0;
    for (const group of load(file).testGroups) {
      const key = parseRsaPrivateKey(Buffer.from(group.privateKeyPkcs8, 'hex'), threads);
      for (const vector of group.tests) {
        const opened = algorithm && (await decryptFor(key, algorithm, Buffer.from(vector.ct, 'hex')));
        // Key Vault has no labels: what was encrypted with one does not open.
        const valid = vector.result === 'valid' && (vector.label ?? '') === '';
        expect([vector.tcId, opened?.toString('hex')]).toEqual([vector.tcId, valid ? vector.msg : undefined]);
        checked += 1;
      }
    }
    expect(checked).toBe(count);
  });
});

describe('encryption', () => {
  it.each(['RSA-OAEP', 'RSA-OAEP-256', 'RSA1_5'])(
    '%s inverts its own decryption for every length that fits',
    async (name) => {
      const group = load('rsa_pkcs1_2048_test').testGroups[0];
      const algorithm = encryptionAlgorithms.get(name);
      expect(group?.privateKeyJwk).toBeDefined();
      if (group?.privateKeyJwk === undefined || algorithm === undefined) return;
      const key = parseRsaPrivateKey(Buffer.from(group.privateKeyPkcs8, 'hex'), threads);
      for (const length of [1, 16, 32, 256 - algorithm.overhead]) {
        const plaintext = Buffer.alloc(length, length);
        const ciphertext = encryptFor(group.privateKeyJwk, algorithm, plaintext);
        expect(await decryptFor(key, algorithm, ciphertext)).toEqual(plaintext);
      }
    },
  );

  it.each(['RSA-OAEP', 'RSA-OAEP-256', 'RSA1_5'])('%s takes no ciphertext without its leading zero', async (name) => {
    const group = load('rsa_pkcs1_2048_test').testGroups[0];
    const algorithm = encryptionAlgorithms.get(name);
    if (group?.privateKeyJwk === undefined || algorithm === undefined) throw new Error('a key and an algorithm');
    const key = parseRsaPrivateKey(Buffer.from(group.privateKeyPkcs8, 'hex'), threads);
    let ciphertext: Buffer;
    do ciphertext = encryptFor(group.privateKeyJwk, algorithm, Buffer.from('x'));
    while (ciphertext[0] !== 0);
    expect(await decryptFor(key, algorithm, ciphertext)).toEqual(Buffer.from('x'));
    expect(await decryptFor(key, algorithm, ciphertext.subarray(1))).toBeUndefined();
    expect(await decryptFor(key, algorithm, Buffer.concat([Buffer.alloc(1), ciphertext]))).toBeUndefined();
  });

  it('knows no algorithm by the name of a member of every object', () => {
    for (const name of ['constructor', '__proto__', 'toString']) expect(encryptionAlgorithms.get(name)).toBeUndefined();
  });
});

describe('unpadding', () => {
  it('takes apart by hand what OpenSSL pads', () => {
    const group = load('rsa_pkcs1_2048_test').testGroups[0];
    const vector = group?.tests.find((test) => test.result === 'valid' && test.msg.length > 0);
    const key = createPrivateKey({
      key: Buffer.from(group?.privateKeyPkcs8 ?? '', 'hex'),
      format: 'der',
      type: 'pkcs8',
    });
    const block = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, Buffer.from(vector?.ct ?? '', 'hex'));
    expect(unpadPkcs1(block)?.toString('hex')).toBe(vector?.msg);
    expect(block.every((byte) => byte === 0)).toBe(true);
  });
});
