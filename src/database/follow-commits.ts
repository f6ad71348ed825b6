import type { Catalog } from './catalog/catalog.ts';
import type { FollowedRecord } from './catalog/catalog-follow.ts';
import { goneFrom } from './catalog/extent-page.ts';
import { ofKind } from './catalog/image.ts';
import type { ExtentRecord } from './catalog/records.ts';
import { recordId } from './catalog/records.ts';
import type { ExtentWriter } from './extents/extent-writer.ts';
import type { LogBook } from './extents/log-book.ts';

/** Takes over what another process has committed, in one turn: whoever sees the catalog sees the log of the same moment. Of extents that are gone
 * nothing is kept in memory, once nobody reads them.
 * @throws CatalogDamagedError */
export function followCommits(
  { catalog, log, writer }: { readonly catalog: Catalog; readonly log: LogBook; readonly writer: ExtentWriter },
  changed: readonly FollowedRecord[],
): void {
  const before = changed.flatMap(({ id }) => {
    const record = catalog.image.stored(id);
    return record?.kind === 'extent' || record?.kind === 'extentPage' ? record : [];
  });
  log.follow(catalog.follow(changed), catalog.image, catalog.keys);
  const left = before.flatMap((record) =>
    record.kind === 'extent'
      ? record
      : goneFrom(record, ofKind(catalog.image.stored(recordId(record)), 'extentPage')[0]),
  );
  const gone = left.filter((extent) => !isSameFile(extent, catalog.image.extentAt(recordId(extent))));
  void writer.forget(gone).catch(() => undefined); // it goes with this process at the latest
}

const isSameFile = (extent: ExtentRecord, now: ExtentRecord | undefined): boolean =>
  now?.sealed.dekId === extent.sealed.dekId;
