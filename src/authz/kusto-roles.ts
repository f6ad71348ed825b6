import type { Guid } from '../base/guid.ts';

/** Roles of the data plane, which the resource manager assigns on a cluster or on a database of it.
 * @see Kusto "Role-based access control" */
export const clusterRoles = ['AllDatabasesAdmin', 'AllDatabasesViewer', 'AllDatabasesMonitor'] as const;
export const databaseRoles = ['Admin', 'Ingestor', 'Monitor', 'User', 'UnrestrictedViewer', 'Viewer'] as const;
export type ClusterRole = (typeof clusterRoles)[number];
export type DatabaseRole = (typeof databaseRoles)[number];

/** A database as a principal sees it. Periods in milliseconds; absent: unlimited. */
export interface DatabaseAccess {
  readonly databaseId: Guid;
  readonly name: string;
  readonly softDeletePeriodMs?: number;
  readonly hotCachePeriodMs?: number;
  /** Its own key is away, and why. */
  readonly suspended?: string;
  /** What the principal is here, without its roles on the cluster. */
  readonly roles: readonly DatabaseRole[];
}

/** What a principal is in a cluster. */
export interface KustoAccess {
  readonly clusterRoles: readonly ClusterRole[];
  readonly databases: readonly Pick<DatabaseAccess, 'name' | 'roles'>[];
}

/** Somebody's role in a cluster, as commands show it. */
export interface RoleHolder {
  readonly role: ClusterRole | DatabaseRole;
  /** `App`, `Group`, `User` */
  readonly principalType: string;
  readonly displayName: string;
  readonly objectId: string;
  readonly fqn: string;
  /** Absent: a role on the cluster. */
  readonly databaseId?: Guid;
}

interface Holders {
  readonly database: readonly DatabaseRole[];
  readonly cluster: readonly ClusterRole[];
}

/** Which roles have a right, any of them by itself. A role on the cluster counts in each of its databases. An UnrestrictedViewer sees more of
 * what another role lets it see, and has no right by itself. There are no principals of single tables and functions, so what the
 * service lets their administrators do needs the database's administrator here. */
export const kustoRights = {
  /** That the database is there. */
  list: {
    database: ['Admin', 'User', 'Viewer', 'Ingestor', 'Monitor'],
    cluster: ['AllDatabasesAdmin', 'AllDatabasesViewer', 'AllDatabasesMonitor'],
  },
  /** What is in it: names, types, policies, statistics. */
  metadata: {
    database: ['Admin', 'User', 'Viewer', 'Monitor'],
    cluster: ['AllDatabasesAdmin', 'AllDatabasesViewer', 'AllDatabasesMonitor'],
  },
  read: { database: ['Admin', 'User', 'Viewer'], cluster: ['AllDatabasesAdmin', 'AllDatabasesViewer'] },
  /** New tables and functions. */
  create: { database: ['Admin', 'User'], cluster: ['AllDatabasesAdmin'] },
  ingest: { database: ['Admin', 'Ingestor'], cluster: ['AllDatabasesAdmin'] },
  /** What others do. */
  monitor: { database: ['Admin', 'Monitor'], cluster: ['AllDatabasesAdmin', 'AllDatabasesMonitor'] },
  admin: { database: ['Admin'], cluster: ['AllDatabasesAdmin'] },
  clusterMonitor: { database: [], cluster: ['AllDatabasesAdmin', 'AllDatabasesMonitor'] },
  clusterAdmin: { database: [], cluster: ['AllDatabasesAdmin'] },
} as const satisfies Readonly<Record<string, Holders>>;

export type KustoRight = keyof typeof kustoRights;

/** @param database by name, without case; one that is not there gives nobody a right but roles on the cluster */
export function hasKustoRight(access: KustoAccess, right: KustoRight, database: string): boolean {
  const holders: Holders = kustoRights[right];
  if (access.clusterRoles.some((role) => holders.cluster.includes(role))) return true;
  const lower = database.toLowerCase();
  const roles = access.databases.find(({ name }) => name.toLowerCase() === lower)?.roles ?? [];
  return roles.some((role) => holders.database.includes(role));
}

/** Who would have a right, for a message: `database Admin, AllDatabasesAdmin`. */
export function holdersOf(right: KustoRight): string {
  const { database, cluster }: Holders = kustoRights[right];
  return [...database.map((role) => `database ${role}`), ...cluster].join(', ');
}

export const isClusterRole = (role: ClusterRole | DatabaseRole): role is ClusterRole =>
  (clusterRoles as readonly string[]).includes(role);
