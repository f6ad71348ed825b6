import type { KustoAccess } from '../../authz/kusto-roles.ts';
import { readEntities } from '../catalog/read-policies.ts';
import type { ClusterData } from '../cluster-data.ts';

/** Whether a table may be read by unrestricted viewers only, and the caller is none: no other role counts, on the cluster neither.
 * @see Kusto "Restricted view access policy" */
export function isRestricted(
  { databases }: KustoAccess,
  data: Pick<ClusterData, 'database'>,
  database: string,
  table: string,
): boolean {
  const read = readEntities(data.database(database), table);
  if (!read.some(({ policies }) => policies.restricted_view_access?.IsEnabled === true)) return false;
  const lower = database.toLowerCase();
  return databases.find(({ name }) => name.toLowerCase() === lower)?.roles.includes('UnrestrictedViewer') !== true;
}

export const restrictedView = (principal: string, table: string): string =>
  `Principal '${principal}' is not authorized to read table '${table}': it has a restricted view access policy and needs the role UnrestrictedViewer.`;
