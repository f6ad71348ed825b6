import { join } from 'node:path';
import { logFileName } from '../http/log-file.ts';
import { nextRootKeyPath, oldRootKeyPath } from '../state/root-key-files.ts';
import { reserveFileName } from '../state/sqlite/disk-reserve.ts';
import { stateFileName } from '../state/sqlite/sqlite-state-store.ts';
import type { BlobPlace } from '../storage/places/blob-place.ts';
import { authorityFileName, controlFileName, standbyFileName } from './control-file.ts';

export const rootKeyFileName = 'root.key';
/** Sealed bytes only. */
export const extentDirectoryName = 'extents';
/** Sealed bytes that were read from a container. */
export const blobsCacheDirectoryName = 'blobs-cache';
/** Second names of sealed bytes, for snapshots of this process. */
export const snapshotDirectoryName = 'snapshots';
/** What clients are pointed at: trust, and programs of theirs. */
export const clientDirectoryName = 'clients';
/** Says that the directory goes with its process. */
export const privateMarkName = 'private-instance.json';

/** Says that a seed was begun, and not finished. */
export const seedMarkName = 'seed-begun';

/** Where the clusters of a data directory keep their sealed extents, unless they are kept elsewhere. */
export const blobPlaceIn = (dataDirectory: string): BlobPlace => ({
  directory: join(dataDirectory, extentDirectoryName),
});

const withUnfinished = (name: string): readonly string[] => [name, `${name}.new`];

/** All that Kustody puts into a data directory, in the order in which a reset takes it away: first what opens the rest, last what the
 * directory is known by, so that a reset that was interrupted can be asked for again. */
export const dataDirectoryNames: readonly string[] = [
  ...withUnfinished(rootKeyFileName),
  ...withUnfinished(nextRootKeyPath(rootKeyFileName)),
  oldRootKeyPath(rootKeyFileName),
  ...withUnfinished(controlFileName),
  ...withUnfinished(authorityFileName),
  ...withUnfinished(standbyFileName),
  clientDirectoryName,
  extentDirectoryName,
  blobsCacheDirectoryName,
  snapshotDirectoryName,
  privateMarkName,
  seedMarkName,
  ...[logFileName, `${logFileName}.1`],
  reserveFileName,
  ...['-journal', '-shm', '-wal', ''].map((suffix) => `${stateFileName}${suffix}`),
];
