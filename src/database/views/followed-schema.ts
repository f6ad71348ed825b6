import { createHash } from 'node:crypto';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import type { CatalogReader } from '../catalog/image.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import { currentView, findView } from '../catalog/materialized-view.ts';
import { findTable, touch } from '../catalog/table-changes.ts';
import { lookbackOf } from '../catalog/view-facts.ts';
import { withoutSecurity } from '../catalog/views.ts';
import type { TableStore } from '../extents/table-store.ts';
import type { DataQueries } from '../ingest/update-query.ts';
import { requireViewQuery } from './view-query.ts';
import { alteredView } from './view-records.ts';
import { databaseOfView } from './view-states.ts';

export interface FollowingParts {
  readonly store: TableStore;
  readonly queries: DataQueries;
  readonly catalog: () => KqlCatalog;
}

/** Whether a view that follows the columns of its source has not seen them as they are. */
export function isBehindSource(reader: CatalogReader, record: ViewRecord): boolean {
  const { autoUpdateSchema, sourceColumns } = record.view;
  if (!autoUpdateSchema) return false;
  const seen = columnsOfSource(reader, record);
  return seen !== undefined && seen !== sourceColumns;
}

/** Gives a view the columns that its query makes of its source as it is now, as `.alter` with the same query would. In one commit, and only
 * if the source is still so then.
 * @throws DataError for a query that is none any more
 * @see Kusto ".create materialized-view", autoUpdateSchema */
export async function followSource(
  { store, queries, catalog: names }: FollowingParts,
  record: ViewRecord,
): Promise<void> {
  const { catalog } = store.parts;
  const { name, view } = record;
  const seen = columnsOfSource(catalog.image, record);
  const { query, source, isOverView, dimensionTables } = view;
  const asked = { database: databaseOfView(store, record), name, query, source, isOverView, dimensionTables };
  const shape = await requireViewQuery(queries, withoutSecurity(names()), { ...asked, lookback: lookbackOf(view) });
  await catalog.change((draft) => {
    const found = currentView(draft, record);
    if (columnsOfSource(draft, found) !== seen) return;
    const altered = alteredView(found, asked, shape);
    touch(draft, found.databaseId);
    draft.put({ ...altered, view: { ...altered.view, ...(seen !== undefined && { sourceColumns: seen }) } });
  });
}

/** A digest: there may be thousands. @returns undefined where there is no source any more */
function columnsOfSource(reader: CatalogReader, { databaseId, view }: ViewRecord): string | undefined {
  const source = (view.isOverView ? findView : findTable)(reader, databaseId, view.source);
  if (source === undefined) return undefined;
  const columns = (source.view?.columns ?? source.columns).map(({ name, type }) => [name, type]);
  return createHash('sha256').update(JSON.stringify(columns)).digest('base64url');
}
