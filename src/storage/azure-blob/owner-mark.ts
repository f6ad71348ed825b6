import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { BlobStore } from '../blob-store.ts';
import { BlobExistsError, BlobNotFoundError, parseBlobName } from '../blob-store.ts';

const markName = parseBlobName('kustody-instance');
invariant(markName !== undefined, 'the mark is named as blobs are');
const mark = markName;
const guidBytes = 36;

/** Whose a container is, in a blob of it that is not sealed: an id, which opens nothing.
 * @returns undefined for nobody's; `unknown` for a mark that is none of ours @throws BlobsUnavailableError */
export async function readOwnerMark(store: Pick<BlobStore, 'readInto'>): Promise<Guid | 'unknown' | undefined> {
  const bytes = Buffer.alloc(guidBytes + 1);
  try {
    const read = await store.readInto(mark, 0, bytes);
    return parseGuid(bytes.toString('latin1', 0, read)) ?? 'unknown';
  } catch (error) {
    if (error instanceof BlobNotFoundError) return undefined;
    throw error;
  }
}

/** Of two that mark it at once, one does. @returns whose it is now @throws BlobsUnavailableError */
export async function writeOwnerMark(
  store: Pick<BlobStore, 'readInto' | 'write'>,
  owner: Guid,
): Promise<Guid | 'unknown' | undefined> {
  try {
    await store.write(mark, bytesOf(owner));
    return owner;
  } catch (error) {
    if (error instanceof BlobExistsError) return readOwnerMark(store);
    throw error;
  }
}

async function* bytesOf(owner: Guid): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(Buffer.from(owner));
}
