import type { KustoAccess } from '../../authz/kusto-roles.ts';
import { hiddenTable } from '../../kql/plan/hidden-tables.ts';
import { readEntities, snapshotRead } from '../catalog/read-policies.ts';
import type { ClusterData } from '../cluster-data.ts';

/** Why a caller may not read what a plan names, whatever its roles are beside: tables with a restricted view access policy are for unrestricted
 * viewers only, and so are snapshots of graphs that were made of them; a snapshot of what has row level security would show everybody
 * what its maker sees.
 * @see Kusto "Restricted view access policy" */
export function refusalToRead(
  { databases }: KustoAccess,
  data: Pick<ClusterData, 'database'>,
  database: string,
  table: string,
  principal: string,
): string | undefined {
  const names = data.database(database);
  const read = readEntities(names, table);
  const snapshot = snapshotRead(names, table);
  const secured = read.find(({ policies }) => policies.row_level_security?.IsEnabled === true);
  if (snapshot !== undefined && secured !== undefined)
    return `Principal '${principal}' is not authorized to read the graph snapshot '${snapshot.name}': it was made of '${secured.name}', which has row level security.`;
  const isRestricted =
    snapshot?.isRestricted === true || read.some(({ policies }) => policies.restricted_view_access?.IsEnabled === true);
  const lower = database.toLowerCase();
  const own = databases.find(({ name }) => name.toLowerCase() === lower)?.roles ?? [];
  if (!isRestricted || own.includes('UnrestrictedViewer')) return undefined;
  const hidden = hiddenTable(table);
  const what =
    hidden?.kind === 'view'
      ? `materialized view '${hidden.view}'`
      : `${snapshot === undefined ? 'table' : 'graph snapshot'} '${snapshot?.name ?? table}'`;
  return `Principal '${principal}' is not authorized to read ${what}: it has a restricted view access policy and needs the role UnrestrictedViewer.`;
}
