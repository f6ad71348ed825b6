import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import { isJsonObject } from '../../base/json.ts';
import type { StateStore } from '../../state/state-store.ts';
import type { BlobSummary } from '../../storage/blob-store.ts';
import { BlobNotFoundError, parseBlobName } from '../../storage/blob-store.ts';
import { blobsAt } from '../../storage/places/blob-place.ts';
import type { AccessiblePlace } from '../blobs-owner.ts';
import { markTable } from '../move-marks.ts';
import type { BackupSide } from './backup-sides.ts';
import { blobListOf, isOfSide } from './backup-sides.ts';
import type { CopiedBlob, CopiedBlobs, CopyBlobsOptions } from './copy-blobs.ts';
import { copyBlobs, digestOfBlobs, digestOfList } from './copy-blobs.ts';
import { removeRecords } from './copy-records.ts';
import type { MoveEnd } from './move-end.ts';
import { placeAt } from './move-end.ts';
import { MoveError } from './move-error.ts';

const commitLength = 250;

/** Notes blobs that are in the backup. The list of the side was emptied before. */
export async function noteBlobs(store: StateStore, side: BackupSide, blobs: readonly CopiedBlob[]): Promise<void> {
  for (let from = 0; from < blobs.length; from += commitLength)
    await store.commit({
      write: blobs.slice(from, from + commitLength).map(({ owner, name, length, digest }) => ({
        ...{ table: blobListOf(side), id: `${owner}/${name}`, expect: null },
        put: { version: 1, value: Buffer.from(JSON.stringify({ length, digest })) },
      })),
    });
}

/** What the backup on a side has of one cluster, by name. Whoever copies it holds the list against the manifest. */
export async function notedBlobs(store: StateStore, side: BackupSide, owner: Guid): Promise<readonly CopiedBlob[]> {
  const blobs: CopiedBlob[] = [];
  const prefix = `${owner}/`;
  for (let after = prefix; ;) {
    const page = await store.list(blobListOf(side), { prefix, after });
    for (const { id, value } of page) {
      const name = parseBlobName(id.slice(prefix.length));
      const noted: unknown = JSON.parse(Buffer.from(value).toString());
      const { length, digest } = isJsonObject(noted) ? noted : {};
      invariant(
        name !== undefined && typeof length === 'number' && typeof digest === 'string',
        'a backup lists blobs by name, length and digest',
      );
      blobs.push({ owner, name, length, digest });
    }
    const last = page.at(-1);
    if (last === undefined) return blobs;
    after = last.id;
  }
}

/** Deletes the blobs, of any cluster, that the backup on a side does not name: of earlier backups, of runs that did not come to their end, of
 * clusters that are gone. */
async function removeOtherBlobs(place: AccessiblePlace, store: StateStore, side: BackupSide): Promise<void> {
  const all = await blobsAt(place.blobs, place.containerAccess).open();
  const others: BlobSummary[] = [];
  for await (const blob of all.list(''))
    if ((await store.get(blobListOf(side), blob.name)) === undefined) others.push(blob);
  for (const { name } of others) await all.delete(name);
}

/** What was purged since the backup before is in none of its files afterwards. */
export async function removeAllBut(
  side: BackupSide,
  to: Pick<MoveEnd, 'dataDirectory'>,
  target: StateStore,
): Promise<void> {
  for (const table of await target.tables())
    if (table !== markTable && !isOfSide(table, side)) await removeRecords(target, table);
  await target.compact();
  await removeOtherBlobs(placeAt(to), target, side);
}

/** Copies what a backup has of clusters out of it, to where there is nothing. @param held as its manifest tells
 * @throws MoveError for a backup that was changed */
export function copyBackedUp(
  [from, to]: readonly [AccessiblePlace, AccessiblePlace],
  owners: readonly Guid[],
  held: CopiedBlobs,
  options: CopyBlobsOptions & Required<Pick<CopyBlobsOptions, 'wanted'>>,
): Promise<void> {
  return namingMissing(async () => requireDigestOfAll((await copyBlobs(from, to, owners, options)).digest, held));
}

/** Copies what a backup has of one cluster beside blobs that somebody names. Nothing is written, or put in the place of one, before the list of its
 * blobs and all of them were held against its manifest; a blob that changes afterwards is held against the list as it was then.
 * @param held as the manifest tells @throws MoveError for a backup that was changed */
export function copyBeside(
  [from, to]: readonly [AccessiblePlace, AccessiblePlace],
  owner: Guid,
  held: CopiedBlobs,
  list: (owner: Guid) => Promise<readonly CopiedBlob[]>,
): Promise<void> {
  return namingMissing(async () => {
    const listed = await list(owner);
    requireDigestOfAll(digestOfList(listed), held);
    const wanted = () => Promise.resolve(listed);
    requireDigestOfAll(await digestOfBlobs(from, [owner], wanted), held);
    await copyBlobs(from, to, [owner], { wanted, keepsOthers: true });
  });
}

async function namingMissing(copy: () => Promise<void>): Promise<void> {
  try {
    await copy();
  } catch (error) {
    if (!(error instanceof BlobNotFoundError)) throw error;
    throw new MoveError(`The backup was changed: its extent ${error.blob} is missing.`);
  }
}

function requireDigestOfAll(found: string, held: CopiedBlobs): void {
  if (found !== held.digest)
    throw new MoveError('The backup was changed: its extents are not those that it says it holds.');
}
