import type { ClusterRole, DatabaseAccess, DatabaseRole } from '../../authz/kusto-roles.ts';
import type { FollowerOverrides } from '../../authz/follower-overrides.ts';
import type { Guid } from '../../base/guid.ts';
import type { HostName } from '../../base/names.ts';
import type { Suspension } from '../../encryption/cluster-keys.ts';
import type { PrincipalsModification, Sharing } from '../../authz/database-sharing.ts';
import type { BlobConnection, Machines } from '../messages/data-plane-calls.ts';

/** A cluster as the resource manager knows it. */
export interface ServedCluster {
  readonly clusterId: Guid;
  readonly name: string;
  readonly tenantId: Guid;
  /** The engine's and the one with `ingest-`. */
  readonly hosts: readonly [HostName, HostName];
  /** It is wanted to run and may: whether its key is here is another question. */
  readonly serves: boolean;
  /** `Running`, `Stopped`, `Unavailable` … */
  readonly state: string;
  readonly suspension?: Suspension;
  readonly streamingIngestEnabled: boolean;
  readonly purgeEnabled: boolean;
  readonly machines: Machines;
  /** Nobody outside can reach the cluster in Azure either, and why. */
  readonly networkRefusal?: string;
  readonly databases: readonly Omit<DatabaseAccess, 'roles'>[];
  readonly assignments: readonly ServedAssignment[];
  readonly followed: readonly FollowedDatabase[];
  /** Data connections that new blobs come through. */
  readonly connections: readonly BlobConnection[];
  /** Managed identities that it has, by their object ids. */
  readonly identities: readonly ServedIdentity[];
}

export interface ServedIdentity {
  readonly objectId: Guid;
  /** The cluster's own; else it is assigned by a user. */
  readonly isSystem: boolean;
}

/** A database of another cluster that a cluster follows. */
export interface FollowedDatabase {
  /** In the follower. */
  readonly name: string;
  readonly leaderId: Guid;
  readonly databaseId: Guid;
  readonly principals: PrincipalsModification;
  readonly sharing: Sharing;
  /** The resource by which it is followed. */
  readonly configurationId: string;
  readonly overrides: FollowerOverrides;
}

export interface ServedAssignment {
  readonly role: ClusterRole | DatabaseRole;
  readonly principalType: string;
  readonly displayName: string;
  readonly objectId: Guid;
  readonly fqn: string;
  /** Absent: a role on the cluster. */
  readonly databaseId?: Guid;
  /** Of one that a command has given. */
  readonly notes?: string;
}

/** Clusters as the resource manager knows them, read anew each time. */
export interface ServedClusters {
  find(host: HostName): Promise<ServedCluster | undefined>;
  byId(clusterId: Guid): Promise<ServedCluster | undefined>;
  list(): Promise<readonly ServedCluster[]>;
}
