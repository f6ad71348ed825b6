import type { Guid } from '../../base/guid.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogImage } from '../catalog/image.ts';
import type { ExtentPageRecord, ExtentRecord } from '../catalog/records.ts';
import { recordId } from '../catalog/records.ts';
import { recordsPerChunk } from './sweeper.ts';

/** So many pages are written anew in one commit: each takes some milliseconds. */
const pagesPerChunk = 8;

/** Extents in lists for a commit each, of so many records and so few pages that it takes a moment only. Each page is written anew once for all that leave it
 * together.
 * @param extents those of a page one after the other; they are taken as the lists are: who goes through them a page after the other opens
 * no more at a time than a commit is about */
export function* removalChunks(
  image: Pick<CatalogImage, 'pageOf'>,
  extents: Iterable<ExtentRecord>,
): Generator<readonly ExtentRecord[]> {
  let chunk: ExtentRecord[] = [];
  const pages = new Set<Guid>();
  for (const extent of extents) {
    const page = image.pageOf(recordId(extent))?.pageId;
    const isOnePageMore = page !== undefined && !pages.has(page) && pages.size >= pagesPerChunk;
    if (chunk.length >= recordsPerChunk || isOnePageMore) {
      yield chunk;
      chunk = [];
      pages.clear();
    }
    chunk.push(extent);
    if (page !== undefined) pages.add(page);
  }
  if (chunk.length > 0) yield chunk;
}

/** Those that have records of their own first, then those of a page one after the other. */
export function byPage(image: Pick<CatalogImage, 'pageOf'>, extents: readonly ExtentRecord[]): readonly ExtentRecord[] {
  const groups = new Map<ExtentPageRecord | undefined, ExtentRecord[]>([[undefined, []]]);
  for (const extent of extents) {
    const page = image.pageOf(recordId(extent));
    const group = groups.get(page);
    if (group) group.push(extent);
    else groups.set(page, [extent]);
  }
  return [...groups.values()].flat();
}

/** Gives extents of more pages than a commit may write anew records of their own, so many in a commit, before one commit changes all of them. Who
 * reads the catalog reads the same; what ends in between is done again, and upkeep puts into pages what is not changed after all. */
export async function takeOutOfPages(catalog: Catalog, extents: readonly ExtentRecord[]): Promise<void> {
  const { image } = catalog;
  const paged = byPage(image, extents).filter((extent) => image.pageOf(recordId(extent)) !== undefined);
  if (new Set(paged.map((extent) => image.pageOf(recordId(extent)))).size <= pagesPerChunk) return;
  for (const chunk of removalChunks(image, paged))
    await catalog.change((draft) => {
      for (const extent of chunk) {
        const now = draft.get(recordId(extent));
        if (now?.kind === 'extent') draft.put(now);
      }
    });
}
