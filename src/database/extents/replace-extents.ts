import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import { invariant } from '../../base/invariant.ts';
import type { CatalogDraft } from '../catalog/catalog-draft.ts';
import type { ExtentRecord } from '../catalog/records.ts';
import type { WrittenExtent } from './extent-writer.ts';
import { takeOutOfPages } from './removals.ts';
import type { TableStore } from './table-store.ts';

/** Puts extents in the place of others, as part of the one commit that does it: the only way in which rows move between extents, so that
 * a row is in one of them before the commit and in one of them after it. Whoever calls it has written the new ones' blobs before, and
 * removes the blobs of the old ones after.
 * @returns false when one of the old ones is there no more (merged, moved, dropped meanwhile): then nothing is changed */
export function replaceExtents(
  draft: CatalogDraft,
  old: readonly Pick<ExtentRecord, 'extentId'>[],
  by: readonly ExtentRecord[],
): boolean {
  if (old.some(({ extentId }) => draft.get(`e/${extentId}`) === undefined)) return false;
  for (const { extentId } of old) draft.delete(`e/${extentId}`);
  for (const extent of by) draft.put(extent);
  return true;
}

/** Drops extents, as part of a commit. @returns those that were there: their blobs are nobody's any more */
export function dropExtents(draft: CatalogDraft, extents: readonly ExtentRecord[]): readonly ExtentRecord[] {
  return extents.filter(({ extentId }) => {
    const isThere = draft.get(`e/${extentId}`) !== undefined;
    if (isThere) draft.delete(`e/${extentId}`);
    return isThere;
  });
}

/** An extent as a commit is to make it: with a blob of its own, or as another record of the blob of one that goes. */
export type NewExtent =
  | WrittenExtent
  | {
      readonly record: Pick<ExtentRecord, 'extentId' | 'tableId' | 'rowCount' | 'tags'>;
      /** Whose blob it is. What else its record says is taken when the commit is planned. */
      readonly of: Guid;
    };

/** The same blob under other tags. */
export function retagged(extent: ExtentRecord, tags: readonly string[], randomBytes: RandomBytes): NewExtent {
  const { extentId: of, tableId, rowCount } = extent;
  return { record: { extentId: newGuid(randomBytes), tableId, rowCount, tags }, of };
}

/** Extents that were to be replaced are there no more. */
export class ExtentsGoneError extends Error {
  override readonly name = 'ExtentsGoneError';
}

const attemptsMax = 5;

/** Does again what extents were moved under, by a merge or another command. @throws ExtentsGoneError when that happens time and again */
export async function onSettledExtents<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ExtentsGoneError) || attempt >= attemptsMax) throw error;
    }
  }
}

/** Order: the blobs of the new extents are durable (the caller's) → one commit with `also`, without the old records, with the new ones →
 * the blobs of old ones that no new one names. Blobs that a failed commit leaves go with the next collection.
 * @throws ExtentsGoneError when nothing was changed, because one of the old ones was not there */
export async function commitExtents(
  { parts: { catalog, writer } }: TableStore,
  old: readonly ExtentRecord[],
  by: readonly NewExtent[],
  also: (draft: CatalogDraft) => void = () => undefined,
): Promise<void> {
  const planned = (draft: CatalogDraft, one: NewExtent): ExtentRecord => {
    if (!('of' in one)) return writer.recordNow(one);
    const current = draft.get(`e/${one.of}`);
    if (current?.kind !== 'extent') throw new ExtentsGoneError();
    const record: ExtentRecord & { epoch?: number } = { ...current, ...one.record };
    delete record.epoch; // it gets that of its table
    return record;
  };
  try {
    await takeOutOfPages(catalog, old);
    await catalog.change((draft) => {
      also(draft);
      const records = by.map((one) => planned(draft, one));
      if (!replaceExtents(draft, old, records)) throw new ExtentsGoneError();
    });
  } finally {
    for (const one of by) if (!('of' in one)) writer.settled(one);
  }
  const kept = new Set(by.flatMap((one) => ('of' in one ? [one.of] : [])));
  invariant(
    [...kept].every((id) => old.some(({ extentId }) => extentId === id)),
    'a blob has one record',
  );
  await writer.remove(old.filter(({ extentId }) => !kept.has(extentId)));
}
