import { az } from './commands.ts';
import type { ClusterFacts, Facts } from './facts.ts';
import { isSettled } from './facts.ts';
import type { PlanStep } from './plan-step.ts';
import { done, inTheWay, toDo, unknown } from './plan-step.ts';
import { sameText } from './resource-id.ts';
import type { CmkTarget } from './target.ts';

/** All that the steps of a cluster look at. */
export interface ClusterInput {
  readonly target: Pick<CmkTarget, 'cluster' | 'identity'>;
  readonly facts: Facts;
}

export function clusterStep({ target, facts }: ClusterInput): PlanStep {
  const { cluster } = facts;
  const { resourceGroup, name } = target.cluster;
  if (cluster === undefined) {
    return inTheWay('cluster', 'no such cluster', {
      note: `There is no cluster '${name}' in resource group '${resourceGroup}'.`,
      remedy: az.createCluster(resourceGroup, name),
    });
  }
  const found = stateText(cluster);
  if (!isSettled(cluster)) {
    return toDo('cluster', found, {
      note: 'An operation is under way: wait for its end.',
      change: { kind: 'waitForCluster' },
    });
  }
  if (!sameText(cluster.state, 'Running')) {
    const stopped = sameText(cluster.state, 'Stopped');
    return inTheWay('cluster', found, {
      note: stopped ? 'The cluster is stopped.' : `The cluster does not run. ${cluster.stateReason}`.trim(),
      remedy: stopped ? az.startCluster(cluster) : az.showCluster(cluster),
    });
  }
  const failed = !sameText(cluster.provisioningState, 'Succeeded');
  return done('cluster', found, failed ? ['The last operation on the cluster did not succeed.'] : []);
}

const stateText = ({ state, provisioningState, location }: ClusterFacts): string =>
  `${state}, provisioningState ${provisioningState}, ${location}`;

export function identityStep({ target, facts }: ClusterInput): PlanStep {
  const { cluster } = facts;
  if (cluster === undefined) return unknown('identity', 'There is no cluster.');
  const held = cluster.userIdentities.map(({ id }) => id);
  const hasSystem = cluster.systemIdentity !== undefined;
  const { identity } = target;
  if (identity.kind === 'system') {
    if (cluster.systemIdentity !== undefined)
      return done('identity', `system-assigned, principal ${cluster.systemIdentity.principalId}`);
    return toDo('identity', identitiesText(cluster), {
      note: 'Assign a system-assigned identity.',
      change: { kind: 'assignIdentity', type: typeOf(true, held.length > 0), userIdentities: held },
    });
  }
  const { id, subscriptionId, resourceGroup, name } = identity.id;
  if (facts.userIdentity === undefined) {
    return inTheWay('identity', 'no such identity', {
      note: `There is no user-assigned identity ${id}.`,
      remedy: az.createIdentity(subscriptionId, resourceGroup, name),
    });
  }
  if (held.some((one) => sameText(one, id)))
    return done('identity', `user-assigned, principal ${facts.userIdentity.principalId}`);
  return toDo('identity', identitiesText(cluster), {
    note: `Assign the user-assigned identity ${name}.`,
    change: { kind: 'assignIdentity', type: typeOf(hasSystem, true), userIdentities: [...held, id] },
  });
}

/** What the cluster has already stays: others may depend on it. */
function typeOf(system: boolean, user: boolean): string {
  if (system && user) return 'SystemAssigned, UserAssigned';
  return system ? 'SystemAssigned' : 'UserAssigned';
}

function identitiesText({ systemIdentity, userIdentities }: ClusterFacts): string {
  const parts = [
    ...(systemIdentity === undefined ? [] : ['system-assigned']),
    ...(userIdentities.length === 0 ? [] : [`${userIdentities.length} user-assigned`]),
  ];
  return parts.length === 0 ? 'none' : parts.join(' and ');
}
