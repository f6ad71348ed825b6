import type { ContainerPlace } from '../azure-blob/container-place.ts';
import { containerPlace } from '../azure-blob/container-place.ts';
import type { DirectoryPlace } from '../filesystem/directory-place.ts';
import { directoryPlace } from '../filesystem/directory-place.ts';
import type { PlacedBlobs } from '../placed-blobs.ts';

/** Where blobs lie, as a value: it goes to the process that opens it. One member for each kind of store. */
export type BlobPlace = DirectoryPlace | ContainerPlace;

/** What can be done there. One line for each kind of store. */
export function blobsAt(place: BlobPlace): PlacedBlobs<BlobPlace> {
  return 'directory' in place ? directoryPlace(place) : containerPlace(place);
}
