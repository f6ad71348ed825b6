import type { BlobName } from '../blob-store.ts';
import { blobStoreConformance } from '../blob-store.conformance.ts';
import { MemoryBlobStore } from './memory-blob-store.ts';

blobStoreConformance('MemoryBlobStore', () => {
  const blobs = new Map<BlobName, Buffer>();
  return Promise.resolve({ open: () => new MemoryBlobStore(blobs) });
});
