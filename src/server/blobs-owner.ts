import { clusterKeyTable } from '../encryption/cluster-key-state.ts';
import { removedClusters } from '../cluster/supervisor/cluster-contents.ts';
import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { State, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import type { AskAccess } from '../storage/placed-blobs.ts';
import type { BlobPlace } from '../storage/places/blob-place.ts';
import { blobsAt } from '../storage/places/blob-place.ts';
import { blobPlaceIn } from './data-directory-names.ts';
import type { Instance } from './instance.ts';
import type { ServerSettings } from './settings.ts';

/** The state and the place of its extents do not belong together. */
export class BlobsPlaceError extends Error {
  override readonly name = 'BlobsPlaceError';
}

/** Where the extents of this state lie, when they are not in the data directory. */
interface BlobsRecord {
  readonly format: 1;
  readonly address: string;
}

export const blobsPlaceTable: Table<BlobsRecord> = {
  name: 'blobs-place',
  parse: (value) => {
    invariant(isJsonObject(value) && value['format'] === 1, 'a place has a format that this Kustody knows');
    return value as unknown as BlobsRecord;
  },
};
export const blobsPlaceId = 'blobs';

/** Where extents lie, and what gives access to it. */
export interface AccessiblePlace {
  readonly blobs: BlobPlace;
  readonly containerAccess?: AskAccess;
}

export const placeOf = ({
  blobs,
  containerAccess,
  dataDirectory,
}: Pick<ServerSettings, 'blobs' | 'containerAccess' | 'dataDirectory'>): AccessiblePlace => ({
  blobs: blobs ?? blobPlaceIn(dataDirectory),
  ...(containerAccess === undefined ? {} : { containerAccess }),
});

/** Extents that are not in the data directory. */
export interface BlobsElsewhere {
  readonly address: string;
  /** Reads something there. @throws BlobsUnavailableError */
  readonly check: () => Promise<void>;
}

/** A state and a container belong to each other from the first start on. Order of that: the container has a mark that names the instance → the
 * state names the container → clusters.
 * @returns undefined for extents in the data directory
 * @throws BlobsPlaceError, BlobsUnavailableError */
export async function openBlobsPlace(
  state: State,
  { tenantId }: Instance,
  { blobs, containerAccess }: Pick<ServerSettings, 'blobs' | 'containerAccess'>,
): Promise<BlobsElsewhere | undefined> {
  const known = (await state.get(blobsPlaceTable, blobsPlaceId))?.value;
  const place = blobs === undefined ? undefined : blobsAt(blobs, containerAccess).elsewhere;
  if (place === undefined) {
    if (known === undefined) return undefined;
    throw new BlobsPlaceError(`The sealed extents of this state are in ${known.address}. Give that with --blobs.`);
  }
  if (known !== undefined && known.address !== place.address)
    throw new BlobsPlaceError(`The sealed extents of this state are in ${known.address}, not in ${place.address}.`);
  if (known === undefined) await requireNoExtents(state);
  const owner = known === undefined ? await place.markFor(tenantId) : await place.ownerMark();
  if (owner === undefined)
    throw new BlobsPlaceError(
      `${place.address} does not have the mark of this instance: it is another container, or was emptied.`,
    );
  if (owner !== tenantId) throw new BlobsPlaceError(`${place.address} belongs to another instance of Kustody.`);
  if (known === undefined)
    await state.commit({
      write: [writeRecord(blobsPlaceTable, blobsPlaceId, null, { format: 1, address: place.address })],
    });
  const check = async (): Promise<void> => {
    await place.ownerMark();
  };
  return { address: place.address, check };
}

/** Clusters that there are, or whose extents are still to go. */
async function requireNoExtents(state: State): Promise<void> {
  const isKept = (await state.list(clusterKeyTable, { limit: 1 })).length > 0;
  if (isKept || (await state.list(removedClusters)).some(({ value }) => value.sweepAt === undefined))
    throw new BlobsPlaceError(
      "The sealed extents of this state are in its data directory. 'kustody migrate' moves them, with the state, to a new directory.",
    );
}
