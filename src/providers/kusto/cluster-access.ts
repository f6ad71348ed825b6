import { armResources } from '../../arm/resource.ts';
import type { PrincipalsModification, Sharing } from '../../authz/database-sharing.ts';
import type { FollowerOverrides } from '../../authz/follower-overrides.ts';
import type { Guid } from '../../base/guid.ts';
import type { DatabaseName, HostName, Region } from '../../base/names.ts';
import type { Suspension } from '../../encryption/cluster-keys.ts';
import { listIntact, unlessDamaged } from '../../state/list-all.ts';
import { stateBelow } from '../../state/state-below.ts';
import type { Versioned } from '../../state/state.ts';
import { asOverride, listAssignments } from './assignment-store.ts';
import { databaseResources } from './child-records.ts';
import type { AssignmentProperties, DatabaseResource } from './child-records.ts';
import type { ChildResource } from './child-resource.ts';
import { currentCluster } from './cluster-lookup.ts';
import { clusterNames, parseClusterHost } from './cluster-record.ts';
import type { ClusterResource } from './cluster-record.ts';
import { settingOf } from './cluster-settings.ts';
import { clusterStatus } from './cluster-status.ts';
import { attachedBelow, followedDatabases, sharingOf } from './following.ts';
import type { FollowedDatabase } from './following.ts';
import { listChildren } from './cluster-store.ts';
import { asAssignment } from './database-roles.ts';
import { clusterState, stateReason } from './cluster-view.ts';
import type { ClusterState } from './cluster-view.ts';
import type { KustoPorts } from './ports.ts';
import { coresPerNode } from './skus.ts';
import type { WatchedConnection } from './watched-connections.ts';
import { watchedBelow } from './watched-connections.ts';

export interface DatabaseAccess {
  readonly databaseId: Guid;
  readonly name: DatabaseName;
  /** ISO 8601; absent: unlimited. */
  readonly softDeletePeriod?: string;
  readonly hotCachePeriod?: string;
  /** Its own key is away, and why. */
  readonly suspended?: string;
}

/** Who has a role, on the whole cluster or on one database. Compare `aadObjectId` with the caller's object id and groups. */
export type AssignmentAccess = Pick<
  AssignmentProperties,
  'role' | 'principalType' | 'principalId' | 'principalName' | 'aadObjectId' | 'appId' | 'tenantId'
> & {
  /** Absent: a role on the cluster. */
  readonly databaseId?: Guid;
  /** What the command said of it that gave the role. */
  readonly notes?: string;
};

/** What the data plane must know of a cluster before it serves a request. */
export interface ClusterAccess {
  readonly clusterId: Guid;
  readonly resourceId: string;
  /** As in its host names, in lower case. */
  readonly name: string;
  readonly region: Region;
  /** Serve data only while `Running`. */
  readonly state: ClusterState;
  readonly stateReason: string;
  readonly suspension?: Suspension;
  readonly streamingIngestEnabled: boolean;
  readonly purgeEnabled: boolean;
  readonly machines: { readonly coresPerNode: number; readonly nodes: number };
  /** Set: nobody outside can reach the cluster in Azure either, and why: refuse the data plane. */
  readonly networkRefusal?: string;
  readonly databases: readonly DatabaseAccess[];
  readonly assignments: readonly AssignmentAccess[];
  readonly followed: readonly FollowedAccess[];
  /** Data connections that blobs come through. */
  readonly connections: readonly WatchedConnection[];
  /** Its managed identities. */
  readonly identities: readonly { readonly objectId: Guid; readonly isSystem: boolean }[];
}

/** A database of another cluster under the name that it has here. */
export interface FollowedAccess {
  readonly name: DatabaseName;
  readonly leaderId: Guid;
  readonly databaseId: Guid;
  readonly principals: PrincipalsModification;
  readonly sharing: Sharing;
  /** The resource by which it is followed. */
  readonly configurationId: string;
  readonly overrides: FollowerOverrides;
}

type Children = Pick<ClusterAccess, 'connections' | 'databases' | 'assignments'> & {
  /** What it has attached. */
  readonly attached: readonly ChildResource[];
};

const cachedMax = 200;

/** Reading for the data plane. Every change below a cluster gives its record a new version, so what was read under one version
 * is kept by that version. */
export function createClusterAccess(ports: KustoPorts): {
  /** By the host a client called: `{cluster}.{region}.kusto.windows.net` or the same with `ingest-`. @returns undefined when there is no such cluster
   * @throws SealedRecordError */
  readonly findByHost: (host: HostName) => Promise<ClusterAccess | undefined>;
  /** All clusters of all subscriptions, but those of which a record is damaged. */
  readonly list: () => Promise<readonly ClusterAccess[]>;
} {
  const cache = new Map<string, { readonly version: number; readonly children: Children }>();

  const childrenOf = async (found: Versioned<ClusterResource>): Promise<Children> => {
    const key = `${found.id} ${found.value.properties.clusterId}`;
    const cached = cache.get(key);
    if (cached?.version === found.version) return cached.children;
    const children = await readChildren(ports, found.value);
    cache.delete(key);
    if (cache.size >= cachedMax) for (const oldest of [...cache.keys()].slice(0, 1)) cache.delete(oldest);
    cache.set(key, { version: found.version, children });
    return children;
  };

  const byName = async (name: string, region: Region): Promise<ClusterAccess | undefined> => {
    const claim = await ports.state.get(clusterNames, name);
    if (claim?.value.region !== region || claim.value.blockedUntil !== undefined) return undefined;
    const found = await currentCluster(ports, claim.value.resourceId);
    if (found === undefined) return undefined;
    const { databases, assignments, attached, connections } = await childrenOf(found);
    const followed = attached.length === 0 ? [] : await followedDatabases(ports, found.value, attached);
    const suspensions = await ports.keys.databases.suspensions(found.value.properties.clusterId);
    return {
      ...(await describe(ports, found.value, attached)),
      assignments,
      connections,
      followed: followed.map(followedAccess),
      databases: suspensions.size === 0 ? databases : databases.map((one) => withSuspension(one, suspensions)),
    };
  };

  return {
    findByHost: async (host) => {
      const parsed = parseClusterHost(host);
      return parsed === undefined ? undefined : byName(parsed.name, parsed.region);
    },
    list: async () => {
      const all: ClusterAccess[] = [];
      for (const { id, value } of await listIntact(ports.state, clusterNames)) {
        const found = await unlessDamaged(() => byName(id, value.region));
        if (found !== undefined) all.push(found);
      }
      return all;
    },
  };
}

const followedAccess = (followed: FollowedDatabase): FollowedAccess => ({
  name: followed.name,
  leaderId: followed.leader.properties.clusterId,
  databaseId: followed.database.properties.databaseId,
  principals: followed.principals,
  sharing: sharingOf(followed.configuration),
  configurationId: followed.configuration.id,
  overrides: {
    ...followed.overrides,
    principals: [...followed.overrides.principals, ...followed.assignments.map(asOverride)],
  },
});

async function describe(
  ports: KustoPorts,
  cluster: ClusterResource,
  attached: readonly ChildResource[],
): Promise<Omit<ClusterAccess, 'connections' | 'databases' | 'assignments' | 'followed'>> {
  const { clusterId, region, settings } = cluster.properties;
  const status = await clusterStatus(ports, cluster, attached);
  const refusal = networkRefusal(cluster);
  return {
    clusterId,
    resourceId: cluster.id,
    name: cluster.name.toLowerCase(),
    region,
    state: clusterState(cluster, status, ports.clock.now()),
    stateReason: stateReason(cluster, status),
    ...(status?.suspension === undefined ? {} : { suspension: status.suspension }),
    streamingIngestEnabled: settingOf(settings, 'enableStreamingIngest') === true,
    purgeEnabled: settingOf(settings, 'enablePurge') === true,
    machines: { coresPerNode: coresPerNode(cluster.sku.name), nodes: cluster.sku.capacity },
    ...(refusal === undefined ? {} : { networkRefusal: refusal }),
    identities: identitiesOf(cluster),
  };
}

function identitiesOf({ identity }: ClusterResource): ClusterAccess['identities'] {
  const own = identity?.principalId;
  const assigned = Object.values(identity?.userAssignedIdentities ?? {});
  return [
    ...(own === undefined ? [] : [{ objectId: own, isSystem: true }]),
    ...assigned.map(({ principalId }) => ({ objectId: principalId, isSystem: false })),
  ];
}

/** Clients reach Kustody over loopback, which is in nobody's list of addresses, and there are no private endpoints. */
function networkRefusal(cluster: ClusterResource): string | undefined {
  const { settings } = cluster.properties;
  if (settingOf(settings, 'publicNetworkAccess') === 'Disabled')
    return 'Public network access is disabled for the cluster (publicNetworkAccess).';
  const ranges = settingOf(settings, 'allowedIpRangeList');
  return Array.isArray(ranges) && ranges.length > 0
    ? 'The address of the client is not in the allowedIpRangeList of the cluster.'
    : undefined;
}

async function readChildren(ports: KustoPorts, cluster: ClusterResource): Promise<Children> {
  const databases: DatabaseAccess[] = [];
  const assignments: AssignmentAccess[] = [];
  const connections: WatchedConnection[] = [];
  const onCluster = await listAssignments(ports, { kind: 'cluster', id: cluster.id, name: cluster.name });
  assignments.push(...onCluster.map(({ value }) => assignmentAccess(value.properties)));
  const prefix = `${cluster.id}/databases/`.toLowerCase();
  const below = { ...ports, state: await stateBelow(ports.state, armResources, prefix) };
  for (const { id } of await listChildren(below.state, prefix)) {
    const database = (await below.state.get(databaseResources, id))?.value;
    if (database === undefined) continue;
    databases.push(databaseAccess(database));
    connections.push(...(await watchedBelow(below, cluster, database)));
    assignments.push(...given(database));
    const onDatabase = await listAssignments(below, { kind: 'database', id: database.id, name: database.name });
    assignments.push(
      ...onDatabase.map(({ value }) => ({
        ...assignmentAccess(value.properties),
        databaseId: database.properties.databaseId,
      })),
    );
  }
  return { databases, assignments, connections, attached: await attachedBelow(ports, cluster.id) };
}

function withSuspension(
  database: DatabaseAccess,
  suspensions: ReadonlyMap<Guid, { readonly reason: string }>,
): DatabaseAccess {
  const suspension = suspensions.get(database.databaseId);
  return suspension === undefined ? database : { ...database, suspended: suspension.reason };
}

const databaseAccess = ({ properties }: DatabaseResource): DatabaseAccess => ({
  databaseId: properties.databaseId,
  name: properties.databaseName,
  ...(properties.softDeletePeriod === undefined ? {} : { softDeletePeriod: properties.softDeletePeriod }),
  ...(properties.hotCachePeriod === undefined ? {} : { hotCachePeriod: properties.hotCachePeriod }),
});

const given = ({ properties: { databaseId, roles = [] } }: DatabaseResource): readonly AssignmentAccess[] =>
  roles.map((role) => ({ ...assignmentAccess(asAssignment(role)), databaseId, notes: role.notes }));

const assignmentAccess = (properties: AssignmentProperties): AssignmentAccess => ({
  role: properties.role,
  principalType: properties.principalType,
  principalId: properties.principalId,
  principalName: properties.principalName,
  aadObjectId: properties.aadObjectId,
  tenantId: properties.tenantId,
  ...(properties.appId === undefined ? {} : { appId: properties.appId }),
});
