import { realpathSync } from 'node:fs';
import { nameOf } from '../../state/postgres/postgres-address.ts';
import { blobsAt } from '../../storage/places/blob-place.ts';
import type { AccessiblePlace } from '../blobs-owner.ts';
import { placeOf } from '../blobs-owner.ts';
import type { ServerSettings } from '../settings.ts';
import type { StatePlace } from '../state-place.ts';

/** Where an instance is kept: as `up` is told. */
export type MoveEnd = Pick<ServerSettings, 'dataDirectory' | 'blobs' | 'containerAccess' | 'stateFormats'> & {
  readonly statePlace?: StatePlace;
};

/** For people. */
export const endName = ({ dataDirectory, statePlace, blobs }: MoveEnd): string =>
  [
    dataDirectory,
    ...(statePlace === undefined ? [] : [`state in ${nameOf(statePlace.address)}`]),
    ...(blobs === undefined ? [] : [`extents in ${blobsAt(blobs).elsewhere?.address ?? 'its data directory'}`]),
  ].join(', ');

/** The container of an end that has one. */
export function elsewhere({ blobs, containerAccess }: MoveEnd) {
  if (blobs === undefined) return undefined;
  const place = blobsAt(blobs, containerAccess).elsewhere;
  return place && { ...place, blobs };
}

/** Directories are reached by no link: files below them are not either. */
export const placeAt = (end: MoveEnd): AccessiblePlace =>
  placeOf({ ...end, dataDirectory: realpathSync(end.dataDirectory) });
