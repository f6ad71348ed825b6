import type { AskAccess } from '../placed-blobs.ts';
import type { ContainerPlace } from '../azure-blob/container-place.ts';
import { containerPlace } from '../azure-blob/container-place.ts';
import type { DirectoryPlace } from '../filesystem/directory-place.ts';
import { directoryPlace } from '../filesystem/directory-place.ts';
import type { PlacedBlobs } from '../placed-blobs.ts';

/** Where blobs lie, as a value: it goes to the process that opens it. One member for each kind of store. */
export type BlobPlace = DirectoryPlace | ContainerPlace;

/** What can be done there. One line for each kind of store.
 * @param ask for access to a container that is named without one */
export function blobsAt(place: BlobPlace, ask?: AskAccess): PlacedBlobs<BlobPlace> {
  return 'directory' in place ? directoryPlace(place) : containerPlace(place, ask);
}
