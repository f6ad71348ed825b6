import { newGuid } from '../../base/new-guid.ts';
import type { Guid } from '../../base/guid.ts';
import type { Policies } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import { dropHidden } from '../catalog/hidden-table.ts';
import type { CatalogReader } from '../catalog/image.ts';
import { CatalogDraft } from '../catalog/catalog-draft.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import { currentView, requireView, viewsOf } from '../catalog/materialized-view.ts';
import { requireText, touch } from '../catalog/table-changes.ts';
import { setPolicy } from '../catalog/setting-changes.ts';
import { lookbackOf } from '../catalog/view-facts.ts';
import { withoutSecurity } from '../catalog/views.ts';
import type { Merger } from '../extents/merger.ts';
import { extentView } from '../extents/extent-service.ts';
import { hasRowsToCome, sourceOfView } from '../extents/view-rows.ts';
import type { TableRecord } from '../catalog/records.ts';
import type { MaterializedViews, ViewCreation, ViewDefinition } from './materialized-views.ts';
import type { Materializer, MaterializerParts } from './materializer.ts';
import { backfilledView } from './backfill.ts';
import { movedView } from './moved-view.ts';
import { requireViewQuery } from './view-query.ts';
import type { ViewShape } from './view-records.ts';
import { alteredView, newView, requireFreeName, requireLookback, withLookback } from './view-records.ts';

export function createMaterializedViews(
  parts: MaterializerParts,
  materializer: Materializer,
  merger: Merger,
): MaterializedViews {
  const { store, queries, catalog: names, randomBytes } = parts;
  const { catalog, sweeper, now } = store.parts;
  const idOf = (database: string): Guid => store.database(database).databaseId;
  const view = (database: string, name: string): ViewRecord => requireView(catalog.image, idOf(database), name);

  const change = <T>(
    database: string,
    name: string,
    plan: (draft: CatalogDraft, record: ViewRecord) => T,
  ): Promise<T> => {
    const databaseId = idOf(database);
    return catalog.change((draft) => {
      const result = plan(draft, requireView(draft, databaseId, name));
      touch(draft, databaseId);
      return result;
    });
  };
  const put = (draft: CatalogDraft, record: ViewRecord): ViewRecord => {
    draft.put(record);
    return record;
  };

  /** What its query makes of its source as it is now. @throws DataError */
  const shapeOf = async (asked: ViewDefinition): Promise<ViewShape> => {
    const databaseId = idOf(asked.database);
    requireSource(catalog.image, databaseId, asked);
    const shape = await requireViewQuery(queries, withoutSecurity(names()), {
      ...{ database: asked.database, query: asked.query, source: asked.source, isOverView: asked.isOverView },
      dimensionTables: asked.dimensionTables ?? [],
      lookback: lookbackOf(asked),
    });
    requireNoLeak(catalog.image, databaseId, asked, shape);
    return shape;
  };

  return {
    materializedViews: (database) =>
      viewsOf(catalog.image, idOf(database)).sort((left, right) => (left.name < right.name ? -1 : 1)),
    materializedView: view,

    async createMaterializedView(asked: ViewCreation) {
      const databaseId = idOf(asked.database);
      const shape = await shapeOf(asked);
      const ids = { databaseId, tableId: newGuid(randomBytes) };
      const requireFree = (draft: CatalogDraft): void => {
        requireFreeName(draft, databaseId, asked.name);
        requireSource(draft, databaseId, asked);
        requireNoLeak(draft, databaseId, asked, shape);
      };
      requireFree(new CatalogDraft(catalog.image));
      const { moved } = asked;
      if (moved !== undefined) return movedView(parts, merger, ids, { ...asked, moved }, shape, requireFree);
      if (asked.backfill !== undefined) return backfilledView(parts, ids, asked, shape, requireFree);
      const at = now();
      // What is ingested from the commit on is in it: the newest commit before that is where it begins.
      const record = newView(ids, asked, shape, { materializedTo: 0, effectiveOn: at });
      return catalog.change((draft) => {
        requireFree(draft);
        touch(draft, databaseId);
        return put(draft, { ...record, view: { ...record.view, materializedTo: catalog.ingestedTo } });
      });
    },

    async alterMaterializedView(asked) {
      const { dimensionTables, lookback = null, lookbackColumn } = view(asked.database, asked.name).view;
      const kept = { dimensionTables, lookback, ...(lookbackColumn !== undefined && { lookbackColumn }) };
      const shape = await shapeOf({ ...kept, ...asked });
      return change(asked.database, asked.name, (draft, record) => put(draft, alteredView(record, asked, shape)));
    },

    async setMaterializedViewText(database, name, { folder, docstring, autoUpdateSchema, lookback }) {
      if (typeof lookback === 'string') {
        const { view: facts } = view(database, name);
        await shapeOf({ database, name, ...facts, lookback, ignoresSecurity: true });
      }
      return change(database, name, (draft, record) => {
        const facts = record.view;
        if (autoUpdateSchema === true && !facts.picksAll)
          throw dataError(
            'InvalidView',
            'autoUpdateSchema is for materialized views of one arg_max(…, *), arg_min(…, *) or take_any(*) only.',
          );
        if (lookback !== undefined)
          requireLookback(
            { lookback, ...(facts.lookbackColumn !== undefined && { lookbackColumn: facts.lookbackColumn }) },
            { parts: { picks: facts.picks, states: record.columns }, columns: facts.columns },
          );
        const altered = withLookback(record, lookback);
        return put(draft, {
          ...altered,
          folder: requireText(folder ?? record.folder),
          docstring: requireText(docstring ?? record.docstring),
          view: { ...altered.view, autoUpdateSchema: autoUpdateSchema ?? facts.autoUpdateSchema },
        });
      });
    },

    async setMaterializedViewPolicy<Name extends keyof Policies>(
      database: string,
      name: string,
      policy: Name,
      value: NonNullable<Policies[Name]> | null,
    ) {
      await change(database, name, (draft, table) =>
        setPolicy(draft, { databaseId: table.databaseId, table }, policy, value),
      );
    },

    enableMaterializedView: (database, name, { isEnabled, ignoresSecurity }) =>
      change(database, name, (draft, record) => {
        if (record.view.isEnabled === isEnabled)
          throw dataError(
            'InvalidView',
            `The materialized view '${name}' is already ${isEnabled ? 'enabled' : 'disabled'}.`,
          );
        const source = sourceOfView(draft, record);
        if (isEnabled && !ignoresSecurity && isLeak(record, source))
          throw dataError(
            'InvalidView',
            `The materialized view '${name}' has no row level security policy, and its source '${source.name}' has one: it is enabled with allowMaterializedViewsWithoutRowLevelSecurity only.`,
          );
        return put(draft, { ...record, view: { ...record.view, isEnabled } });
      }),

    renameMaterializedView: (database, name, to) =>
      change(database, name, (draft, record) => {
        requireFreeName(draft, record.databaseId, to);
        const above = viewsOver(draft, record);
        if (above !== undefined)
          throw dataError(
            'InvalidView',
            `The materialized view '${above.name}' is over '${name}': it would have no source.`,
          );
        draft.put({ ...record, name: to });
      }),

    async dropMaterializedView(database, name) {
      await change(database, name, (draft, record) => {
        const above = viewsOver(draft, record);
        if (above !== undefined)
          throw dataError('InvalidView', `The materialized view '${above.name}' is over '${name}': drop that first.`);
        dropHidden(draft, record.tableId);
      });
      await sweeper.sweepSome();
    },

    async clearMaterializedView(database, name) {
      const record = view(database, name);
      const extents = catalog.image.extentsOf(record.tableId).map((extent) => extentView(store, extent, record));
      await catalog.change((draft) => {
        draft.clearTable(currentView(draft, record).tableId);
      });
      await sweeper.sweepSome();
      return extents;
    },

    materializedViewExtents: (database, name) => {
      const record = view(database, name);
      return catalog.image.extentsOf(record.tableId).map((extent) => extentView(store, extent, record));
    },
    hasRowsToCome: (record) =>
      catalog.ingestedTo > record.view.materializedTo && hasRowsToCome(store.viewRows(), record),
    materialize: (database, name) => materializer.run(view(database, name)),
  };
}

/** Whether a view shows what row level security of its source hides. */
const isLeak = (view: ViewRecord, source: TableRecord): boolean =>
  source.policies.row_level_security?.IsEnabled === true &&
  view.view.picks !== undefined &&
  view.policies.row_level_security === undefined;

const viewsOver = (draft: CatalogDraft, { databaseId, name }: ViewRecord): ViewRecord | undefined =>
  viewsOf(draft, databaseId).find(({ view }) => view.isOverView && view.source === name);

/** @throws DataError for a source that a view cannot be over */
function requireSource(reader: CatalogReader, databaseId: Guid, asked: ViewDefinition): void {
  const { source, isOverView, name, dimensionTables = [] } = asked;
  const found = sourceOfView(reader, { databaseId, view: { source, isOverView } });
  if (found.view !== undefined && !(found.view.picks === 'take_any' && found.view.picksAll))
    throw dataError(
      'InvalidView',
      `The materialized view '${name}' cannot be over '${source}': a source that is a materialized view must be of type take_any(*).`,
    );
  if (found.policies.ingestiontime?.IsEnabled === false)
    throw dataError(
      'InvalidView',
      `The materialized view '${name}' cannot be over '${source}', whose IngestionTime policy is not enabled.`,
    );
  for (const table of [
    found,
    ...dimensionTables.map((one) => sourceOfView(reader, { databaseId, view: { source: one, isOverView: false } })),
  ]) {
    if (table.policies.restricted_view_access?.IsEnabled === true)
      throw dataError(
        'InvalidView',
        `The materialized view '${name}' cannot be over '${table.name}', which has a restricted view access policy.`,
      );
  }
}

/** A view of rows of its source would show what is hidden there; one that counts and sums may. @throws DataError
 * @see Kusto ".create materialized-view", allowMaterializedViewsWithoutRowLevelSecurity */
function requireNoLeak(
  reader: CatalogReader,
  databaseId: Guid,
  { source, isOverView, name, ignoresSecurity = false, dimensionTables = [] }: ViewDefinition,
  { parts }: ViewShape,
): void {
  if (ignoresSecurity) return;
  const tables = dimensionTables.map((one) => ({ source: one, isOverView: false }));
  for (const view of parts.picks === undefined ? tables : [{ source, isOverView }, ...tables]) {
    const table = sourceOfView(reader, { databaseId, view });
    if (table.policies.row_level_security?.IsEnabled === true)
      throw dataError(
        'InvalidView',
        `The materialized view '${name}' cannot be over '${table.name}', which has a row level security policy, unless allowMaterializedViewsWithoutRowLevelSecurity is set.`,
      );
  }
}
