import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RandomBytes } from '../base/random.ts';
import { blobsCacheDirectoryName } from './data-directory-names.ts';
import type { ServerSettings } from './settings.ts';
import { defaultBlobsCacheBytes } from './settings.ts';

const checkKeyBytes = 32;

/** Adds a cache on this disk to blobs that are in a container. What an earlier start has left is removed, whatever the blobs are in now: nobody
 * has told this node since which of them are gone.
 * @throws what the file system says, when it cannot be removed */
export async function withBlobsCache(settings: ServerSettings, randomBytes: RandomBytes): Promise<ServerSettings> {
  const { blobs, blobsCacheBytes = defaultBlobsCacheBytes, dataDirectory } = settings;
  const directory = join(dataDirectory, blobsCacheDirectoryName);
  await rm(directory, { recursive: true, force: true });
  if (blobs === undefined || 'directory' in blobs || blobsCacheBytes === 0) return settings;
  const cache = { directory, bytesMax: blobsCacheBytes, checkKey: randomBytes(checkKeyBytes) };
  return { ...settings, blobs: { ...blobs, cache } };
}
