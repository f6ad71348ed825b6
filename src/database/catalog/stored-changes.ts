import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import { extentsPerPage as mostPerPage, makePage, pageWithout } from './extent-page.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import type { CatalogImage } from './image.ts';
import { ofKind } from './image.ts';
import type { CatalogRecord, ExtentPageRecord, ExtentRecord } from './records.ts';
import { recordId } from './records.ts';

/** What a commit writes of what it changes, by the ids of stored records: an extent that goes, or becomes another one, leaves its page, which
 * is written anew without it; those that are to lie in pages go from their own records into new pages. */
export function storedChanges(
  { changes, packed }: Pick<CatalogDraft, 'changes' | 'packed'>,
  image: Pick<CatalogImage, 'stored' | 'pages'>,
  {
    randomBytes,
    extentsPerPage = mostPerPage,
  }: { readonly randomBytes: RandomBytes; readonly extentsPerPage?: number },
): ReadonlyMap<string, CatalogRecord | null> {
  const stored = new Map(changes);
  const left = new Map<ExtentPageRecord, Set<number>>();
  for (const [id, record] of changes) {
    const found = image.stored(id) === undefined ? image.pages.find(id) : undefined;
    if (found === undefined) continue;
    if (record === null) stored.delete(id);
    left.set(found.page, (left.get(found.page) ?? new Set()).add(found.place));
  }
  for (const [page, gone] of left)
    if (!stored.has(recordId(page)))
      stored.set(
        recordId(page),
        pageWithout(page, gone, (place) => image.pages.extent({ page, place })),
      );
  const extents = [...new Set(packed)].flatMap((id) => (changes.has(id) ? [] : ofKind(image.stored(id), 'extent')));
  for (const alike of grouped(extents))
    for (let at = 0; at < alike.length; at += extentsPerPage) {
      const page = makePage(newGuid(randomBytes), alike.slice(at, at + extentsPerPage));
      stored.set(recordId(page), page);
    }
  for (const extent of extents) stored.set(recordId(extent), null);
  return stored;
}

/** Pages that changes of extents, by the ids of their records, write anew. */
export const pagesChanged = (
  changes: CatalogDraft['changes'],
  image: Pick<CatalogImage, 'pageOf'>,
): readonly ExtentPageRecord[] => [...changes.keys()].flatMap((id) => image.pageOf(id) ?? []);

/** Those of a page are of one table, and of one epoch of it. */
function grouped(extents: readonly ExtentRecord[]): Iterable<readonly ExtentRecord[]> {
  const groups = new Map<string, ExtentRecord[]>();
  for (const extent of extents) {
    const key = `${extent.tableId} ${extent.epoch ?? 0}`;
    const group = groups.get(key);
    if (group) group.push(extent);
    else groups.set(key, [extent]);
  }
  return groups.values();
}
