import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Guid } from '../../base/guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { machineTime } from '../../clock/host-time.ts';
import { BlobsUnavailableError } from '../blob-store.ts';
import type { AskAccess, PlacedBlobs } from '../placed-blobs.ts';
import type { SealedCachePlace } from '../cached/sealed-cache.ts';
import type { AzureBlobStore } from './azure-blob-store.ts';

export interface ContainerPlace {
  /** URL of a container that exists. One with a shared access signature that may read, create, list and delete is a secret; for one without,
   * access is asked for. */
  readonly container: string;
  /** Of the names in the container; without it they are all of this place. */
  readonly folder?: string;
  /** What owners of parts read is kept there, sealed as it came, in a directory for each; without it nothing is. */
  readonly cache?: SealedCachePlace;
}

/** Blobs in a container of Azure Blob Storage, in a folder for each owner. Nobody else of Kustody's may make blobs in that container.
 * @param ask for access to a container whose URL has no signature */
export const containerPlace = (place: ContainerPlace, ask?: AskAccess): PlacedBlobs<ContainerPlace> => ({
  partOf: (owner) => ({
    container: place.container,
    folder: `${place.folder ?? ''}${owner}/`,
    ...(place.cache && { cache: { ...place.cache, directory: join(place.cache.directory, owner) } }),
  }),
  async open(note) {
    const store = await opened(place, ask);
    if (place.cache === undefined) return store;
    const { CachedBlobs } = await import('../cached/cached-blobs.ts');
    return CachedBlobs.over(store, place.cache, note);
  },
  reader: () => opened(place, ask),
  async removeAll() {
    if (place.cache !== undefined) await rm(place.cache.directory, { recursive: true, force: true });
    const store = await opened(place, ask);
    for await (const { name } of store.list('')) await store.delete(name);
  },
  elsewhere: {
    address: addressOf(place),
    async answers(withinMs) {
      const { readOwnerMark } = await import('./owner-mark.ts');
      await readOwnerMark(await opened(place, ask, withinMs));
    },
    async ownerMark() {
      const { readOwnerMark } = await import('./owner-mark.ts');
      return readOwnerMark(await opened(place, ask));
    },
    async markFor(owner: Guid) {
      const { writeOwnerMark } = await import('./owner-mark.ts');
      return writeOwnerMark(await opened(place, ask), owner);
    },
  },
});

const addressOf = ({ container }: ContainerPlace): string => container.replace(/\?.*$/s, '');

/** The SDK is large, and who keeps blobs elsewhere does without. */
async function opened(
  place: ContainerPlace,
  ask: AskAccess = noAccess,
  onceWithinMs?: number,
): Promise<AzureBlobStore> {
  const [{ ContainerClients }, { AzureBlobStore }] = await Promise.all([
    import('./container-clients.ts'),
    import('./azure-blob-store.ts'),
  ]);
  const [, signature] = /^[^?]*\?(.+)$/s.exec(place.container) ?? [];
  const own =
    signature === undefined ? undefined : { kind: 'signature' as const, value: signature, goodForMs: Infinity };
  const address = addressOf(place);
  const clients = new ContainerClients(address, own === undefined ? ask : () => Promise.resolve(own), () =>
    machineTime.monotonic(),
  );
  return new AzureBlobStore({
    ...{ clients, container: address, folder: place.folder ?? '', randomBytes: systemRandomBytes },
    onceWithinMs,
    pause: (milliseconds) => pause(milliseconds),
    random: () => (systemRandomBytes(1)[0] ?? 0) / 256,
  });
}

const noAccess: AskAccess = () => Promise.reject(new BlobsUnavailableError('nobody gives access to it.'));
