import { clusterKeyStep } from './plan-cluster-key.ts';
import { clusterStep, identityStep } from './plan-cluster.ts';
import { keyStep } from './plan-key.ts';
import { permissionsStep } from './plan-permissions.ts';
import type { PlanInput, PlanStep } from './plan-step.ts';
import { purgeProtectionStep, softDeleteStep, vaultStep } from './plan-vault.ts';

export interface Plan {
  readonly steps: readonly PlanStep[];
  readonly result: PlanResult;
}

export type PlanResult = 'nothingToDo' | 'somethingToDo' | 'inTheWay';

/** In the order in which they are done: that of the article, but for the key, which must be there before a role is given on it. */
const steps: readonly ((input: PlanInput) => PlanStep)[] = [
  clusterStep,
  identityStep,
  vaultStep,
  softDeleteStep,
  purgeProtectionStep,
  keyStep,
  permissionsStep,
  clusterKeyStep,
];

/** What is done, to do or in the way: a function of what is asked and what was found. */
export function planOf(input: PlanInput): Plan {
  const judged = steps.map((judge) => judge(input));
  return { steps: judged, result: resultOf(judged) };
}

function resultOf(judged: readonly PlanStep[]): PlanResult {
  if (judged.some(({ state }) => state === 'inTheWay')) return 'inTheWay';
  return judged.every(({ state }) => state === 'done') ? 'nothingToDo' : 'somethingToDo';
}
