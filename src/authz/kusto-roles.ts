import { findBy } from '../base/find-by.ts';
import type { Guid } from '../base/guid.ts';

/** Roles of the data plane, which the resource manager assigns on a cluster or on a database of it.
 * @see Kusto "Role-based access control" */
export const clusterRoles = ['AllDatabasesAdmin', 'AllDatabasesViewer', 'AllDatabasesMonitor'] as const;
export const databaseRoles = ['Admin', 'Ingestor', 'Monitor', 'User', 'UnrestrictedViewer', 'Viewer'] as const;
export type ClusterRole = (typeof clusterRoles)[number];
export type DatabaseRole = (typeof databaseRoles)[number];

export const entityKinds = ['table', 'function', 'view', 'externalTable', 'graphModel'] as const;
export type EntityKind = (typeof entityKinds)[number];
export type EntityRole = 'Admin' | 'Ingestor';

/** What commands give roles on, below a database: how it is called, and the roles that there are, each with the right in the database without
 * which it counts nothing.
 * @see Kusto "Role-based access control", column Dependencies */
export const entityScopes = {
  table: { word: 'table', roles: { Admin: 'create', Ingestor: 'ingestPart' } },
  function: { word: 'function', roles: { Admin: 'create' } },
  view: { word: 'materialized view', roles: { Admin: 'create' } },
  externalTable: { word: 'external table', roles: { Admin: 'read' } },
  graphModel: { word: 'graph model', roles: { Admin: 'create' } },
} as const satisfies Readonly<Record<EntityKind, EntityScope>>;

interface EntityScope {
  readonly word: string;
  readonly roles: Readonly<Partial<Record<EntityRole, KustoRight>>>;
}

/** Somebody with a role on one entity. */
export interface EntityPrincipal extends Omit<RoleHolder, 'databaseId' | 'role' | 'notes'> {
  readonly role: EntityRole;
  readonly notes: string;
}

/** How commands write roles. */
export const roleWords: ReadonlyMap<string, DatabaseRole> = new Map([
  ['admins', 'Admin'],
  ['users', 'User'],
  ['viewers', 'Viewer'],
  ['unrestrictedviewers', 'UnrestrictedViewer'],
  ['ingestors', 'Ingestor'],
  ['monitors', 'Monitor'],
]);

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
  /** What a command said of it. Absent: nothing. */
  readonly notes?: string;
}

interface Holders {
  readonly database: readonly DatabaseRole[];
  readonly cluster: readonly ClusterRole[];
  /** Of one entity, by a role on it. */
  readonly entity?: { readonly kind: EntityKind; readonly roles: readonly EntityRole[] };
}

/** Which roles have a right, any of them by itself. A role on the cluster counts in each of its databases. An UnrestrictedViewer sees more of
 * what another role lets it see, and has no right by itself. */
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
  /** What an Ingestor of a table has to be in its database. */
  ingestPart: { database: ['Admin', 'User', 'Ingestor'], cluster: ['AllDatabasesAdmin'] },
  tableIngest: {
    ...{ database: ['Admin', 'Ingestor'], cluster: ['AllDatabasesAdmin'] },
    entity: { kind: 'table', roles: ['Admin', 'Ingestor'] },
  },
  tableAdmin: {
    ...{ database: ['Admin'], cluster: ['AllDatabasesAdmin'] },
    entity: { kind: 'table', roles: ['Admin'] },
  },
  functionAdmin: {
    ...{ database: ['Admin'], cluster: ['AllDatabasesAdmin'] },
    entity: { kind: 'function', roles: ['Admin'] },
  },
  viewAdmin: {
    ...{ database: ['Admin'], cluster: ['AllDatabasesAdmin'] },
    entity: { kind: 'view', roles: ['Admin'] },
  },
  externalTableAdmin: {
    ...{ database: ['Admin'], cluster: ['AllDatabasesAdmin'] },
    entity: { kind: 'externalTable', roles: ['Admin'] },
  },
  graphModelAdmin: {
    ...{ database: ['Admin'], cluster: ['AllDatabasesAdmin'] },
    entity: { kind: 'graphModel', roles: ['Admin'] },
  },
  /** What others do. */
  monitor: { database: ['Admin', 'Monitor'], cluster: ['AllDatabasesAdmin', 'AllDatabasesMonitor'] },
  /** Who else has a role on an entity. */
  tableMonitor: {
    ...{ database: ['Admin', 'Monitor'], cluster: ['AllDatabasesAdmin', 'AllDatabasesMonitor'] },
    entity: { kind: 'table', roles: ['Admin'] },
  },
  functionMonitor: {
    ...{ database: ['Admin', 'Monitor'], cluster: ['AllDatabasesAdmin', 'AllDatabasesMonitor'] },
    entity: { kind: 'function', roles: ['Admin'] },
  },
  viewMonitor: {
    ...{ database: ['Admin', 'Monitor'], cluster: ['AllDatabasesAdmin', 'AllDatabasesMonitor'] },
    entity: { kind: 'view', roles: ['Admin'] },
  },
  admin: { database: ['Admin'], cluster: ['AllDatabasesAdmin'] },
  clusterMonitor: { database: [], cluster: ['AllDatabasesAdmin', 'AllDatabasesMonitor'] },
  clusterAdmin: { database: [], cluster: ['AllDatabasesAdmin'] },
} as const satisfies Readonly<Record<string, Holders>>;

export type KustoRight = keyof typeof kustoRights;

/** @param database by name, without case; one that is not there gives nobody a right but roles on the cluster
 * @param own roles that the caller has on the entity in question */
export function hasKustoRight(
  access: KustoAccess,
  right: KustoRight,
  database: string,
  own: readonly EntityRole[] = [],
): boolean {
  const holders: Holders = kustoRights[right];
  if (access.clusterRoles.some((role) => holders.cluster.includes(role))) return true;
  const roles = accessNamed(access.databases, database.toLowerCase())?.roles ?? [];
  if (roles.some((role) => holders.database.includes(role))) return true;
  const { entity } = holders;
  if (entity === undefined) return false;
  const needed: Readonly<Partial<Record<EntityRole, KustoRight>>> = entityScopes[entity.kind].roles;
  return own.some((role) => {
    const right = needed[role];
    return right !== undefined && entity.roles.includes(role) && hasKustoRight(access, right, database);
  });
}

/** Lists of databases ask for a right on each. */
const accessNamed = findBy(({ name }: KustoAccess['databases'][number]) => name.toLowerCase());

/** Of what kind the entities are that a right is about. Absent: it is about the whole database. */
export const entityKindOf = (right: KustoRight): EntityKind | undefined => {
  const { entity }: Holders = kustoRights[right];
  return entity?.kind;
};

/** Who would have a right, for a message: `database Admin, table Admin, AllDatabasesAdmin`. */
export function holdersOf(right: KustoRight): string {
  const { database, cluster, entity }: Holders = kustoRights[right];
  return [
    ...database.map((role) => `database ${role}`),
    ...(entity?.roles.map((role) => `${entityScopes[entity.kind].word} ${role}`) ?? []),
    ...cluster,
  ].join(', ');
}

export const isClusterRole = (role: ClusterRole | DatabaseRole): role is ClusterRole =>
  (clusterRoles as readonly string[]).includes(role);
