import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createRsaKeyPool, generateRsaKey, isRsaBits } from './rsa-keys.ts';
import type { RsaBits, RsaKeyPair } from './rsa-keys.ts';

describe('generateRsaKey', () => {
  it('makes a private key that belongs to the public one', async () => {
    const pair = await generateRsaKey(2048);
    const key = createPrivateKey({ key: Buffer.from(pair.privateKey, 'base64url'), format: 'der', type: 'pkcs8' });
    expect(createPublicKey(key).export({ format: 'jwk' })).toEqual({ kty: 'RSA', n: pair.n, e: pair.e });
    expect([pair.e, pair.bits]).toEqual(['AQAB', 2048]);
  });

  it('knows the sizes of Key Vault', () => {
    expect([1024, 2048, 3072, 4096, 8192, '2048', undefined].map(isRsaBits)).toEqual([
      false,
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('the pool of ready keys', () => {
  function counting() {
    const made: RsaBits[] = [];
    const make = (bits: RsaBits): Promise<RsaKeyPair> => {
      made.push(bits);
      return Promise.resolve({ bits, n: made.length, e: 'AQAB', privateKey: '' } as unknown as RsaKeyPair);
    };
    return { made, make };
  }

  it('fills up once, hands out each key once, and says that it is time to fill up again', async () => {
    const { made, make } = counting();
    let taken = 0;
    const pool = createRsaKeyPool({ size: 3, make, onTaken: () => (taken += 1) });
    await Promise.all([pool.fill(), pool.fill()]);
    expect(made).toHaveLength(3);
    const keys = await Promise.all([pool.take(2048), pool.take(2048), pool.take(2048), pool.take(2048)]);
    expect(new Set(keys.map((pair) => pair.n)).size).toBe(4);
    expect([made.length, taken]).toEqual([4, 4]);
    await pool.fill();
    expect(made.length).toBe(7);
    pool.close();
  });

  it('hands out the key that is being made', async () => {
    const { made, make } = counting();
    const pool = createRsaKeyPool({ size: 3, make });
    const filled = pool.fill(1);
    expect((await pool.take(2048)).bits).toBe(2048);
    await filled;
    expect(made).toHaveLength(1);
  });

  it('makes other sizes when asked, and nothing once closed', async () => {
    const { made, make } = counting();
    const pool = createRsaKeyPool({ size: 1, make });
    expect((await pool.take(4096)).bits).toBe(4096);
    pool.close();
    await pool.fill();
    expect(made).toEqual([4096]);
  });

  it('a failure to make a key is told to who asked for it, and the next one tries again', async () => {
    let failing = true;
    const { make } = counting();
    const pool = createRsaKeyPool({
      size: 1,
      make: (bits) => (failing ? Promise.reject(new Error('no entropy')) : make(bits)),
    });
    await expect(pool.take(2048)).rejects.toThrow('no entropy');
    await expect(pool.fill()).rejects.toThrow('no entropy');
    failing = false;
    expect((await pool.take(2048)).bits).toBe(2048);
  });
});
