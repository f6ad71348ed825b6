import type { Guid } from '../../base/guid.ts';
import { hiddenTable } from '../../kql/plan/hidden-tables.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import { ticksPerMillisecond, unixEpochTicks } from '../../kql/values/ticks.ts';
import type { CatalogDraft } from '../catalog/catalog-draft.ts';
import { ingestionOf } from '../catalog/ingestion-order.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import { touch } from '../catalog/table-changes.ts';
import { viewView, withNewView, withoutSecurity } from '../catalog/views.ts';
import type { WrittenExtent } from '../extents/extent-writer.ts';
import { openDelta } from '../extents/view-rows.ts';
import type { ViewCreation } from './materialized-views.ts';
import type { MaterializerParts } from './materializer.ts';
import type { ViewShape } from './view-records.ts';
import { newView } from './view-records.ts';
import { databaseOfView, writeStates } from './view-states.ts';

/** A view with what its source has already. Order: the rows of the source up to the newest commit → blob → one commit with the view and its
 * extent; before that there is no view.
 * @param requireFree called in the commit */
export async function backfilledView(
  parts: MaterializerParts,
  ids: { readonly databaseId: Guid; readonly tableId: Guid },
  asked: ViewCreation,
  shape: ViewShape,
  requireFree: (draft: CatalogDraft) => void,
): Promise<ViewRecord> {
  const { store } = parts;
  const { catalog, writer, now, operations } = store.parts;
  const note = operations.begin('MaterializedView');
  const after = asked.backfill?.after;
  const times = { materializedTo: catalog.ingestedTo, effectiveOn: after ?? now() };
  const record = newView(ids, asked, shape, times);
  const from: ViewRecord = {
    ...record,
    view: { ...record.view, materializedTo: after === undefined ? 0 : ingestionOf(after) },
  };
  return writer.retried(async () => {
    const extent = await writeStates(parts, {
      record,
      catalog: catalogWith(parts.catalog(), databaseOfView(store, ids), record),
      open: (database, table, uses) =>
        hiddenTable(table)?.kind === 'view'
          ? openDelta(store.viewRows(), () => from, { uses, until: times.materializedTo })
          : store.openNamed(database, table, undefined, uses),
      signal: asked.signal,
    });
    const dated = extent && asked.updatesCreationTime === true ? asOldAsItsGroups(extent, record) : extent;
    const commit = catalog.change((draft) => {
      requireFree(draft);
      draft.put(record);
      touch(draft, record.databaseId);
      if (dated !== undefined) {
        draft.put(writer.recordNow(dated));
        note(draft, record, [dated.record]);
      }
      return record;
    });
    const made = await writer.committing(dated, commit);
    if (dated !== undefined) writer.settled(dated);
    return made;
  });
}

const catalogWith = (catalog: KqlCatalog, database: string, record: ViewRecord): KqlCatalog =>
  withNewView(withoutSecurity(catalog), database, viewView(record, database), 'delta');

/** By the first datetime that its rows are grouped by, as far as the times are known and have been. */
function asOldAsItsGroups({ record, ...written }: WrittenExtent, view: ViewRecord): WrittenExtent {
  const key = view.columns.find(({ name, type }) => type === 'datetime' && view.view.keys.includes(name));
  const range = key && record.ranges[key.columnId];
  if (range === undefined) return { record, ...written };
  const [least, greatest] = range.map((ticks) => Number((BigInt(ticks) - unixEpochTicks) / ticksPerMillisecond));
  const clipped = (time = record.minCreatedOn): number => Math.max(0, Math.min(time, record.minCreatedOn));
  return { ...written, record: { ...record, minCreatedOn: clipped(least), maxCreatedOn: clipped(greatest) } };
}
