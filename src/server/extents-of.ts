import type { Guid } from '../base/guid.ts';
import { DoublySealedReader } from '../encryption/infrastructure/doubly-sealed-blobs.ts';
import { SecondLayer, infrastructureKeyOf } from '../encryption/infrastructure/infrastructure-key.ts';
import type { BlobReader } from '../storage/blob-store.ts';
import { blobsAt } from '../storage/places/blob-place.ts';
import { placeOf } from './blobs-owner.ts';
import type { ServerParts } from './server-parts.ts';

export type ExtentsParts = Pick<ServerParts, 'state' | 'settings' | 'randomBytes'>;

/** Blobs of a cluster as its own keys sealed them, for whoever has those: a second layer is the platform's, and is taken off here. */
export async function extentsOf({ state, settings, randomBytes }: ExtentsParts, clusterId: Guid): Promise<BlobReader> {
  const { blobs, containerAccess } = placeOf(settings);
  const reader = await blobsAt(blobsAt(blobs).partOf(clusterId), containerAccess).reader();
  const key = await infrastructureKeyOf(state, clusterId);
  return key === undefined ? reader : new DoublySealedReader(reader, new SecondLayer(key, randomBytes));
}
