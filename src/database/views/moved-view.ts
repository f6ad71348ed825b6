import type { Guid } from '../../base/guid.ts';
import type { Column } from '../../kql/plan/types.ts';
import { ingestedState } from '../../kql/plan/view-lookback.ts';
import { dataError } from '../catalog/data-error.ts';
import type { CatalogDraft } from '../catalog/catalog-draft.ts';
import type { CatalogImage } from '../catalog/image.ts';
import { ingestionOf } from '../catalog/ingestion-order.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import { requireTable, touch } from '../catalog/table-changes.ts';
import type { ExtentRecord } from '../catalog/records.ts';
import { eachExtent, everyExtent } from '../extents/chosen-extents.ts';
import { columnsText } from '../extents/extent-moves.ts';
import type { Merger } from '../extents/merger.ts';
import { movedExtent } from '../extents/moved-extents.ts';
import { createdAfter } from '../extents/periods.ts';
import type { NewExtent } from '../extents/replace-extents.ts';
import { commitExtents, ExtentsGoneError, onSettledExtents } from '../extents/replace-extents.ts';
import type { ViewCreation } from './materialized-views.ts';
import type { MaterializerParts } from './materializer.ts';
import type { ViewShape } from './view-records.ts';
import { newView } from './view-records.ts';

/** Extents that one command may move. */
const extentsMax = 10_000;

/** A view that gets the extents of a table, which loses them. Order: the log of the table becomes an extent → what has to be written anew,
 * because the view calls its columns otherwise → blob → one commit with the view and its extents; before that there is no view.
 * @param requireFree called in the commit
 * @throws DataError `InvalidView` | `ExtentsChanged` @see Kusto "Backfill by move extents" */
export async function movedView(
  { store, randomBytes }: MaterializerParts,
  merger: Merger,
  ids: { readonly databaseId: Guid; readonly tableId: Guid },
  asked: ViewCreation & { readonly moved: NonNullable<ViewCreation['moved']> },
  shape: ViewShape,
  requireFree: (draft: CatalogDraft) => void,
): Promise<ViewRecord> {
  const { catalog, writer, now } = store.parts;
  const { table: name, after, sourceAfter } = asked.moved;
  const at = now();
  const record = newView(ids, asked, shape, { materializedTo: 0, effectiveOn: after ?? at });
  const fromNow = (): ViewRecord => ({
    ...record,
    view: {
      ...record.view,
      materializedTo:
        sourceAfter === undefined ? catalog.ingestedTo : Math.min(ingestionOf(sourceAfter), catalog.ingestedTo),
    },
  });

  const attempt = async (): Promise<ViewRecord> => {
    await merger.flush(requireTable(catalog.image, ids.databaseId, name));
    const from = requireTable(catalog.image, ids.databaseId, name);
    requireSameRows(shape, from.columns, name);
    const old = movableExtents(catalog.image, from.tableId, after);
    const came: NewExtent[] = [];
    try {
      for (const extent of old) {
        asked.signal?.throwIfAborted();
        const made = await movedExtent({ store, randomBytes }, extent, from, record);
        if (made !== undefined) came.push(made);
      }
      let made = record;
      await commitExtents(store, old, came, (draft) => {
        requireFree(draft);
        if (columnsText(store.current(draft, from)) !== columnsText(from)) throw new ExtentsGoneError();
        made = fromNow();
        draft.put(made);
        touch(draft, ids.databaseId);
      });
      return made;
    } finally {
      for (const extent of came) if (!('of' in extent)) writer.settled(extent);
    }
  };

  try {
    return await onSettledExtents(() => writer.retried(attempt));
  } catch (error) {
    throw error instanceof ExtentsGoneError ? dataError('ExtentsChanged', name) : error;
  }
}

/** Those with rows that were made after a moment; pages are asked by what is known of them, and what is too much is not opened.
 * @throws DataError `InvalidView` for more than `max` */
export function movableExtents(
  image: Pick<CatalogImage, 'extentsAndPagesOf' | 'pages'>,
  tableId: Guid,
  after: number | undefined,
  max = extentsMax,
): readonly ExtentRecord[] {
  const newer = after === undefined ? everyExtent : createdAfter(after);
  const found: ExtentRecord[] = [];
  for (const one of image.extentsAndPagesOf(tableId)) {
    const certain = one.kind === 'extentPage' && newer.ofPage(one.facts) === 'all' ? one.facts.count : 0;
    const left = max - found.length;
    const own = certain > left ? [] : [...eachExtent([one], newer, (page) => image.pages.opened(page))];
    if (Math.max(certain, own.length) > left)
      throw dataError('InvalidView', `At most ${max} extents can be moved into a materialized view.`);
    found.push(...own);
  }
  return found;
}

/** @throws DataError `InvalidView` where rows of the view are no rows of its stored part, or the table has other columns than the view */
function requireSameRows({ parts, columns }: ViewShape, own: readonly Column[], table: string): void {
  const text = (some: readonly Column[]): string =>
    some
      .map(({ name, type }) => `${name}:${type}`)
      .toSorted()
      .join(', ');
  // Rows that come so have no time of a lookback.
  if (text(parts.states.filter(({ name }) => name !== ingestedState.name)) !== text(columns))
    throw dataError(
      'InvalidView',
      'Extents cannot be moved into a materialized view with such aggregations, of which it keeps more than they give.',
    );
  if (text(own) !== text(columns))
    throw dataError(
      'InvalidView',
      `Extents of '${table}' cannot be moved into the materialized view: the table has the columns (${text(own)}), the view (${text(columns)}).`,
    );
}
