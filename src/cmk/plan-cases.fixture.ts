import { expect } from 'vitest';
import {
  cluster,
  facts,
  ids,
  key,
  now,
  serviceRole,
  target,
  userIdentityName,
  vault,
  without,
} from './cmk-facts.fixture.ts';
import type { ClusterFacts, Facts, KeyFacts, VaultFacts } from './facts.ts';
import { planOf } from './plan.ts';
import { changesNothing } from './plan-step.ts';
import type { PlanInput, PlanStep, StepId } from './plan-step.ts';
import type { CmkTarget } from './target.ts';

export interface PlanCase {
  readonly name: string;
  readonly step: StepId;
  readonly target?: Partial<CmkTarget>;
  readonly facts: Facts;
  readonly options?: Partial<PlanInput['options']>;
  readonly is: Partial<Record<keyof PlanStep, unknown>>;
}

export const matching = (text: string): unknown => expect.stringContaining(text);
export const withCluster = (change: Partial<ClusterFacts>): Facts => ({ ...facts, cluster: { ...cluster, ...change } });
export const withVault = (change: Partial<VaultFacts>): Facts => ({ ...facts, vault: { ...vault, ...change } });
export const withKey = (change: Partial<KeyFacts>): Facts => ({
  ...facts,
  key: { outcome: 'found', key: { ...key, ...change } },
});
export const noVault = without(facts, 'vault');
export const noSystem = { ...facts, cluster: without(cluster, 'systemIdentity') };
export const asUser: Partial<CmkTarget> = { identity: userIdentityName };
export const user = { principalId: ids.userPrincipal, tenantId: ids.tenantId };
export const roles = (...assignments: readonly (typeof serviceRole)[]): Facts => ({
  ...withVault({ model: 'roles' }),
  access: { outcome: 'read', assignments },
});

export const judge = ({ target: asked = {}, facts: found, options = {} }: PlanCase): ReturnType<typeof planOf> =>
  planOf({ target: { ...target, ...asked }, facts: found, options: { ...changesNothing, ...options }, now });
