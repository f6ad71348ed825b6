import { createCipheriv, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../../base/random.ts';
import { blobName } from '../../storage/blob-store.conformance.ts';
import { SecondLayer, infrastructureKeyTable } from './infrastructure-key.ts';

const key = Buffer.alloc(32, 7);
const layer = new SecondLayer(key, systemRandomBytes);

describe('the second layer of a record', () => {
  const sealed = Buffer.from('sealed by the cluster');
  const bytes = layer.sealRecord('c/1', sealed);

  it('opens at its place, and is another each time', () => {
    expect(layer.openRecord('c/1', bytes)).toEqual(sealed);
    expect(layer.sealRecord('c/1', sealed)).not.toEqual(bytes);
    expect(layer.openRecord('c/1', layer.sealRecord('c/1', Buffer.alloc(0)))).toEqual(Buffer.alloc(0));
  });

  it.each<[string, string, Buffer]>([
    ['at another place', 'c/2', bytes],
    ['changed', 'c/1', Buffer.from(bytes).fill(0, 20, 21)],
    ['cut short', 'c/1', bytes.subarray(0, -1)],
    ['nothing but a nonce', 'c/1', bytes.subarray(0, 12)],
    ['without the layer', 'c/1', sealed],
  ])('does not open %s', (_, id, damaged) => {
    expect(() => layer.openRecord(id, damaged)).toThrow('does not open with the infrastructure key');
  });

  it('does not open under another key', () => {
    const other = new SecondLayer(Buffer.alloc(32, 8), systemRandomBytes);
    expect(() => other.openRecord('c/1', bytes)).toThrow('does not open with the infrastructure key');
  });
});

describe('the key stream of a blob', () => {
  // RFC 8439, 2.3: a counter of 32 bits, little-endian, before the nonce; here the nonce is zero.
  const expected = (name: string, block: number): Buffer => {
    const own = Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `kustody/1/infrastructure/blob ${name}`, 32));
    const iv = Buffer.alloc(16);
    iv.writeUInt32LE(block);
    return createCipheriv('chacha20', own, iv).update(Buffer.alloc(64));
  };

  it.each([0, 1, 1_000, 2 ** 32 - 1])('begins block %i where it is', (block) => {
    const stream = layer.blobStream(blobName('a/b'), block * 64);
    expect(stream(Buffer.alloc(64))).toEqual(expected('a/b', block));
  });

  it('never begins anew: a blob that is too long is refused', () => {
    const stream = layer.blobStream(blobName('a/b'), 2 ** 38 - 64);
    expect(() => stream(Buffer.alloc(65))).toThrow('256 GiB');
  });
});

describe('the record of an infrastructure key', () => {
  it.each([{ format: 2, key: 'AA' }, { format: 1, key: 'AA' }, { format: 1 }, 'x'])('refuses %j', (value) => {
    expect(() => infrastructureKeyTable.parse(value)).toThrow(/infrastructure key/);
  });
});
