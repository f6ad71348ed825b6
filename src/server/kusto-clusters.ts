import type { Guid } from '../base/guid.ts';
import type { HostName } from '../base/names.ts';
import { parseHostName } from '../base/names.ts';
import { invariant } from '../base/invariant.ts';
import type { ServedCluster, ServedClusters } from '../cluster/supervisor/served-clusters.ts';
import type { ClusterAccess, createClusterAccess } from '../providers/kusto/cluster-access.ts';
import { fqnOf } from '../providers/kusto/named-principals.ts';
import { engineHost, ingestHost } from '../providers/kusto/cluster-record.ts';
import { durationMs } from './iso-duration.ts';

/** Clusters of the resource manager as the data plane sees them. */
export function createServedClusters(access: ReturnType<typeof createClusterAccess>, tenantId: Guid): ServedClusters {
  // Names of clusters never change, so where one was found it is looked for again.
  const hosts = new Map<Guid, HostName>();
  const shown = (found: ClusterAccess | undefined): ServedCluster | undefined => {
    if (found === undefined) return undefined;
    const cluster = servedCluster(found, tenantId);
    hosts.set(cluster.clusterId, cluster.hosts[0]);
    return cluster;
  };
  const find = async (host: HostName): Promise<ServedCluster | undefined> => shown(await access.findByHost(host));
  const list = async (): Promise<readonly ServedCluster[]> =>
    (await access.list()).flatMap((found) => shown(found) ?? []);
  return {
    find,
    list,
    async byId(clusterId) {
      const host = hosts.get(clusterId);
      const known = host === undefined ? undefined : await find(host);
      if (known?.clusterId === clusterId) return known;
      hosts.delete(clusterId);
      return (await list()).find((cluster) => cluster.clusterId === clusterId);
    },
  };
}

function servedCluster(found: ClusterAccess, tenantId: Guid): ServedCluster {
  const { clusterId, name, region, state, suspension, networkRefusal } = found;
  return {
    clusterId,
    name,
    tenantId,
    hosts: [hostNamed(engineHost(name, region)), hostNamed(ingestHost(name, region))],
    // A cluster that has just been made or started is `Running` for everybody but its own key, which admission looks at.
    serves: state === 'Running' || state === 'Updating',
    state,
    ...(suspension === undefined ? {} : { suspension }),
    streamingIngestEnabled: found.streamingIngestEnabled,
    purgeEnabled: found.purgeEnabled,
    machines: found.machines,
    ...(networkRefusal === undefined ? {} : { networkRefusal }),
    databases: found.databases.map(
      ({ databaseId, name: databaseName, softDeletePeriod, hotCachePeriod, suspended }) => ({
        databaseId,
        name: databaseName,
        ...(suspended === undefined ? {} : { suspended }),
        ...(softDeletePeriod === undefined ? {} : { softDeletePeriodMs: durationMs(softDeletePeriod) }),
        ...(hotCachePeriod === undefined ? {} : { hotCachePeriodMs: durationMs(hotCachePeriod) }),
      }),
    ),
    followed: found.followed,
    connections: found.connections.map(({ createdAt, since, ...connection }) => ({
      ...connection,
      createdOn: Date.parse(createdAt),
      since: Date.parse(since),
    })),
    identities: found.identities,
    assignments: found.assignments.map((assignment) => ({
      role: assignment.role,
      principalType: assignment.principalType,
      displayName: assignment.principalName,
      objectId: assignment.aadObjectId,
      fqn: fqnOf(assignment.principalType, assignment.appId ?? assignment.aadObjectId, assignment.tenantId),
      ...(assignment.databaseId === undefined ? {} : { databaseId: assignment.databaseId }),
      ...(assignment.notes === undefined ? {} : { notes: assignment.notes }),
    })),
  };
}

function hostNamed(text: string): HostName {
  const host = parseHostName(text);
  invariant(host !== undefined, 'a cluster has a host name');
  return host;
}
