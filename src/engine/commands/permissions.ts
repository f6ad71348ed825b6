import type { ClusterRole, CommandContext, DatabaseRole } from './command-context.ts';
import { ForbiddenError } from './forbidden-error.ts';

/** What a command needs, and which roles have it. A role on the cluster counts in each of its databases. There are no principals of single
 * tables and functions, so what the service lets their administrators do needs the database's administrator here.
 * @see Kusto "Role-based access control"; the section "Permissions" on the page of each command */
export const permissionRoles = {
  /** Any principal that may call the cluster. */
  anyone: undefined,
  metadata: {
    database: ['Admin', 'User', 'Viewer', 'Monitor'],
    cluster: ['AllDatabasesAdmin', 'AllDatabasesViewer', 'AllDatabasesMonitor'],
  },
  read: { database: ['Admin', 'User', 'Viewer'], cluster: ['AllDatabasesAdmin', 'AllDatabasesViewer'] },
  create: { database: ['Admin', 'User'], cluster: ['AllDatabasesAdmin'] },
  ingest: { database: ['Admin', 'Ingestor'], cluster: ['AllDatabasesAdmin'] },
  monitor: { database: ['Admin', 'Monitor'], cluster: ['AllDatabasesAdmin', 'AllDatabasesMonitor'] },
  admin: { database: ['Admin'], cluster: ['AllDatabasesAdmin'] },
  clusterMonitor: { database: [], cluster: ['AllDatabasesAdmin', 'AllDatabasesMonitor'] },
  clusterAdmin: { database: [], cluster: ['AllDatabasesAdmin'] },
} as const satisfies Record<
  string,
  { readonly database: readonly DatabaseRole[]; readonly cluster: readonly ClusterRole[] } | undefined
>;

export type Permission = keyof typeof permissionRoles;

export function isAllowed(context: CommandContext, permission: Permission, database: string): boolean {
  const row: { readonly database: readonly DatabaseRole[]; readonly cluster: readonly ClusterRole[] } | undefined =
    permissionRoles[permission];
  if (row === undefined || context.clusterRoles.some((role) => row.cluster.includes(role))) return true;
  const lower = database.toLowerCase();
  const roles = context.databases.find(({ name }) => name.toLowerCase() === lower)?.roles ?? [];
  return roles.some((role) => row.database.includes(role));
}

/** @param command the parser's name of it
 * @throws ForbiddenError that names the roles any of which would do */
export function requirePermission(
  context: CommandContext,
  permission: Permission,
  database: string,
  command: string,
): void {
  if (isAllowed(context, permission, database)) return;
  const roles = permissionRoles[permission];
  const onDatabase = roles?.database.map((role) => `database ${role}`) ?? [];
  const place = onDatabase.length === 0 ? `cluster '${context.cluster.name}'` : `database '${database.slice(0, 200)}'`;
  throw new ForbiddenError(
    `Principal '${context.caller.fqn}' is not authorized to perform operation '${command}' on ${place}: it needs one of the roles ${[
      ...onDatabase,
      ...(roles?.cluster ?? []),
    ].join(', ')}.`,
  );
}
