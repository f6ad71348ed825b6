import { createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import { ClusterKey } from './cluster-key.ts';

const clusterId = newGuid(systemRandomBytes);

describe('ClusterKey', () => {
  it('derives by HKDF-SHA-256: extract with the cluster id, expand with the purpose (RFC 5869, written out)', () => {
    const bytes = systemRandomBytes(32);
    const extracted = createHmac('sha256', clusterId).update(bytes).digest();
    const expanded = createHmac('sha256', extracted)
      .update('kustody/1/catalog')
      .update(Buffer.from([1]))
      .digest();
    expect(ClusterKey.from(clusterId, Uint8Array.from(bytes)).derive('catalog')).toEqual(expanded);
  });

  it('matches RFC 5869 test case 1 in the function it builds on', () => {
    const okm = hkdfSync(
      'sha256',
      Buffer.alloc(22, 0x0b),
      Buffer.from('000102030405060708090a0b0c', 'hex'),
      Buffer.from('f0f1f2f3f4f5f6f7f8f9', 'hex'),
      42,
    );
    expect(Buffer.from(okm).toString('hex')).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
  });

  it('gives unrelated keys for purposes and clusters', () => {
    const bytes = systemRandomBytes(32);
    const keys = [clusterId, newGuid(systemRandomBytes)].flatMap((id) => {
      const key = ClusterKey.from(id, Uint8Array.from(bytes));
      return (['dekWrapping', 'catalog', 'log', 'check'] as const).map((purpose) =>
        key.derive(purpose).toString('hex'),
      );
    });
    expect(new Set(keys.map((key) => key.slice(0, 32))).size).toBe(8);
  });

  it('overwrites what it is made from, what it lends and itself', async () => {
    const bytes = Buffer.from(systemRandomBytes(32));
    const copy = Buffer.from(bytes);
    const key = ClusterKey.from(clusterId, bytes);
    expect(bytes).toEqual(Buffer.alloc(32));
    let lent: Uint8Array = Buffer.alloc(0);
    await key.lend((own) => {
      expect(Buffer.from(own)).toEqual(copy);
      lent = own;
      return Promise.resolve();
    });
    expect(Buffer.from(lent)).toEqual(Buffer.alloc(32));
    expect(key.isSame(copy)).toBe(true);
    key.wipe();
    expect(key.isSame(copy)).toBe(false);
  });

  it.each([0, 16, 31, 33])('is 256 bits, not %i bytes', (length) => {
    expect(() => ClusterKey.from(clusterId, new Uint8Array(length))).toThrow('256 bits');
  });
});
