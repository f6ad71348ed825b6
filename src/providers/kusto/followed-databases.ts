import type { ArmRequest } from '../../arm/arm-operation.ts';
import type { JsonObject } from '../../base/json.ts';
import { databaseType } from './child-records.ts';
import type { ClusterResource } from './cluster-record.ts';
import { isKnownIn } from './cluster-settings.ts';
import { clusterStatus } from './cluster-status.ts';
import { followedDatabases } from './following.ts';
import type { FollowedDatabase } from './following.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts } from './ports.ts';

/** By its name in the follower, without case. */
export async function findFollowed(
  ports: KustoPorts,
  cluster: ClusterResource,
  name: string,
): Promise<FollowedDatabase | undefined> {
  const lower = name.toLowerCase();
  return (await followedDatabases(ports, cluster)).find((followed) => followed.name.toLowerCase() === lower);
}

/** What comes from a leader is read here, and has no children of its own but principals. @throws ArmError 501 */
export async function refuseFollowed(
  ports: KustoPorts,
  cluster: ClusterResource,
  name: string,
  what: string,
): Promise<void> {
  if ((await findFollowed(ports, cluster, name)) !== undefined)
    throw kustoError('NotBuilt', `${what} of databases that follow another cluster (kind ReadOnlyFollowing)`);
}

/** As the spec has a database of kind `ReadOnlyFollowing`: the leader's periods, and where it comes from. */
export async function showFollowed(
  ports: KustoPorts,
  { apiVersion }: Pick<ArmRequest, 'apiVersion'>,
  cluster: ClusterResource,
  { name, leader, database, configuration, principals }: FollowedDatabase,
): Promise<Record<string, unknown>> {
  const { softDeletePeriod, hotCachePeriod, databaseId } = database.properties;
  const size = await ports.contents.databaseBytes(leader.properties.clusterId, databaseId);
  const suspension = (await clusterStatus(ports, cluster))?.suspension;
  const since = (date: string, properties: JsonObject): JsonObject => (isKnownIn(apiVersion, date) ? properties : {});
  return {
    id: `${cluster.id}/Databases/${name}`,
    name: `${cluster.name}/${name}`,
    type: databaseType,
    location: cluster.location,
    kind: 'ReadOnlyFollowing',
    properties: {
      ...(softDeletePeriod === undefined ? {} : { softDeletePeriod }),
      ...(hotCachePeriod === undefined ? {} : { hotCachePeriod }),
      ...(size === undefined ? {} : { statistics: { size } }),
      leaderClusterResourceId: leader.id,
      attachedDatabaseConfigurationName: configuration.name.split('/').at(-1) ?? '',
      principalsModificationKind: principals,
      ...since('2021-08-27', {
        tableLevelSharingProperties: configuration.properties.values['tableLevelSharingProperties'] ?? null,
      }),
      ...since('2022-12-29', {
        originalDatabaseName: database.properties.databaseName,
        databaseShareOrigin: 'Direct',
      }),
      provisioningState: 'Succeeded',
      ...(suspension === undefined ? {} : { suspensionDetails: { suspensionStartDate: suspension.since } }),
    },
  };
}
