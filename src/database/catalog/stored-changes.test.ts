import { expect, it } from 'vitest';
import { toBase64Url } from '../../base/base64url.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { parseBlobName } from '../../storage/blob-store.ts';
import { CatalogDraft } from './catalog-draft.ts';
import { CatalogImage } from './image.ts';
import type { CatalogRecord, ExtentRecord } from './records.ts';
import { recordId } from './records.ts';
import { storedChanges } from './stored-changes.ts';

const tableId = newGuid(systemRandomBytes);

function extent(rowCount: number): ExtentRecord {
  const blob = parseBlobName(`clusters/${tableId}/${newGuid(systemRandomBytes)}`);
  if (blob === undefined) throw new Error('a blob has a name');
  const wrappedDek = toBase64Url(systemRandomBytes(40));
  return {
    ...{ kind: 'extent', extentId: newGuid(systemRandomBytes), tableId, columnIds: [], ranges: {}, tags: [] },
    sealed: {
      ...{ blob, dekId: newGuid(systemRandomBytes), wrappedDek, algorithm: 'AES_GCM_256' },
      ...{ regionBytes: 4_194_304, regions: 1, length: 100 },
    },
    ...{ rowCount, originalBytes: 1, minCreatedOn: 1, maxCreatedOn: 1 },
  };
}

it('an extent lies in one page, or in its own record, however many changes of one commit ask for it', () => {
  const image = new CatalogImage();
  const [asked, changed, dropped] = [extent(1), extent(2), extent(3)];
  const apply = (changes: ReadonlyMap<string, CatalogRecord | null>): void => {
    for (const [id, record] of changes) image.apply(id, record);
  };
  image.apply(`t/${tableId}`, {
    ...{ kind: 'table', tableId, databaseId: newGuid(systemRandomBytes), name: 'T', columns: [], policies: {} },
    ...{ nextColumnId: 1, mappings: [] },
  } as unknown as CatalogRecord);
  for (const one of [asked, changed, dropped]) image.apply(recordId(one), one);
  const ids = [asked, changed, dropped].map(recordId);
  const draft = new CatalogDraft(image);
  for (let change = 0; change < 2; change += 1) {
    const own = new CatalogDraft(draft);
    own.pack(ids);
    draft.merge(own);
  }
  draft.put({ ...changed, tags: ['later'] });
  draft.delete(recordId(dropped));
  apply(storedChanges(draft, image, { randomBytes: systemRandomBytes }));
  const [page] = image.pagesOf(tableId);
  expect(page?.facts.count).toBe(1);
  expect(image.extentsOf(tableId).map(({ rowCount, tags }) => [rowCount, tags])).toEqual([
    [2, ['later']],
    [1, []],
  ]);
  expect(image.pageOf(recordId(asked))).toBe(page);
});
