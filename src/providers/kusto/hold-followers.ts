import type { Guid } from '../../base/guid.ts';
import { resourceRecordId } from '../../arm/resource.ts';
import { StateConflictError } from '../../state/state-store.ts';
import { writeRecord } from '../../state/state.ts';
import { clusterResources } from './cluster-record.ts';
import { currentCluster } from './cluster-lookup.ts';
import { followerSuspension } from './cluster-status.ts';
import { allAttached, followerIdOf, leaderIdOf } from './following.ts';
import type { KustoPorts } from './ports.ts';

/** A follower that was suspended with its leader. */
export interface HeldFollower {
  readonly clusterId: Guid;
  readonly reason: string;
}

/** Marks the followers of suspended leaders, so that they stay suspended until they are resumed. While the leader is suspended they are so in any case:
 * this can come late.
 * @param leaderId of the cluster whose key has changed; absent: every leader
 * @returns those that hold now and did not before */
export async function holdFollowers(ports: KustoPorts, leaderId?: Guid): Promise<readonly HeldFollower[]> {
  const held: HeldFollower[] = [];
  for (const { id, properties } of await allAttached(ports)) {
    const leader = (await currentCluster(ports, leaderIdOf(properties.values)))?.value;
    if (leader === undefined || (leaderId !== undefined && leader.properties.clusterId !== leaderId)) continue;
    const suspension = (await ports.keys.status(leader.properties.clusterId))?.suspension;
    if (suspension === undefined) continue;
    const { since, reason } = followerSuspension(leader, suspension);
    const clusterId = await hold(ports, followerIdOf(id), { since, reason });
    if (clusterId !== undefined) held.push({ clusterId, reason });
  }
  return held;
}

async function hold(
  ports: KustoPorts,
  id: string,
  heldByLeader: { readonly since: string; readonly reason: string },
): Promise<Guid | undefined> {
  for (;;) {
    const found = await ports.state.get(clusterResources, resourceRecordId(id));
    if (found === undefined || found.value.properties.heldByLeader !== undefined) return undefined;
    const next = { ...found.value, properties: { ...found.value.properties, heldByLeader } };
    try {
      await ports.state.commit({ write: [writeRecord(clusterResources, found.id, found.version, next)] });
      return next.properties.clusterId;
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error;
    }
  }
}
