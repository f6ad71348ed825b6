import type { ClusterRole, AllowedRequest, DatabaseRole, WireDatabase } from './wire-protocol.ts';
import { kustoError } from './kusto-error.ts';

/** What a request wants to do with a database. */
export type DatabaseRight = 'view' | 'ingest' | 'monitor' | 'use' | 'admin';

/** Who has which right. `use` is to create tables and functions. @see Kusto "Role-based access control" */
const grants: { readonly [Right in DatabaseRight]: readonly (ClusterRole | DatabaseRole)[] } = {
  view: ['AllDatabasesAdmin', 'AllDatabasesViewer', 'Admin', 'User', 'Viewer', 'UnrestrictedViewer'],
  ingest: ['AllDatabasesAdmin', 'Admin', 'Ingestor'],
  monitor: [
    'AllDatabasesAdmin',
    'AllDatabasesViewer',
    'AllDatabasesMonitor',
    'Admin',
    'User',
    'Viewer',
    'UnrestrictedViewer',
    'Ingestor',
    'Monitor',
  ],
  use: ['AllDatabasesAdmin', 'Admin', 'User'],
  admin: ['AllDatabasesAdmin', 'Admin'],
};

const described: { readonly [Right in DatabaseRight]: string } = {
  view: 'viewer',
  ingest: 'ingestor',
  monitor: 'monitor',
  use: 'user',
  admin: 'admin',
};

export const hasRight = (
  access: Pick<AllowedRequest, 'clusterRoles'>,
  database: WireDatabase,
  right: DatabaseRight,
): boolean => [...access.clusterRoles, ...database.roles].some((role) => grants[right].includes(role));

/** A database by name, without case, with a right of the caller on it. Who has none at all learns nothing about it.
 * @throws KustoError `databaseNotFound` | `forbidden` */
export function requireDatabase(access: AllowedRequest, name: string, right: DatabaseRight): WireDatabase {
  const wanted = name.toLowerCase();
  const found = access.databases.find((database) => database.name.toLowerCase() === wanted);
  if (found === undefined) {
    throw kustoError(
      'databaseNotFound',
      `Request is invalid and cannot be processed: Database '${name}' could not be found.`,
    );
  }
  if (!hasRight(access, found, right)) throw forbidden(access, described[right], `database '${found.name}'`);
  return found;
}

export const forbidden = (access: AllowedRequest, role: string, scope: string) =>
  kustoError(
    'forbidden',
    `Principal '${access.caller.fqn}' is not authorized to perform this operation: it needs the role ${role} on ${scope}.`,
  );
