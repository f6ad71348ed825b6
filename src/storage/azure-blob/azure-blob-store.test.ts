import { randomUUID } from 'node:crypto';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll } from 'vitest';
import type { Azurite } from '../../../tests/support/azurite.ts';
import { startAzurite } from '../../../tests/support/azurite.ts';
import { blobStoreConformance } from '../blob-store.conformance.ts';
import { AzureBlobStore } from './azure-blob-store.ts';

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

blobStoreConformance('AzureBlobStore on Azurite', async () => {
  const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(randomUUID());
  await container.create();
  return { open: () => new AzureBlobStore(container) };
});
