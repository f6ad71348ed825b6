import type { DirectoryPlace } from './filesystem/directory-place.ts';
import { directoryPlace } from './filesystem/directory-place.ts';
import type { PlacedBlobs } from './placed-blobs.ts';

/** Where blobs lie, as a value: it goes to the process that opens it. One member for each kind of store. */
export type BlobPlace = DirectoryPlace;

/** What can be done there. One line for each kind of store. */
export function blobsAt(place: BlobPlace): PlacedBlobs<BlobPlace> {
  return directoryPlace(place);
}
