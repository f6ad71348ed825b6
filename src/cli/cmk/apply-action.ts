import { apply as applyPlan, look } from '../../cmk/apply.ts';
import type { Plan } from '../../cmk/plan.ts';
import type { CmkTarget } from '../../cmk/target.ts';
import { UserError } from '../user-error.ts';
import type { ApplyArguments } from './arguments.ts';
import { askedOf, planOptionsOf, targetOf } from './arguments.ts';
import { planExitCodes } from './plan-action.ts';
import { planText, printJson, stepsJson, targetJson } from './present.ts';
import { progressOf } from './progress.ts';
import { ask } from '../question.ts';
import { withSession } from './session.ts';
import { printChecks } from './verify-action.ts';

export async function apply(args: ApplyArguments): Promise<void> {
  const asked = askedOf(args);
  const options = planOptionsOf(args);
  await withSession(args.timeout, async ({ clients, pace }) => {
    const target = await targetOf(clients, asked);
    const { plan } = await look(clients, target, options, pace);
    if (!args.json) process.stdout.write(`${planText(plan, plan.result !== 'somethingToDo')}\n`);
    if (plan.result === 'inTheWay') {
      process.exitCode = planExitCodes.inTheWay;
      if (args.json)
        printJson({ command: 'apply', ...targetJson(target), result: plan.result, steps: stepsJson(plan.steps) });
      return;
    }
    if (plan.result === 'somethingToDo' && !args.yes && !(await ask(questionOf(plan, target))))
      throw new UserError('Nothing was changed.');
    const performed = await applyPlan(clients, { target, options, agreed: plan }, pace, progressOf(args.json));
    await printChecks('apply', target, { clients, pace }, args, { result: 'applied', performed });
  });
}

function questionOf({ steps }: Plan, { cluster }: CmkTarget): string {
  const toDo = steps.filter(({ state }) => state === 'toDo');
  return [
    `On cluster ${cluster.name}:`,
    ...toDo.map(({ note, title }) => `  - ${note ?? title}`),
    ...toDo.flatMap(({ irreversible }) => (irreversible === undefined ? [] : [`FOR EVER: ${irreversible}`])),
    'Do this?',
  ].join('\n');
}
