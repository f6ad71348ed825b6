import type { FollowerChange, FollowerOverrides, OverridePrincipal } from '../../authz/follower-overrides.ts';
import { noOverrides, withOverride } from '../../authz/follower-overrides.ts';
import { afterChange } from '../../authz/role-changes.ts';
import type { Guid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import { StateConflictError } from '../../state/state-store.ts';
import { writeRecord } from '../../state/state.ts';
import type { Versioned } from '../../state/state.ts';
import { childResources } from './child-resource.ts';
import type { ChildResource } from './child-resource.ts';
import { currentCluster, touchCluster } from './cluster-lookup.ts';
import type { ClusterResource } from './cluster-record.ts';
import { followedDatabases, followerIdOf } from './following.ts';
import { isUnderWay } from './operation-record.ts';
import { namedPrincipals } from './named-principals.ts';
import type { KustoPorts } from './ports.ts';

type Overrides = Readonly<Record<string, FollowerOverrides>>;

/** Principals and tables that one configuration can override, of all its databases together. */
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
    const held = await heldOverrides(ports, cluster, found.value);
    const before = held[at.databaseId] ?? noOverrides;
    const after = named === undefined || change.what !== 'principals' ? changed(before, change) : named(before);
    const overrides = { ...held, [at.databaseId]: after };
    if (entriesOf(overrides) > Math.max(entriesMax, entriesOf(held)))
      return `A configuration overrides at most ${entriesMax} principals and tables.`;
    try {
      await commit(ports, cluster, found, overrides);
      return undefined;
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error;
    }
  }
}

const changed = (before: FollowerOverrides, change: FollowerChange): FollowerOverrides =>
  change.what === 'principals' ? before : withOverride(before, change);

const commit = (
  ports: KustoPorts,
  cluster: Versioned<ClusterResource>,
  found: Versioned<ChildResource>,
  overrides: Overrides,
): Promise<unknown> => {
  const kept = overrides as Overrides & JsonObject;
  const child = { ...found.value, properties: { ...found.value.properties, overrides: kept } };
  return ports.state.commit({
    write: [writeRecord(childResources, found.id, found.version, child), touchCluster(cluster)],
  });
};

/** Without those of databases that are not followed by this configuration any more. */
async function heldOverrides(
  ports: KustoPorts,
  { value: cluster }: Versioned<ClusterResource>,
  { id, properties }: ChildResource,
): Promise<Overrides> {
  const followed = await followedDatabases(ports, cluster);
  const here = new Set<string>(
    followed
      .filter(({ configuration }) => configuration.id === id)
      .map(({ database }) => database.properties.databaseId),
  );
  const all: Overrides = properties.overrides ?? {};
  return Object.fromEntries(Object.entries(all).filter(([databaseId]) => here.has(databaseId)));
}

const entriesOf = (all: Overrides): number =>
  Object.values(all).reduce((sum, { principals, tables }) => sum + principals.length + Object.keys(tables).length, 0);

/** Who joins may not be unknown; who leaves may be.
 * @returns what is to be done with them, or why it cannot be */
async function findPrincipals(
  ports: KustoPorts,
  tenantId: Guid,
  { action, role, principals, notes }: Extract<FollowerChange, { readonly what: 'principals' }>,
): Promise<string | ((before: FollowerOverrides) => FollowerOverrides)> {
  const named = await namedPrincipals(ports, tenantId, principals, action === 'drop');
  if (typeof named === 'string') return named;
  const found = named.map((one): OverridePrincipal => ({ ...one, role, notes }));
  return (before) => ({ ...before, principals: afterChange(before.principals, { action, role, principals }, found) });
}
