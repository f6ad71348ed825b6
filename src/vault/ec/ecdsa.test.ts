import fc from 'fast-check';
import { createHash, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { inverse } from './big-numbers.ts';
import type { CurveName } from './curves.ts';
import { curves } from './curves.ts';
import type { EcPublicKey } from './ecdsa.ts';
import { signDigest, verifyDigest } from './ecdsa.ts';
import { createScalarArithmetic } from './secret-scalars.ts';

const hashes = { 'P-256': 'sha256', 'P-256K': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' } as const;
const names = Object.keys(curves) as CurveName[];

function newKey(crv: CurveName) {
  const pair = generateKeyPairSync('ec', { namedCurve: curves[crv].ecdhName });
  const { x = '', y = '' } = pair.publicKey.export({ format: 'jwk' });
  const own: EcPublicKey = { crv, x, y };
  return { ...pair, own };
}

describe.each(names)('ECDSA of digests, %s', (crv) => {
  const { privateKey, publicKey, own } = newKey(crv);
  const { bytes, order } = curves[crv];
  const hash = hashes[crv];

  it('makes signatures that OpenSSL takes for the hashed text, each another', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const text = randomBytes(20);
      const signature = signDigest(crv, privateKey, createHash(hash).update(text).digest());
      expect(signature).toHaveLength(2 * bytes);
      expect(verify(hash, text, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
      seen.add(signature.subarray(0, bytes).toString('hex'));
    }
    expect(seen.size).toBe(50);
  });

  it('takes signatures that OpenSSL made, and no other', () => {
    for (let i = 0; i < 20; i++) {
      const text = randomBytes(20);
      const digest = createHash(hash).update(text).digest();
      const signature = sign(hash, text, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      expect(verifyDigest(own, digest, signature)).toBe(true);
      const changedDigest = Buffer.from(digest);
      changedDigest[i] = (changedDigest[i] ?? 0) ^ 1;
      expect(verifyDigest(own, changedDigest, signature)).toBe(false);
      const changed = Buffer.from(signature);
      changed[2 * bytes - 1 - i] = (changed[2 * bytes - 1 - i] ?? 0) ^ 1;
      expect(verifyDigest(own, digest, changed)).toBe(false);
      expect(verifyDigest(newKey(crv).own, digest, signature)).toBe(false);
    }
  });

  it('takes the hash of its own text, where nothing moves, and refuses numbers out of range', () => {
    for (const text of ['one text', 'another, for when the keys of the first have no sum']) {
      const signature = sign(hash, Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      const digest = createHash(hash).update(text).digest();
      expect(verifyDigest(own, digest, signature)).toBe(true);
      const outOfRange = Buffer.from(signature);
      Buffer.from(order.toString(16).padStart(2 * bytes, '0'), 'hex').copy(outOfRange, 0);
      for (const bad of [outOfRange, Buffer.alloc(2 * bytes), signature.subarray(1), Buffer.alloc(0)])
        expect(verifyDigest(own, digest, bad)).toBe(false);
    }
  });

  it('calculates as bigints do', () => {
    const arithmetic = createScalarArithmetic(order);
    const read = (value: bigint) => arithmetic.read(Buffer.from(value.toString(16).padStart(2 * bytes, '0'), 'hex'));
    const edges = [0n, 1n, 2n ** 24n - 1n, 2n ** 24n, order / 2n, order - 2n, order - 1n];
    const scalar = fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min: 0n, max: order - 1n }));
    fc.assert(
      fc.property(scalar, scalar, (left, right) => {
        expect(arithmetic.reveal(arithmetic.times(read(left), read(right)))).toBe((left * right) % order);
        expect(arithmetic.reveal(arithmetic.plus(read(left), read(right)))).toBe((left + right) % order);
        if (left > 0n) expect((inverse(left, order) * left) % order).toBe(1n);
      }),
    );
  });
});
