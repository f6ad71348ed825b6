import type { FollowerChange, OverridePrincipal } from '../../authz/follower-overrides.ts';
import { noOverrides, withOverride } from '../../authz/follower-overrides.ts';
import { afterChange } from '../../authz/role-changes.ts';
import type { Guid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import { StateConflictError } from '../../state/state-store.ts';
import { writeRecord } from '../../state/state.ts';
import type { Versioned } from '../../state/state.ts';
import type { AssignmentResource } from './child-records.ts';
import { childResources } from './child-resource.ts';
import type { ChildResource, HeldOverride, HeldOverrides } from './child-resource.ts';
import { currentCluster, touchCluster } from './cluster-lookup.ts';
import type { ClusterResource } from './cluster-record.ts';
import { isSameRole } from './database-roles.ts';
import { followedDatabases, followerIdOf } from './following.ts';
import { isUnderWay } from './operation-record.ts';
import { kustoError } from './kusto-errors.ts';
import { namedPrincipals } from './named-principals.ts';
import type { KustoPorts } from './ports.ts';

/** Principals, by commands or assignments, and tables that one configuration can override, of all its databases together. */
const entriesMax = 2_000;

export interface OverrideAddress {
  readonly configurationId: string;
  readonly databaseId: Guid;
  /** Whose principals they are. */
  readonly tenantId: Guid;
}

/** Changes what a follower has set for a database that it follows, in the record of the configuration by which it follows: detached, it is gone.
 * @returns why nothing was changed; undefined: it was */
export async function changeOverrides(
  ports: KustoPorts,
  at: OverrideAddress,
  change: FollowerChange,
): Promise<string | undefined> {
  const named = change.what === 'principals' ? await findPrincipals(ports, at.tenantId, change) : undefined;
  if (typeof named === 'string') return named;
  for (;;) {
    const cluster = await currentCluster(ports, followerIdOf(at.configurationId));
    const found = await ports.state.get(childResources, at.configurationId.toLowerCase());
    if (cluster === undefined || found === undefined) return 'The database is not followed any more.';
    if (isUnderWay(found.value.properties.operation, ports.clock.now()))
      return 'The configuration by which the database is followed is being changed. Try again in a moment.';
    const held = await heldOverrides(ports, cluster.value, found.value);
    const before = held[at.databaseId] ?? noOverrides;
    const after = named === undefined || change.what !== 'principals' ? changed(before, change) : named(before);
    const overrides = { ...held, [at.databaseId]: after };
    if (isTooMany(overrides, held)) return tooMany;
    try {
      await commit(ports, cluster, found, overrides);
      return undefined;
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error;
    }
  }
}

const changed = ({ assignments = [], ...set }: HeldOverride, change: FollowerChange): HeldOverride => ({
  ...(change.what === 'principals' ? set : withOverride(set, change)),
  assignments,
});

const commit = (
  ports: KustoPorts,
  cluster: Versioned<ClusterResource>,
  found: Versioned<ChildResource>,
  overrides: HeldOverrides,
): Promise<unknown> => {
  const kept = overrides as HeldOverrides & JsonObject;
  const child = { ...found.value, properties: { ...found.value.properties, overrides: kept } };
  return ports.state.commit({
    write: [writeRecord(childResources, found.id, found.version, child), touchCluster(cluster)],
  });
};

/** Without those of databases that are not followed by this configuration any more. */
export async function heldOverrides(
  ports: KustoPorts,
  cluster: ClusterResource,
  { id, properties }: ChildResource,
): Promise<HeldOverrides> {
  const followed = await followedDatabases(ports, cluster);
  const here = new Set<string>(
    followed
      .filter(({ configuration }) => configuration.id === id)
      .map(({ database }) => database.properties.databaseId),
  );
  const all: HeldOverrides = properties.overrides ?? {};
  return Object.fromEntries(Object.entries(all).filter(([databaseId]) => here.has(databaseId)));
}

const entriesOf = (all: HeldOverrides): number =>
  Object.values(all).reduce(
    (sum, { principals, assignments = [], tables }) =>
      sum + principals.length + assignments.length + Object.keys(tables).length,
    0,
  );

const isTooMany = (next: HeldOverrides, held: HeldOverrides): boolean =>
  entriesOf(next) > Math.max(entriesMax, entriesOf(held));

const tooMany = `A configuration overrides at most ${entriesMax} principals and tables.`;

/** @throws ArmError 400 */
export function requireFewEntries(next: HeldOverrides, held: HeldOverrides): void {
  if (isTooMany(next, held)) throw kustoError('TooManyOverrides', tooMany);
}

/** Who has the role by an assignment of the resource manager keeps it by that; dropped, the assignment goes. Who joins may not be unknown; who leaves may be.
 * @returns what is to be done with them, or why it cannot be */
async function findPrincipals(
  ports: KustoPorts,
  tenantId: Guid,
  { action, role, principals, notes }: Extract<FollowerChange, { readonly what: 'principals' }>,
): Promise<string | ((before: HeldOverride) => HeldOverride)> {
  const named = await namedPrincipals(ports, tenantId, principals, action === 'drop');
  if (typeof named === 'string') return named;
  const found = named.map((one): OverridePrincipal => ({ ...one, role, notes }));
  return (before) => {
    const goes = ({ properties }: AssignmentResource): boolean =>
      action === 'drop' && found.some((one) => isSameRole(one, properties));
    const assignments = (before.assignments ?? []).filter((one) => !goes(one));
    const given = afterChange(before.principals, { action, role, principals }, found);
    const isAssigned = (one: OverridePrincipal): boolean =>
      assignments.some(({ properties }) => isSameRole(one, properties));
    return { ...before, principals: given.filter((one) => !isAssigned(one)), assignments };
  };
}
