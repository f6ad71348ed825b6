import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobSnapshots, PlacedBlobs } from '../placed-blobs.ts';
import { FilesystemBlobStore } from './filesystem-blob-store.ts';
import { linkAll, linkBack, removeUnlinked } from './linked-files.ts';

export interface DirectoryPlace {
  /** Absolute; need not be there. */
  readonly directory: string;
}

/** Files in a directory of this machine, a directory for each owner below it. */
export const directoryPlace = ({ directory }: DirectoryPlace): PlacedBlobs<DirectoryPlace> => ({
  partOf: (owner) => ({ directory: join(directory, owner) }),
  open: () => Promise.resolve(FilesystemBlobStore.open(directory)),
  reader: () => Promise.resolve(FilesystemBlobStore.reader(directory)),
  removeAll: () => rm(directory, { recursive: true, force: true }),
  snapshotsIn: (links) => linkedSnapshots(directory, links),
});

/** Blobs are written once, so a second name of the file keeps one. */
function linkedSnapshots(directory: string, links: string): BlobSnapshots {
  const linksOf = (id: string): string => join(links, id);
  return {
    take: (id) => linkAll(directory, linksOf(id)),
    bringBack: (id) => linkBack(linksOf(id), directory),
    removeNew: (id) => removeUnlinked(linksOf(id), directory),
    forget: (id) => rm(linksOf(id), { recursive: true, force: true }),
  };
}
