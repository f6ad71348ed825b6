import type { ClusterKeyStatus, Suspension } from '../../encryption/cluster-keys.ts';
import type { ClusterResource } from './cluster-record.ts';
import { attachedBelow, leadersOf } from './following.ts';
import type { ChildResource } from './child-resource.ts';
import type { KustoPorts } from './ports.ts';

/** What a cluster may do now: its own key, and those of the clusters that it follows. A leader that is suspended suspends its followers as a
 * whole, and a follower stays so until it is resumed.
 * @param attached what it has attached, when that is known already */
export async function clusterStatus(
  ports: KustoPorts,
  cluster: ClusterResource,
  attached?: readonly ChildResource[],
): Promise<ClusterKeyStatus | undefined> {
  const own = await ports.keys.status(cluster.properties.clusterId);
  if (own === undefined || own.suspension !== undefined) return own;
  const { heldByLeader } = cluster.properties;
  const suspension =
    (await leaderSuspension(ports, attached ?? (await attachedBelow(ports, cluster.id)))) ??
    (heldByLeader && held(heldByLeader));
  return suspension === undefined ? own : { ...own, suspension };
}

const held = ({ since, reason }: { readonly since: string; readonly reason: string }): Suspension => ({
  since,
  reason,
  failure: { outcome: 'failed', kind: 'refusal', cause: 'unknown', message: reason },
});

/** That of the first leader that is suspended, in words about the follower. */
export async function leaderSuspension(
  ports: KustoPorts,
  attached: readonly ChildResource[],
): Promise<Suspension | undefined> {
  for (const leader of await leadersOf(ports, attached)) {
    const suspension = (await ports.keys.status(leader.properties.clusterId))?.suspension;
    if (suspension !== undefined) return followerSuspension(leader, suspension);
  }
  return undefined;
}

export const followerSuspension = ({ name }: ClusterResource, suspension: Suspension): Suspension => ({
  ...suspension,
  reason: `The cluster follows '${name}', which is suspended: ${suspension.reason} Then resume this cluster, or detach the database and resume it alone.`,
});
