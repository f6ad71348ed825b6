import { extentsPerPage as mostPerPage } from '../catalog/extent-page.ts';
import { isHidden } from '../catalog/record-groups.ts';
import type { ExtentRecord, TableRecord } from '../catalog/records.ts';
import { recordId } from '../catalog/records.ts';
import { mayMergeNoMore } from './merge-policy.ts';
import { chunksOf } from './sweeper.ts';
import type { TableStore } from './table-store.ts';
import { ingestionColumn } from './tail-table.ts';

const pagesPerCommit = 4;

/** Puts extents that are not merged any more into pages, whole ones, so many a commit: with few it does nothing. Whoever reads the catalog reads the
 * same before and after. What lies in a page is not looked at by merges again, also when their policy becomes another one. */
export async function packExtents(store: TableStore, table: TableRecord, extentsPerPage = mostPerPage): Promise<void> {
  const { catalog, now } = store.parts;
  if (isHidden(table)) return;
  const found = catalog.image.extentsAlone(table.tableId);
  if (found.length < extentsPerPage * 2) return;
  const policies = { merge: store.policy(table, 'merge'), sharding: store.policy(table, 'sharding') };
  const [periods, at] = [store.periods(table), now()];
  const settled = found.filter((extent) => mayMergeNoMore(extent, policies, periods, at)).sort(inTime);
  const whole = settled.slice(0, settled.length - (settled.length % extentsPerPage));
  for (const chunk of chunksOf(whole, extentsPerPage * pagesPerCommit))
    await catalog.change((draft) => draft.pack(chunk.map(recordId)));
}

/** By when their rows were ingested, then by the first column that has values to compare: what is looked for together lies together. */
function inTime(left: ExtentRecord, right: ExtentRecord): number {
  if (left.minCreatedOn !== right.minCreatedOn) return left.minCreatedOn - right.minCreatedOn;
  const [one, other] = [left, right].map(({ columnIds, ranges }) => {
    const first = columnIds.find((id) => id !== ingestionColumn.columnId && ranges[id] !== undefined);
    return BigInt((first === undefined ? undefined : ranges[first]?.[0]) ?? 0);
  });
  return one === undefined || other === undefined || one === other ? 0 : one < other ? -1 : 1;
}
