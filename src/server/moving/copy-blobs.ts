import { createHash } from 'node:crypto';
import { FewAtOnce } from '../../base/few-at-once.ts';
import type { Guid } from '../../base/guid.ts';
import type { BlobReader, BlobSummary, ReplaceableBlobs } from '../../storage/blob-store.ts';
import { BlobNotFoundError } from '../../storage/blob-store.ts';
import { blobsAt } from '../../storage/places/blob-place.ts';
import type { AccessiblePlace } from '../blobs-owner.ts';
import { MoveError } from './move-error.ts';

export interface BlobSum {
  readonly blobs: number;
  readonly bytes: number;
}

/** What was copied and read back, told from anything else by one digest. */
export interface CopiedBlobs extends BlobSum {
  /** SHA-256, hex, over cluster, name, length and SHA-256 of each, in their order. */
  readonly digest: string;
}

/** One blob that was copied, as it is listed and as it goes into the digest of all. */
export interface CopiedBlob extends BlobSummary {
  readonly owner: Guid;
  /** SHA-256, hex. */
  readonly digest: string;
}

/** A blob that is to be copied. */
export interface WantedBlob extends BlobSummary {
  /** SHA-256, hex, of what it has to be; missing: of whatever the source has. */
  readonly digest?: string;
}

export interface CopyBlobsOptions {
  readonly done?: (blobs: number) => void;
  /** Those that are meant; default: all that the source has. In the order of their names. */
  readonly wanted?: (owner: Guid) => Promise<readonly WantedBlob[]>;
  /** What the target has besides stays there: somebody names it still. */
  readonly keepsOthers?: boolean;
  /** What is deleted while it is copied is left out: nobody names it any more. */
  readonly mayVanish?: boolean;
  /** Told of all, in the order of the digest. */
  readonly copied?: (blobs: readonly CopiedBlob[]) => Promise<void>;
}

const atOnce = 4;

/** All sealed blobs of some clusters. */
export async function sumBlobs(place: AccessiblePlace, owners: readonly Guid[]): Promise<BlobSum> {
  let [blobs, bytes] = [0, 0];
  for (const owner of owners)
    for await (const { length } of (await readerAt(place, owner)).list('')) {
      blobs += 1;
      bytes += length;
    }
  return { blobs, bytes };
}

/** The digest that `copyBlobs` gives of blobs that are what their list says, of which nothing is read. */
export function digestOfList(blobs: readonly CopiedBlob[]): string {
  const all = createHash('sha256');
  for (const blob of blobs) all.update(lineOf(blob));
  return all.digest('hex');
}

/** The digest that `copyBlobs` would give of blobs, of which nothing is written. @throws BlobNotFoundError */
export async function digestOfBlobs(
  from: AccessiblePlace,
  owners: readonly Guid[],
  wanted: (owner: Guid) => Promise<readonly BlobSummary[]>,
): Promise<string> {
  const all = createHash('sha256');
  for (const owner of [...owners].sort()) {
    const source = await readerAt(from, owner);
    const few = new FewAtOnce(atOnce);
    const read = (await wanted(owner)).map((blob) =>
      few.run(async () => ({ ...blob, owner, digest: await digestOf(source.read(blob.name)) })),
    );
    for (const outcome of await Promise.allSettled(read)) {
      if (outcome.status === 'rejected') throw outcome.reason;
      all.update(lineOf(outcome.value));
    }
  }
  return all.digest('hex');
}

const lineOf = ({ owner, name, length, digest }: CopiedBlob): string =>
  `${JSON.stringify([owner, name, length, digest])}\n`;

/** Bytes of blobs that a target does not have, of those that are wanted. */
export async function missingBytes(
  from: AccessiblePlace,
  to: AccessiblePlace,
  owners: readonly Guid[],
  wantedOf?: CopyBlobsOptions['wanted'],
): Promise<number> {
  let bytes = 0;
  for (const owner of owners) {
    const wanted = (await wantedOf?.(owner)) ?? (await listed(await readerAt(from, owner)));
    const there = new Map((await listed(await readerAt(to, owner))).map(({ name, length }) => [name, length]));
    for (const { name, length } of wanted) if (there.get(name) !== length) bytes += length;
  }
  return bytes;
}

/** Makes the blobs of clusters at one place those at another, as they are. Each is held against its SHA-256 while it is written, is there whole or
 * not at all, and is read back; what is there already is only compared. So it can be repeated after an end at any point.
 *
 * One that takes the place of another is whole, and was held against its digest, before the other one goes, in the same moment: a source that
 * changes meanwhile replaces nothing, and the name is never without one of them.
 * @returns what is at the target now
 * @throws MoveError for what was read as something else, BlobsUnavailableError, StorageFullError */
export async function copyBlobs(
  from: AccessiblePlace,
  to: AccessiblePlace,
  owners: readonly Guid[],
  { done, wanted: wantedOf, keepsOthers = false, mayVanish = false, copied: told }: CopyBlobsOptions = {},
): Promise<CopiedBlobs> {
  let [blobs, bytes] = [0, 0];
  const all = createHash('sha256');
  for (const owner of [...owners].sort()) {
    const source = await readerAt(from, owner);
    const target = await placedAt(to, owner).open();
    const wanted = (await wantedOf?.(owner)) ?? (await listed(source));
    const there = new Map((await listed(target)).map(({ name, length }) => [name, length]));
    const names = new Set(wanted.map(({ name }) => name));
    if (!keepsOthers) for (const name of there.keys()) if (!names.has(name)) await target.delete(name);
    const few = new FewAtOnce(atOnce);
    const copied = wanted.map((blob) =>
      few.run(async () => {
        const digest = await copyBlob(source, target, blob, there.get(blob.name));
        bytes += blob.length;
        blobs += 1;
        done?.(blobs);
        return { ...blob, owner, digest };
      }),
    );
    const ended: CopiedBlob[] = [];
    for (const outcome of await Promise.allSettled(copied)) {
      if (outcome.status === 'rejected') {
        if (mayVanish && outcome.reason instanceof BlobNotFoundError) continue;
        throw outcome.reason;
      }
      all.update(lineOf(outcome.value));
      ended.push(outcome.value);
    }
    await told?.(ended);
    const after = (await listed(target)).filter(({ name }) => !keepsOthers || names.has(name));
    if (after.length < ended.length || (!mayVanish && after.length !== wanted.length))
      throw new MoveError(
        `The target has ${after.length} sealed blobs of cluster ${owner} instead of ${wanted.length}.`,
      );
  }
  return { blobs, bytes, digest: all.digest('hex') };
}

/** @param there how long the target's is; undefined: there is none
 * @returns SHA-256 of what is at the target @throws MoveError */
async function copyBlob(
  source: BlobReader,
  target: ReplaceableBlobs,
  { name, length, digest }: WantedBlob,
  there: number | undefined,
): Promise<string> {
  const wanted = digest ?? (await digestOf(source.read(name)));
  const otherwise =
    digest === undefined
      ? `The sealed blob ${name} was read as something else than before. It was not written.`
      : `The backup was changed: its extent ${name} is not what it says it holds.`;
  if (there === length && (await digestOf(target.read(name))) === wanted) return wanted;
  const pieces = held(source.read(name), wanted, otherwise);
  if (there === undefined) await target.write(name, pieces);
  else await target.replace(name, pieces);
  await requireDigest(target.read(name), wanted, name);
  return wanted;
}

/** The same pieces; at their end it throws unless they were what they have to be, so that nothing is stored of others. */
async function* held(pieces: AsyncIterable<Uint8Array>, wanted: string, otherwise: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest('hex') !== wanted) throw new MoveError(otherwise);
}

/** @throws MoveError */
export async function requireDigest(target: AsyncIterable<Uint8Array>, wanted: string, name: string): Promise<void> {
  if ((await digestOf(target)) === wanted) return;
  throw new MoveError(
    `The sealed blob ${name} was read back at the target as something else. The source was left as it is.`,
  );
}

export async function digestOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/** What a cluster has now. */
export const blobsOf = async (place: AccessiblePlace, owner: Guid): Promise<readonly BlobSummary[]> =>
  listed(await readerAt(place, owner));

async function listed(store: BlobReader): Promise<readonly BlobSummary[]> {
  const all: BlobSummary[] = [];
  for await (const blob of store.list('')) all.push(blob);
  return all;
}

const placedAt = ({ blobs, containerAccess }: AccessiblePlace, owner: Guid) =>
  blobsAt(blobsAt(blobs, containerAccess).partOf(owner), containerAccess);

const readerAt = (place: AccessiblePlace, owner: Guid): Promise<BlobReader> => placedAt(place, owner).reader();
