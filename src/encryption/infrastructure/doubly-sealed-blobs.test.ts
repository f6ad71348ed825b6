import { describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../../base/random.ts';
import { blobName, blobStoreConformance, piecesOf, readAll } from '../../storage/blob-store.conformance.ts';
import type { BlobName } from '../../storage/blob-store.ts';
import { MemoryBlobStore } from '../../storage/memory/memory-blob-store.ts';
import { DoublySealedBlobs } from './doubly-sealed-blobs.ts';
import { SecondLayer } from './infrastructure-key.ts';

const key = Buffer.alloc(32, 7);
const layer = new SecondLayer(key, systemRandomBytes);

blobStoreConformance('DoublySealedBlobs', () => {
  const blobs = new Map<BlobName, Buffer>();
  return Promise.resolve({ open: () => new DoublySealedBlobs(new MemoryBlobStore(blobs), layer) });
});

describe('DoublySealedBlobs', () => {
  const [a, b] = [blobName('clusters/a/extents/1'), blobName('clusters/a/extents/2')];
  const first = Buffer.from(Array.from({ length: 700_001 }, (_, index) => index % 251));

  const written = async () => {
    const blobs = new Map<BlobName, Buffer>();
    const store = new DoublySealedBlobs(new MemoryBlobStore(blobs), layer);
    for (const name of [a, b]) await store.write(name, piecesOf(first.subarray(0, 5), first.subarray(5)));
    return { blobs, store };
  };

  it('stores other bytes than it is given, as many, and others for each name', async () => {
    const { blobs } = await written();
    const [left, right] = [blobs.get(a), blobs.get(b)];
    expect([left?.length, right?.length]).toEqual([first.length, first.length]);
    // 64 equal bytes in a row are no accident.
    for (let at = 0; at + 64 <= first.length; at += 64_000) {
      const part = (bytes?: Buffer) => bytes?.subarray(at, at + 64).toString('hex');
      expect(new Set([part(first), part(left), part(right)]).size).toBe(3);
    }
  });

  it.each([
    [0, 1],
    [63, 2],
    [64, 64],
    [65, 300_000],
    [262_143, 262_200],
    [699_990, 100],
  ])('reads from %i on %i bytes', async (offset, length) => {
    const { store } = await written();
    const wanted = first.subarray(offset, offset + length);
    expect((await readAll(store, a, { offset, length })).equals(wanted)).toBe(true);
    const target = Buffer.alloc(length);
    expect(await store.readInto(a, offset, target)).toBe(wanted.length);
    expect(target.subarray(0, wanted.length).equals(wanted)).toBe(true);
  });

  it('another key gives other bytes', async () => {
    const { blobs } = await written();
    const other = new DoublySealedBlobs(
      new MemoryBlobStore(blobs),
      new SecondLayer(Buffer.alloc(32, 8), systemRandomBytes),
    );
    expect((await readAll(other, a)).equals(first)).toBe(false);
  });

  it('does not touch the buffers of whoever writes', async () => {
    const given = Buffer.from('kept as it is');
    await new DoublySealedBlobs(new MemoryBlobStore(new Map()), layer).write(a, piecesOf(given));
    expect(given.toString()).toBe('kept as it is');
  });
});
