import { isDeepStrictEqual } from 'node:util';
import type { RandomBytes } from '../base/random.ts';
import type { Catalog } from './catalog/catalog.ts';
import { pagesOf, recordAt } from './catalog/catalog-entries.ts';
import { CatalogSeal } from './catalog/catalog-seal.ts';
import type { CatalogStore } from './catalog/catalog-store.ts';
import { dropHidden } from './catalog/hidden-table.ts';
import { keptAccess } from './catalog/kept-access.ts';
import { headId, recordId } from './catalog/records.ts';
import type { CatalogRecord } from './catalog/records.ts';
import { chunksOf } from './extents/sweeper.ts';

export interface KeepAccessOptions {
  readonly clusterId: string;
  readonly catalog: Catalog;
  readonly store: Pick<CatalogStore, 'setBack'>;
  readonly randomBytes: RandomBytes;
}

/** Ends what set a catalog back to a backup: who may read or do what is as it was right before. Until then nobody uses the catalog.
 * Order: the changes, some in each commit → what was kept for them goes. Whatever ends it, the next opening does all again.
 * @throws CatalogDamagedError, CommitRefusedError */
export async function keepAccess({ clusterId, catalog, store, randomBytes }: KeepAccessOptions): Promise<void> {
  const { setBack } = store;
  if (setBack === undefined || !(await setBack.isThere())) return;
  const now: CatalogRecord[] = [];
  const seal = new CatalogSeal(clusterId, catalog.keys, randomBytes);
  try {
    for await (const page of pagesOf((after) => setBack.load(after)))
      for (const { id, sealed } of page) if (id !== headId) now.push(recordAt(id, seal.open(id, sealed)));
  } finally {
    seal.close();
  }
  const { put, deleted, dropped } = keptAccess(catalog.image.all(), now);
  const changed = put.filter((record) => !isSame(record, catalog.image.get(recordId(record))));
  for (const chunk of chunksOf(dropped))
    await catalog.change((draft) => {
      for (const tableId of chunk) dropHidden(draft, tableId);
    });
  for (const chunk of chunksOf(deleted))
    await catalog.change((draft) => {
      for (const id of chunk) draft.delete(id);
    });
  for (const chunk of chunksOf(changed))
    await catalog.change((draft) => {
      for (const record of chunk) draft.put(record);
    });
  await setBack.clear();
}

const isSame = (left: CatalogRecord, right: CatalogRecord | undefined): boolean => isDeepStrictEqual(left, right);
