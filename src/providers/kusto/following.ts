import { sortedById } from '../../arm/paging.ts';
import type { FollowerOverrides } from '../../authz/follower-overrides.ts';
import { noOverrides } from '../../authz/follower-overrides.ts';
import type { PrincipalsModification, Sharing } from '../../authz/database-sharing.ts';
import { listAll } from '../../state/list-all.ts';
import type { JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseDatabaseName } from '../../base/names.ts';
import type { DatabaseName } from '../../base/names.ts';
import { isUnderWay } from './operation-record.ts';
import { childResources } from './child-resource.ts';
import type { ChildResource, HeldOverride } from './child-resource.ts';
import { databaseResources } from './child-records.ts';
import type { AssignmentResource, DatabaseResource } from './child-records.ts';
import { currentCluster } from './cluster-lookup.ts';
import { clusterNames } from './cluster-record.ts';
import type { ClusterResource } from './cluster-record.ts';
import { listChildren } from './cluster-store.ts';
import type { KustoPorts } from './ports.ts';

/** `*`: every database of the leader. */
export const everything = '*';

/** A database of a leader as its follower has it. */
export interface FollowedDatabase {
  /** In the follower. */
  readonly name: DatabaseName;
  readonly leader: ClusterResource;
  readonly database: DatabaseResource;
  readonly configuration: ChildResource;
  /** Set with commands. */
  readonly overrides: FollowerOverrides;
  /** As they were made, whatever name the database had then. */
  readonly assignments: readonly AssignmentResource[];
  /** What counts: by an override, else the configuration's default. */
  readonly principals: PrincipalsModification;
}

/** What a cluster has attached, whether or not it is there still. */
export async function attachedBelow(ports: KustoPorts, clusterId: string): Promise<readonly ChildResource[]> {
  const found: ChildResource[] = [];
  for (const { id } of await listChildren(ports.state, `${clusterId}/AttachedDatabaseConfigurations/`.toLowerCase())) {
    const child = await ports.state.get(childResources, id);
    if (child !== undefined) found.push(child.value);
  }
  return sortedById(found, ({ id }) => id.toLowerCase());
}

/** Everything that any cluster has attached. */
export async function allAttached(ports: KustoPorts): Promise<readonly ChildResource[]> {
  const found: ChildResource[] = [];
  // Each cluster has a name. Not all resources of all subscriptions are read: each one of 10,000 databases is among them.
  for (const { value } of await listAll(ports.state, clusterNames))
    found.push(...(await attachedBelow(ports, value.resourceId)));
  return sortedById(found, ({ id }) => id.toLowerCase());
}

/** Who follows a cluster, whichever group they are in. */
export async function followersOf(ports: KustoPorts, leader: ClusterResource): Promise<readonly ChildResource[]> {
  const own = leader.id.toLowerCase();
  return (await allAttached(ports)).filter(({ properties: { values } }) => leaderIdOf(values) === own);
}

/** Of a cluster that is followed: whether it follows another, or one of its followers does. A customer's key goes with neither. */
export async function isInChain(ports: KustoPorts, leader: ClusterResource): Promise<boolean> {
  const followers = new Set((await followersOf(ports, leader)).map(({ id }) => followerIdOf(id)));
  if (followers.size > 0 && (await attachedBelow(ports, leader.id)).length > 0) return true;
  for (const follower of followers)
    if ((await leadersOf(ports, await attachedBelow(ports, follower))).length > 1) return true;
  return false;
}

/** @param attachedId of what it has attached */
export const followerIdOf = (attachedId: string): string => attachedId.split('/').slice(0, 9).join('/');

/** Whether one of the followers of a cluster has a database of it. */
export const isFollowedBy = (followers: readonly ChildResource[], database: string): boolean =>
  followers.some(({ properties: { values } }) => nameIn(values, database) !== undefined);

/** The leaders of a cluster that are there, each once. */
export async function leadersOf(
  ports: KustoPorts,
  attached: readonly ChildResource[],
): Promise<readonly ClusterResource[]> {
  const ids = new Set(attached.map(({ properties }) => leaderIdOf(properties.values)));
  const leaders: ClusterResource[] = [];
  for (const id of ids) {
    const found = (await currentCluster(ports, id))?.value;
    if (found !== undefined) leaders.push(found);
  }
  return leaders;
}

/** The databases that a cluster follows now, by name. A database of its own comes before one that it follows under the same name; of two
 * that it follows, the first configuration's. */
export async function followedDatabases(
  ports: KustoPorts,
  cluster: ClusterResource,
  attached?: readonly ChildResource[],
): Promise<readonly FollowedDatabase[]> {
  const configurations = attached ?? (await attachedBelow(ports, cluster.id));
  if (configurations.length === 0) return [];
  const own = await databasesBelow(ports, cluster);
  const taken = new Set(own.map(({ properties }) => properties.databaseName.toLowerCase()));
  const leaders = await leadersOf(ports, configurations);
  const followed: FollowedDatabase[] = [];
  for (const configuration of configurations) {
    if (isUnderWay(configuration.properties.operation, ports.clock.now())) continue;
    const { values } = configuration.properties;
    const leaderId = leaderIdOf(values);
    const leader = leaders.find(({ id }) => id.toLowerCase() === leaderId);
    if (leader === undefined) continue;
    for (const database of await databasesBelow(ports, leader)) {
      const name = nameIn(values, database.properties.databaseName);
      if (name === undefined || taken.has(name.toLowerCase())) continue;
      taken.add(name.toLowerCase());
      const held: HeldOverride = configuration.properties.overrides?.[database.properties.databaseId] ?? noOverrides;
      const { assignments = [], ...overrides } = held;
      const principals =
        overrides.principalsKind ?? (text(values, 'defaultPrincipalsModificationKind') as PrincipalsModification);
      followed.push({ name, leader, database, configuration, overrides, assignments, principals });
    }
  }
  return followed;
}

/** @returns undefined for a database that the configuration does not speak of, or that would have an impossible name */
function nameIn(values: JsonObject, database: string): DatabaseName | undefined {
  const wanted = text(values, 'databaseName');
  if (wanted !== everything && wanted.toLowerCase() !== database.toLowerCase()) return undefined;
  return parseDatabaseName(shownName(values, database));
}

/** The name that a database of a leader has in the follower. */
export const shownName = (values: JsonObject, database: string): string =>
  text(values, 'databaseNameOverride') || `${text(values, 'databaseNamePrefix')}${database}`;

async function databasesBelow(ports: KustoPorts, cluster: ClusterResource): Promise<readonly DatabaseResource[]> {
  const found: DatabaseResource[] = [];
  for (const { id } of await listChildren(ports.state, `${cluster.id}/databases/`.toLowerCase())) {
    const database = await ports.state.get(databaseResources, id);
    if (database !== undefined) found.push(database.value);
  }
  return found;
}

/** Without any names all is shared. */
export function sharingOf({ properties: { values } }: ChildResource): Sharing {
  const sharing = values['tableLevelSharingProperties'];
  const list = (name: string): readonly string[] => {
    const value = isJsonObject(sharing) ? sharing[name] : undefined;
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  };
  return {
    tables: { include: list('tablesToInclude'), exclude: list('tablesToExclude') },
    views: { include: list('materializedViewsToInclude'), exclude: list('materializedViewsToExclude') },
    functions: { include: list('functionsToInclude'), exclude: list('functionsToExclude') },
  };
}

/** In lower case. */
export const leaderIdOf = (values: JsonObject): string => text(values, 'clusterResourceId').toLowerCase();

const text = (values: JsonObject, name: string): string => {
  const value = values[name];
  return typeof value === 'string' ? value : '';
};
