import { blobsIn } from '../catalog/extent-page.ts';
import type { CatalogImage } from '../catalog/image.ts';
import type { ExtentPageRecord } from '../catalog/records.ts';

/** So many pages are read in one turn of the event loop. */
const pagesPerTurn = 16;

/** The blobs that the catalog names, at the end at the latest: it may also have those that were named when it began. Pages are read first, some in
 * each turn; then, in one turn, what there is and was not read yet. */
export async function namedBlobs(image: Pick<CatalogImage, 'everything'>): Promise<ReadonlySet<string>> {
  const named = new Set<string>();
  const read = new Set<ExtentPageRecord>();
  const readPage = (page: ExtentPageRecord): void => {
    if (read.has(page)) return;
    read.add(page);
    for (const blob of blobsIn(page)) named.add(blob);
  };
  for (const [index, page] of pagesIn(image).entries()) {
    readPage(page);
    if (index % pagesPerTurn === pagesPerTurn - 1) await new Promise((resolve) => setImmediate(resolve));
  }
  for (const record of image.everything()) {
    if (record.kind === 'extentPage') readPage(record);
    if (record.kind === 'extent') for (const blob of blobsIn(record)) named.add(blob);
    if (record.kind === 'stagedBlob' || record.kind === 'stagedBlock')
      for (const { blob } of record.pieces) named.add(blob);
  }
  return named;
}

function pagesIn(image: Pick<CatalogImage, 'everything'>): readonly ExtentPageRecord[] {
  const pages: ExtentPageRecord[] = [];
  for (const record of image.everything()) if (record.kind === 'extentPage') pages.push(record);
  return pages;
}
