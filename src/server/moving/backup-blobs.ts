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
import { copyBlobs, digestOfBlobs } from './copy-blobs.ts';
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

/** What the backup on a side has of one cluster, by name. What the list says is held against the manifest when it was copied. */
export async function notedBlobs(store: StateStore, side: BackupSide, owner: Guid): Promise<readonly BlobSummary[]> {
  const blobs: BlobSummary[] = [];
  const prefix = `${owner}/`;
  for (let after = prefix; ;) {
    const page = await store.list(blobListOf(side), { prefix, after });
    for (const { id, value } of page) {
      const name = parseBlobName(id.slice(prefix.length));
      const noted: unknown = JSON.parse(Buffer.from(value).toString());
      const length = isJsonObject(noted) ? noted['length'] : undefined;
      invariant(name !== undefined && typeof length === 'number', 'a backup lists blobs by name and length');
      blobs.push({ name, length });
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

/** Copies what a backup has of clusters out of it. Beside blobs that somebody names nothing is written, or put in the place of one, before all of the
 * backup was read and held against its manifest. @param held as its manifest tells @throws MoveError for a backup that was changed */
export async function copyBackedUp(
  [from, to]: readonly [AccessiblePlace, AccessiblePlace],
  owners: readonly Guid[],
  held: CopiedBlobs,
  options: CopyBlobsOptions & Required<Pick<CopyBlobsOptions, 'wanted'>>,
): Promise<void> {
  try {
    if (options.keepsOthers === true) requireDigestOfAll(await digestOfBlobs(from, owners, options.wanted), held);
    requireDigestOfAll((await copyBlobs(from, to, owners, options)).digest, held);
  } catch (error) {
    if (!(error instanceof BlobNotFoundError)) throw error;
    throw new MoveError(`The backup was changed: its extent ${error.blob} is missing.`);
  }
}

function requireDigestOfAll(found: string, held: CopiedBlobs): void {
  if (found !== held.digest)
    throw new MoveError('The backup was changed: its extents are not those that it says it holds.');
}
