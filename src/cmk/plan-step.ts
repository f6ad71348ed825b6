import type { ClusterKey, Facts } from './facts.ts';
import type { CmkTarget } from './target.ts';

export const stepTitles = {
  cluster: 'The cluster exists and runs',
  identity: 'The cluster has the identity',
  vault: 'The vault exists and can be used by the cluster',
  softDelete: 'Soft delete is on',
  purgeProtection: 'Purge protection is on',
  key: 'The key can wrap',
  permissions: 'The identity may get, wrapKey, unwrapKey',
  clusterKey: 'The cluster uses the key',
} as const;

export type StepId = keyof typeof stepTitles;

/** `toDo`: this tool does it. `inTheWay`: it does not. `unknown`: a step before it must be done first. */
export type StepState = 'done' | 'toDo' | 'inTheWay' | 'unknown';

/** What a step changes, complete with what Azure needs to be told. */
export type Change =
  | { readonly kind: 'waitForCluster' }
  | { readonly kind: 'assignIdentity'; readonly type: string; readonly userIdentities: readonly string[] }
  | { readonly kind: 'protectVault'; readonly vaultId: string }
  | { readonly kind: 'createKey'; readonly vaultUri: string; readonly keyName: string; readonly sizeBits: number }
  | { readonly kind: 'grantPolicy'; readonly vaultId: string; readonly tenantId: string; readonly principalId: string }
  | { readonly kind: 'grantRole'; readonly scope: string; readonly principalId: string }
  | { readonly kind: 'setKey'; readonly key: ClusterKey };

export interface PlanStep {
  readonly id: StepId;
  readonly title: string;
  readonly state: StepState;
  /** The exact value found. */
  readonly found: string;
  /** What will be done, or what is wrong. */
  readonly note?: string;
  readonly warnings: readonly string[];
  /** A command that helps, when this tool does not do it. */
  readonly remedy?: string;
  /** What cannot be taken back. */
  readonly irreversible?: string;
  /** Absent while a step before it must be done first. */
  readonly change?: Change;
}

export interface PlanOptions {
  readonly createKey: boolean;
  readonly keySizeBits: number;
  readonly enablePurgeProtection: boolean;
}

/** For whoever only looks. */
export const changesNothing: PlanOptions = { createKey: false, keySizeBits: 3072, enablePurgeProtection: false };

/** Everything that a step is judged by. */
export interface PlanInput {
  readonly target: CmkTarget;
  readonly facts: Facts;
  readonly options: PlanOptions;
  readonly now: Date;
}

type Extra = Partial<Pick<PlanStep, 'note' | 'warnings' | 'remedy' | 'irreversible' | 'change'>>;

const step = (id: StepId, state: StepState, found: string, extra: Extra = {}): PlanStep => ({
  id,
  title: stepTitles[id],
  state,
  found,
  ...extra,
  warnings: extra.warnings ?? [],
});

export const done = (id: StepId, found: string, warnings: readonly string[] = []): PlanStep =>
  step(id, 'done', found, { warnings });
export const toDo = (id: StepId, found: string, extra: Extra & { readonly note: string }): PlanStep =>
  step(id, 'toDo', found, extra);
export const inTheWay = (
  id: StepId,
  found: string,
  extra: Extra & { readonly note: string; readonly remedy: string },
): PlanStep => step(id, 'inTheWay', found, extra);
export const unknown = (id: StepId, why: string): PlanStep => step(id, 'unknown', '', { note: why });
