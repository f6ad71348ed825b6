import type { KustoAccess } from '../../authz/kusto-roles.ts';
import { hiddenTable } from '../../kql/plan/hidden-tables.ts';
import type { DatabaseView, ViewView } from '../catalog/catalog-view.ts';
import type { ClusterData } from '../cluster-data.ts';

/** Whether a table may be read by unrestricted viewers only, and the caller is none: no other role counts, on the cluster neither.
 * @see Kusto "Restricted view access policy" */
export function isRestricted(
  { databases }: KustoAccess,
  data: Pick<ClusterData, 'database'>,
  database: string,
  table: string,
): boolean {
  const { tables, views } = data.database(database);
  // Whoever reads a materialized view reads rows of its source.
  let view = viewOf(table, views);
  for (let depth = 0; view?.isOverView === true && depth < views.size; depth += 1) view = views.get(view.source);
  const policy = tables.get(view?.source ?? table)?.policies.restricted_view_access;
  if (policy?.IsEnabled !== true) return false;
  const lower = database.toLowerCase();
  return databases.find(({ name }) => name.toLowerCase() === lower)?.roles.includes('UnrestrictedViewer') !== true;
}

const viewOf = (table: string, views: DatabaseView['views']): ViewView | undefined => {
  const hidden = hiddenTable(table);
  return hidden?.kind === 'view' ? views.get(hidden.view) : undefined;
};

export const restrictedView = (principal: string, table: string): string =>
  `Principal '${principal}' is not authorized to read table '${table}': it has a restricted view access policy and needs the role UnrestrictedViewer.`;
