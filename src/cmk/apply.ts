import { readAzureError } from './azure-error.ts';
import { perform } from './changes.ts';
import type { Pace } from './changes.ts';
import type { CmkClients } from './clients.ts';
import type { Facts } from './facts.ts';
import { gather } from './gather.ts';
import type { Plan } from './plan.ts';
import { planOf } from './plan.ts';
import type { PlanOptions, PlanStep, StepId } from './plan-step.ts';
import type { CmkTarget } from './target.ts';

/** Shows that a step runs, then how it ended. */
export interface Progress {
  readonly run: (title: string, work: () => Promise<string>) => Promise<void>;
}

export interface ApplyRequest {
  readonly target: CmkTarget;
  readonly options: PlanOptions;
  /** What somebody has agreed to: nothing else is changed. */
  readonly agreed: Plan;
}

export interface Look {
  readonly facts: Facts;
  readonly plan: Plan;
}

/** Something came out in another way than was agreed or asked for. */
export class ApplyStopped extends Error {
  override readonly name = 'ApplyStopped';
}

const readBackAttempts = 10;
const readBackPauseMs = 3_000;
/** A new permission takes some minutes until vaults know it. */
const permissionAttempts = 40;
const permissionPauseMs = 15_000;

export async function look(
  clients: CmkClients,
  target: CmkTarget,
  options: PlanOptions,
  pace: Pick<Pace, 'now'>,
): Promise<Look> {
  const facts = await gather(clients, target);
  return { facts, plan: planOf({ target, facts, options, now: pace.now() }) };
}

/** Does what was agreed, a step at a time, each planned anew from what is there and read back before the next: so it can be interrupted
 * anywhere and begun again. @returns what has been done */
export async function apply(
  clients: CmkClients,
  request: ApplyRequest,
  pace: Pace,
  progress: Progress,
): Promise<readonly StepId[]> {
  const { target, options, agreed } = request;
  const agreedIds = new Set(agreed.steps.filter(({ state }) => state === 'toDo').map(({ id }) => id));
  const performed: StepId[] = [];
  for (;;) {
    const { plan } = await look(clients, target, options, pace);
    const blocked = plan.steps.find(({ state }) => state === 'inTheWay');
    if (blocked !== undefined) throw new ApplyStopped(`${blocked.title}: ${blocked.note ?? blocked.found}`);
    const next = plan.steps.find(({ state }) => state === 'toDo');
    if (next === undefined) return performed;
    // Waiting changes nothing and needs nobody's leave; what else was not agreed to is not done.
    const isWaiting = next.change?.kind === 'waitForCluster';
    if (!isWaiting && (!agreedIds.has(next.id) || performed.includes(next.id)))
      throw new ApplyStopped(`${next.title}: this changed meanwhile (${next.found}). Plan again.`);
    await progress.run(next.note ?? next.title, async () => {
      await performPatiently(clients, target, next, performed.includes('permissions'), pace);
      return (await readBack(clients, request, next.id, pace)).found;
    });
    if (!performed.includes(next.id)) performed.push(next.id);
  }
}

async function performPatiently(
  clients: CmkClients,
  target: CmkTarget,
  { id, title, change }: PlanStep,
  permissionsAreNew: boolean,
  pace: Pace,
): Promise<void> {
  if (change === undefined) throw new ApplyStopped(`${title}: this cannot be done before the steps above.`);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await perform(clients, target.cluster, change, pace);
      return;
    } catch (error) {
      const isLate =
        id === 'clusterKey' &&
        permissionsAreNew &&
        readAzureError(error).code === 'IdentityDoesNotHaveAccessToKeyVault' &&
        attempt < permissionAttempts;
      if (!isLate) throw error;
    }
    await pace.sleep(permissionPauseMs);
  }
}

/** What was changed may take a moment until it can be read. */
async function readBack(
  clients: CmkClients,
  { target, options }: ApplyRequest,
  id: StepId,
  pace: Pace,
): Promise<PlanStep> {
  for (let attempt = 1; ; attempt += 1) {
    const { plan } = await look(clients, target, options, pace);
    const step = plan.steps.find((one) => one.id === id);
    if (step?.state === 'done') return step;
    if (attempt >= readBackAttempts || step === undefined || step.state === 'inTheWay') {
      const found = [step?.found, step?.note].filter((text) => text !== undefined && text !== '').join(': ');
      throw new ApplyStopped(`The change was accepted, but it cannot be read back (${found}).`);
    }
    await pace.sleep(readBackPauseMs);
  }
}
