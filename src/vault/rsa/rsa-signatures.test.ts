import { constants, createHash, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SignatureHash } from './rsa-signatures.ts';
import { pkcs1Padding, pssPadding, signPadded, verifyPadded } from './rsa-signatures.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const { n = '', e = '' } = publicKey.export({ format: 'jwk' });

const hashes: readonly SignatureHash[] = ['sha256', 'sha384', 'sha512'];
const kinds = hashes.flatMap((hash) => [
  { kind: 'PKCS #1', hash, padding: pkcs1Padding(hash), options: { padding: constants.RSA_PKCS1_PADDING } },
  {
    ...{ kind: 'PSS', hash, padding: pssPadding(hash) },
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  },
]);

describe.each(kinds)('RSA signatures of digests, $kind $hash', ({ hash, padding, options }) => {
  it('are those that OpenSSL takes for the hashed text', () => {
    for (let i = 0; i < 20; i++) {
      const text = randomBytes(30);
      const digest = createHash(hash).update(text).digest();
      const signature = signPadded(privateKey, padding, digest) ?? Buffer.alloc(0);
      expect(signature).toHaveLength(256);
      expect(verify(hash, text, { key: publicKey, ...options }, signature)).toBe(true);
      expect(verifyPadded({ n, e }, padding, digest, signature)).toBe(true);
    }
  });

  it('are taken from OpenSSL, and nothing else is', () => {
    const text = randomBytes(30);
    const digest = createHash(hash).update(text).digest();
    const signature = sign(hash, text, { key: privateKey, ...options });
    expect(verifyPadded({ n, e }, padding, digest, signature)).toBe(true);
    for (const other of kinds)
      if (other.padding !== padding && other.hash === hash)
        expect(verifyPadded({ n, e }, other.padding, digest, signature)).toBe(false);
    const bad = [signature.subarray(1), Buffer.concat([Buffer.alloc(1), signature]), Buffer.alloc(256, 0xff)];
    for (const one of [...bad, Buffer.alloc(256), Buffer.alloc(0)])
      expect(verifyPadded({ n, e }, padding, digest, one)).toBe(false);
    const changed = Buffer.from(digest);
    changed[0] = (changed[0] ?? 0) ^ 1;
    expect(verifyPadded({ n, e }, padding, changed, signature)).toBe(false);
    const { n: otherN = '' } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
    expect(verifyPadded({ n: otherN, e }, padding, digest, signature)).toBe(false);
  });
});

describe('RSA signatures of what says itself what it is', () => {
  it('take as much as padding leaves room for, and not one byte more', () => {
    expect(signPadded(privateKey, pkcs1Padding(), randomBytes(245))).toHaveLength(256);
    expect(signPadded(privateKey, pkcs1Padding(), randomBytes(246))).toBeUndefined();
  });

  it('a salt of another length than the hash is refused', () => {
    const text = randomBytes(30);
    const digest = createHash('sha256').update(text).digest();
    const options = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 20 };
    const signature = sign('sha256', text, { key: privateKey, ...options });
    expect(verifyPadded({ n, e }, pssPadding('sha256'), digest, signature)).toBe(false);
  });
});
