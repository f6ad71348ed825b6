import type { PlacedBlobs } from '../placed-blobs.ts';
import type { AzureBlobStore } from './azure-blob-store.ts';

export interface ContainerPlace {
  /** URL of a container that exists, with a shared access signature that may read, create, list and delete: a secret. */
  readonly container: string;
  /** Of the names in the container; without it they are all of this place. */
  readonly folder?: string;
}

/** Blobs in a container of Azure Blob Storage, in a folder for each owner. Nobody else of Kustody's may make blobs in that container. */
export const containerPlace = (place: ContainerPlace): PlacedBlobs<ContainerPlace> => ({
  partOf: (owner) => ({ container: place.container, folder: `${place.folder ?? ''}${owner}/` }),
  open: () => opened(place),
  reader: () => opened(place),
  async removeAll() {
    const store = await opened(place);
    for await (const { name } of store.list('')) await store.delete(name);
  },
});

/** The SDK is large, and who keeps blobs elsewhere does without. */
async function opened({ container, folder }: ContainerPlace): Promise<AzureBlobStore> {
  const [{ ContainerClient }, { AzureBlobStore }] = await Promise.all([
    import('@azure/storage-blob'),
    import('./azure-blob-store.ts'),
  ]);
  return new AzureBlobStore(new ContainerClient(container), folder);
}
