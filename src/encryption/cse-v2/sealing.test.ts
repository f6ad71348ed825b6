import type { KeyObject } from 'node:crypto';
import { createDecipheriv, createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../../base/random.ts';
import type { SealedShape } from './format.ts';
import { defaultRegionBytes, openedBytes, regionCount, sealedBytes } from './format.ts';
import { openSealed } from './open-sealed.ts';
import { RegionBuffers } from './region-buffers.ts';
import { SealedBytesError } from './region-cipher.ts';
import type { ReadInto } from './seal-stream.ts';
import { sealStream } from './seal-stream.ts';

const mutations = Number(process.env['KUSTODY_MUTATIONS'] ?? 3000);
const R = defaultRegionBytes;
const newDek = (): KeyObject => createSecretKey(systemRandomBytes(32));
const from =
  (bytes: Buffer): ReadInto =>
  (offset, target) =>
    Promise.resolve(bytes.subarray(offset).copy(target));

async function seal(
  dek: KeyObject,
  plaintext: Buffer,
  regionBytes: number,
  buffers = new RegionBuffers(regionBytes),
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const shape = { regionBytes, length: plaintext.length };
  for await (const piece of sealStream(dek, shape, from(plaintext), buffers)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

async function open(
  dek: KeyObject,
  sealed: Buffer,
  shape: SealedShape,
  buffers = new RegionBuffers(shape.regionBytes),
): Promise<Buffer> {
  const plaintext = Buffer.alloc(shape.length);
  const write = (bytes: Uint8Array, offset: number): Promise<void> => {
    plaintext.set(bytes, offset);
    return Promise.resolve();
  };
  await openSealed(dek, shape, from(sealed), write, buffers);
  return plaintext;
}

describe('sealing', () => {
  it.each([0, 1, R - 1, R, R + 1, 2 * R, 2 * R + 1])('opens what it sealed: %i bytes', async (length) => {
    const dek = newDek();
    const plaintext = Buffer.from(systemRandomBytes(length));
    const shape = { regionBytes: R, length };
    const sealed = await seal(dek, plaintext, R);
    expect(sealed.length).toBe(sealedBytes(shape));
    expect(openedBytes(sealed.length, R)).toBe(length);
    expect((await open(dek, sealed, shape)).equals(plaintext)).toBe(true);
  });

  it('writes nonce, ciphertext and tag of each region as the format says', async () => {
    const dek = newDek();
    const plaintext = Buffer.from(systemRandomBytes(150));
    const sealed = await seal(dek, plaintext, 64);
    const opened = [0, 1, 2].map((index) => {
      const region = sealed.subarray(index * 92, index * 92 + 92);
      expect(region.readUIntBE(0, 6)).toBe(0);
      expect(region.readUIntBE(6, 6)).toBe(index);
      const decipher = createDecipheriv('aes-256-gcm', dek, region.subarray(0, 12)).setAuthTag(region.subarray(-16));
      return Buffer.concat([decipher.update(region.subarray(12, -16)), decipher.final()]);
    });
    expect(Buffer.concat(opened).equals(plaintext)).toBe(true);
  });

  it('openedBytes() inverts sealedBytes(), and knows lengths that cannot be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.nat(100_000), (regionBytes, length) => {
        expect(openedBytes(sealedBytes({ regionBytes, length }), regionBytes)).toBe(length);
      }),
    );
    for (const impossible of [1, 28, 128 + 28 + 1, 2 * (128 + 28) + 28])
      expect(openedBytes(impossible, 128)).toBeUndefined();
  });

  it('passes on errors of the reader and of the writer, and the buffers stay usable', async () => {
    const dek = newDek();
    const buffers = new RegionBuffers(16);
    const plaintext = Buffer.from(systemRandomBytes(100));
    const sealed = await seal(dek, plaintext, 16, buffers);
    const shape = { regionBytes: 16, length: 100 };
    const failAt =
      (wanted: number, bytes: Buffer): ReadInto =>
      (offset, target) =>
        offset >= wanted ? Promise.reject(new Error('unreadable')) : from(bytes)(offset, target);
    await expect(openSealed(dek, shape, failAt(88, sealed), () => Promise.resolve(), buffers)).rejects.toThrow(
      'unreadable',
    );
    await expect(
      openSealed(dek, shape, from(sealed), () => Promise.reject(new Error('full')), buffers),
    ).rejects.toThrow('full');
    const stream = sealStream(newDek(), shape, failAt(32, plaintext), buffers);
    await expect(
      stream
        .next()
        .then(() => stream.next())
        .then(() => stream.next()),
    ).rejects.toThrow('unreadable');
    const abandoned = sealStream(newDek(), shape, from(plaintext), buffers);
    await abandoned.next();
    await abandoned.return();
    expect((await open(dek, sealed, shape, buffers)).equals(plaintext)).toBe(true);
  });

  it('hands back zeroed buffers', async () => {
    const buffers = new RegionBuffers(16);
    const dek = newDek();
    await open(dek, await seal(dek, Buffer.alloc(100, 0xaa), 16, buffers), { regionBytes: 16, length: 100 }, buffers);
    for (let index = 0; index < 4; index += 1) expect(buffers.take().every((byte) => byte === 0)).toBe(true);
  });
});

describe('openSealed', () => {
  it(`accepts none of ${mutations} mutations`, { timeout: 240_000 + mutations * 3 }, async () => {
    const regionBytes = 32;
    const buffers = new RegionBuffers(regionBytes);
    const make = async (length: number) => {
      const dek = newDek();
      const plaintext = Buffer.from(systemRandomBytes(length));
      return { dek, plaintext, sealed: await seal(dek, plaintext, regionBytes), shape: { regionBytes, length } };
    };
    const extents = await Promise.all([32 * 5, 32 * 5, 32 * 4 + 7, 32 * 4, 32, 1].map(make));
    const pick = fc.constantFrom(...extents);
    const part = { left: fc.nat(), right: fc.nat(), size: fc.nat() };
    const mutation = fc.oneof(
      fc.record({ kind: fc.constant('flip' as const), target: pick, source: pick, ...part }),
      fc.record({ kind: fc.constant('cut' as const), target: pick, source: pick, ...part }),
      fc.record({ kind: fc.constant('grow' as const), target: pick, source: pick, ...part }),
      fc.record({
        kind: fc.constantFrom('swap regions' as const, 'repeat region' as const),
        target: pick,
        source: pick,
        ...part,
      }),
      fc.record({
        kind: fc.constantFrom('splice' as const, 'replace' as const, 'region of another' as const),
        target: pick,
        source: pick,
        ...part,
      }),
    );
    await fc.assert(
      fc.asyncProperty(mutation, async (one) => {
        const changed = mutate(one, regionBytes + 28);
        if (changed.equals(one.target.sealed)) return;
        await expect(open(one.target.dek, changed, one.target.shape, buffers)).rejects.toBeInstanceOf(SealedBytesError);
      }),
      { numRuns: mutations },
    );
  });

  it('refuses a cut at a region boundary, which the format itself does not notice', async () => {
    const dek = newDek();
    const sealed = await seal(dek, Buffer.alloc(64, 1), 32);
    const error = open(dek, sealed.subarray(0, 60), { regionBytes: 32, length: 64 });
    await expect(error).rejects.toMatchObject({ name: 'SealedBytesError', region: 'length' });
    await expect(open(dek, sealed, { regionBytes: 32, length: 32 })).rejects.toMatchObject({ region: 'length' });
    await expect(open(dek, sealed, { regionBytes: 32, length: 0 })).rejects.toMatchObject({ region: 'length' });
    expect(regionCount({ regionBytes: 32, length: 64 })).toBe(2);
  });

  it('hands nothing of a changed region to the writer', async () => {
    const dek = newDek();
    const sealed = await seal(dek, Buffer.alloc(96, 1), 32);
    sealed[70] = (sealed[70] ?? 0) ^ 1;
    const written: number[] = [];
    const write = (_bytes: Uint8Array, offset: number): Promise<void> => {
      written.push(offset);
      return Promise.resolve();
    };
    await expect(
      openSealed(dek, { regionBytes: 32, length: 96 }, from(sealed), write, new RegionBuffers(32)),
    ).rejects.toMatchObject({ region: 1 });
    expect(written).toEqual([0]);
  });
});

interface Mutation {
  readonly kind:
    'flip' | 'cut' | 'grow' | 'swap regions' | 'repeat region' | 'splice' | 'replace' | 'region of another';
  readonly target: { readonly sealed: Buffer };
  readonly source: { readonly sealed: Buffer };
  readonly left: number;
  readonly right: number;
  readonly size: number;
}

function mutate({ kind, target, source, left, right, size }: Mutation, region: number): Buffer {
  const bytes = Buffer.from(target.sealed);
  const at = left % bytes.length;
  const regions = Math.ceil(bytes.length / region);
  const cut = (from: Buffer, index: number): Buffer => from.subarray(index * region, (index + 1) * region);
  const [one, two] = [left % regions, right % regions];
  switch (kind) {
    case 'flip':
      bytes[at] = (bytes[at] ?? 0) ^ (1 + (right % 255));
      return bytes;
    case 'cut':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + (size % region))]);
    case 'grow':
      return Buffer.concat([
        bytes.subarray(0, at),
        source.sealed.subarray(0, 1 + (size % source.sealed.length)),
        bytes.subarray(at),
      ]);
    case 'repeat region':
      return Buffer.concat([bytes.subarray(0, one * region), cut(bytes, two), bytes.subarray((one + 1) * region)]);
    case 'swap regions': {
      const all = Array.from({ length: regions }, (_, index) =>
        cut(bytes, index === one ? two : index === two ? one : index),
      );
      return Buffer.concat(all);
    }
    case 'splice':
      return Buffer.concat([bytes.subarray(0, at), source.sealed.subarray(right % source.sealed.length)]);
    case 'replace':
      return Buffer.from(source.sealed);
    case 'region of another':
      return Buffer.concat([
        bytes.subarray(0, one * region),
        cut(source.sealed, two),
        bytes.subarray((one + 1) * region),
      ]);
  }
}
