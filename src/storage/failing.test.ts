import { describe, expect, it } from 'vitest';
import type { BlobName } from './blob-store.ts';
import { blobName, blobStoreConformance, piecesOf } from './blob-store.conformance.ts';
import { FailingBlobStore, InjectedBlobFailure } from './failing.ts';
import { MemoryBlobStore } from './memory/memory-blob-store.ts';

blobStoreConformance('FailingBlobStore that does not fail yet', () => {
  const blobs = new Map<BlobName, Buffer>();
  const open = (): FailingBlobStore =>
    new FailingBlobStore(new MemoryBlobStore(blobs), { onWrite: 1_000_000, when: 'before' });
  return Promise.resolve({ open });
});

describe('FailingBlobStore', () => {
  it.each([
    ['before', 1],
    ['during', 1],
    ['after', 2],
  ] as const)('fails the second write %s it is durable, and everything from then on', async (when, survivors) => {
    const blobs = new Map<BlobName, Buffer>();
    const store = new FailingBlobStore(new MemoryBlobStore(blobs), { onWrite: 2, when });
    const write = (text: string): Promise<unknown> => store.write(blobName(text), piecesOf(Buffer.from(text)));
    await write('one');
    await expect(write('two')).rejects.toBeInstanceOf(InjectedBlobFailure);
    await expect(write('three')).rejects.toBeInstanceOf(InjectedBlobFailure);
    await expect(store.delete(blobName('one'))).rejects.toBeInstanceOf(InjectedBlobFailure);
    expect(blobs.size).toBe(survivors);
  });
});
