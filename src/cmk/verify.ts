import { az } from './commands.ts';
import type { Facts } from './facts.ts';
import { planOf } from './plan.ts';
import type { PlanStep, StepId } from './plan-step.ts';
import { changesNothing, stepTitles } from './plan-step.ts';
import { day } from './plan-key.ts';
import { sameText } from './resource-id.ts';
import type { CmkTarget } from './target.ts';

export interface Check {
  readonly id: StepId | 'provisioningState' | 'expiry';
  readonly title: string;
  readonly ok: boolean;
  readonly found: string;
  /** What is wrong. */
  readonly note?: string;
  readonly warnings: readonly string[];
  readonly remedy?: string;
}

export interface VerifyInput {
  readonly target: CmkTarget;
  readonly facts: Facts;
  readonly now: Date;
  /** A key that expires within so many days fails. */
  readonly warnDays: number;
}

const dayMs = 86_400_000;

/** Every step of a plan that would change nothing, and what a plan does not look at. */
export function verify({ target, facts, now, warnDays }: VerifyInput): readonly Check[] {
  const { steps } = planOf({ target, facts, options: changesNothing, now });
  return [...steps.map(checkOf), provisioningCheck(facts), ...expiryCheck(target, facts, now, warnDays)];
}

/** The one check of a cluster of which nobody has said what key it should have, and which has none. */
export const microsoftManaged: Check = {
  id: 'clusterKey',
  title: stepTitles.clusterKey,
  ok: false,
  found: 'Microsoft-managed key',
  note: 'The cluster has no customer-managed key. Name a vault and a key to check those.',
  warnings: [],
};

const checkOf = ({ id, title, state, found, note, warnings, remedy }: PlanStep): Check => ({
  id,
  title,
  ok: state === 'done',
  found,
  ...(note === undefined || state === 'done' ? {} : { note: state === 'toDo' ? missingText(id) : note }),
  warnings,
  ...(remedy === undefined ? {} : { remedy }),
});

/** A plan says what it would do; a check says what is not so. */
const missingText = (id: StepId): string =>
  `Not so: ${stepTitles[id].slice(0, 1).toLowerCase()}${stepTitles[id].slice(1)}.`;

function provisioningCheck({ cluster }: Facts): Check {
  const found = cluster?.provisioningState ?? '';
  const ok = sameText(found, 'Succeeded');
  return {
    id: 'provisioningState',
    title: 'provisioningState is Succeeded',
    ok,
    found,
    ...(ok || cluster === undefined
      ? {}
      : { note: 'The last change has not succeeded.', remedy: az.showCluster(cluster) }),
    warnings: [],
  };
}

function expiryCheck(target: CmkTarget, facts: Facts, now: Date, warnDays: number): readonly Check[] {
  if (facts.key.outcome !== 'found' || facts.vault === undefined) return [];
  const { expiresOn, version } = facts.key.key;
  const title = `The key does not expire within ${warnDays} days`;
  if (expiresOn === undefined) return [{ id: 'expiry', title, ok: true, found: 'no expiry', warnings: [] }];
  const days = Math.floor((expiresOn.getTime() - now.getTime()) / dayMs);
  const ok = days >= warnDays;
  const found = `${day(expiresOn)}, ${days < 0 ? 'over' : `in ${days} days`}`;
  if (ok) return [{ id: 'expiry', title, ok, found, warnings: [] }];
  const remedy = `kustody cmk rotate --cluster-id ${target.cluster.id}`;
  return [
    { id: 'expiry', title, ok, found, note: `Version ${version} expires soon: rotate it.`, warnings: [], remedy },
  ];
}
