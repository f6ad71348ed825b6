import type { DatabaseRole } from '../../../authz/kusto-roles.ts';
import { isClusterRole } from '../../../authz/kusto-roles.ts';
import type { Caller } from '../../../authz/caller.ts';
import type { Guid } from '../../../base/guid.ts';
import type { RandomBytes } from '../../../base/random.ts';
import type { FollowedAccess } from '../../messages/data-plane-calls.ts';
import type { FollowedDatabase, ServedAssignment, ServedCluster, ServedClusters } from '../served-clusters.ts';

const ticketsMax = 1_000;

/** One for each request that a follower sends on to its leader, good for one look. They name the two and give no right: who asks and what they
 * may read is found out anew. */
export class FollowerTickets {
  readonly #open = new Map<string, { readonly leader: Guid; readonly follower: Guid }>();
  readonly #randomBytes: RandomBytes;

  constructor(randomBytes: RandomBytes) {
    this.#randomBytes = randomBytes;
  }

  issue(leader: Guid, follower: Guid): string {
    const ticket = Buffer.from(this.#randomBytes(32)).toString('base64url');
    if (this.#open.size >= ticketsMax)
      for (const oldest of [...this.#open.keys()].slice(0, 1)) this.#open.delete(oldest);
    this.#open.set(ticket, { leader, follower });
    return ticket;
  }

  /** @returns the follower */
  redeem(ticket: string, leader: Guid): Guid | undefined {
    const found = this.#open.get(ticket);
    this.#open.delete(ticket);
    return found?.leader === leader ? found.follower : undefined;
  }
}

/** Who is what in a database that a cluster follows: by the roles of the leader's database, by those that the follower gives in it and on the follower as
 * a whole, or by both, as the configuration or its override says. */
export function followedHolders(
  followed: FollowedDatabase,
  follower: Pick<ServedCluster, 'assignments'>,
  leader: Pick<ServedCluster, 'assignments'>,
): readonly FollowedHolder[] {
  const { databaseId } = followed;
  const there = leader.assignments.flatMap((one) =>
    one.databaseId !== databaseId || isClusterRole(one.role) ? [] : [{ ...one, role: one.role, databaseId }],
  );
  const here = follower.assignments.flatMap((one) =>
    one.databaseId === undefined && isClusterRole(one.role)
      ? [{ ...one, role: inEachDatabase[one.role], databaseId }]
      : [],
  );
  const given = followed.overrides.principals.map((one) => ({ ...one, databaseId }));
  return [
    ...(followed.principals === 'Replace' ? [] : there),
    ...(followed.principals === 'None' ? [] : [...here, ...given]),
  ];
}

type FollowedHolder = ServedAssignment & { readonly role: DatabaseRole; readonly databaseId: Guid };

const inEachDatabase = {
  AllDatabasesAdmin: 'Admin',
  AllDatabasesViewer: 'Viewer',
  AllDatabasesMonitor: 'Monitor',
} as const;

/** What a caller is in the databases that a cluster follows. */
export async function followedAccess(
  clusters: Pick<ServedClusters, 'byId'>,
  cluster: ServedCluster,
  caller: Caller,
): Promise<readonly FollowedAccess[]> {
  const principals = [caller.objectId, ...caller.groupIds];
  const access: FollowedAccess[] = [];
  for (const followed of cluster.followed) {
    const leader = await clusters.byId(followed.leaderId);
    if (leader?.tenantId !== caller.tenantId) continue;
    const own = followedHolders(followed, cluster, leader).filter(({ objectId }) => principals.includes(objectId));
    access.push({
      ...{ name: followed.name, databaseId: followed.databaseId, leaderId: followed.leaderId },
      roles: own.map(({ role }) => role),
    });
  }
  return access;
}
