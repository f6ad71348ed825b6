import { look } from '../../cmk/apply.ts';
import type { PlanResult } from '../../cmk/plan.ts';
import type { PlanArguments } from './arguments.ts';
import { askedOf, planOptionsOf, targetOf } from './arguments.ts';
import { planText, printJson, stepsJson, targetJson } from './present.ts';
import { withSession } from './session.ts';

export const planExitCodes: Record<PlanResult, number> = { nothingToDo: 0, somethingToDo: 2, inTheWay: 3 };

export async function plan(args: PlanArguments): Promise<void> {
  const asked = askedOf(args);
  await withSession(args.timeout, async ({ clients, pace }) => {
    const target = await targetOf(clients, asked);
    const { plan: found } = await look(clients, target, planOptionsOf(args), pace);
    process.exitCode = planExitCodes[found.result];
    const { result, steps } = found;
    if (args.json) printJson({ command: 'plan', ...targetJson(target), result, steps: stepsJson(steps) });
    else process.stdout.write(`${planText(found)}\n`);
  });
}
