import type { Rotation } from '../../cmk/rotate.ts';
import { planRotation, rotate as carryOut } from '../../cmk/rotate.ts';
import { UserError } from '../user-error.ts';
import type { RotateArguments } from './arguments.ts';
import { givenOf, versionOf } from './arguments.ts';
import { progressOf } from './progress.ts';
import { ask } from '../question.ts';
import { withSession } from './session.ts';
import { printChecks } from './verify-action.ts';

export async function rotate(args: RotateArguments): Promise<void> {
  const given = givenOf(args);
  const toVersion = args.toVersion === undefined ? undefined : versionOf(args.toVersion);
  await withSession(args.timeout, async (session) => {
    const { clients, pace } = session;
    const plan = await planRotation(clients, given, toVersion, pace.now());
    if (args.disableOld && !plan.pinned) {
      throw new UserError(
        'The cluster follows the newest version and does not say which one it uses: the old version is not disabled here.',
        'Leave out --disable-old, or pin a version with kustody cmk apply --key-version.',
      );
    }
    if (!args.json) process.stdout.write(`${planText(plan)}\n`);
    if (!args.yes && !(await ask('Do this?'))) throw new UserError('Nothing was changed.');
    const agreeToDisable = async (): Promise<boolean> =>
      args.disableOld && (args.yes || (await ask(disableQuestion(plan))));
    const done = await carryOut(clients, plan, agreeToDisable, pace, progressOf(args.json));
    const target = plan.pinned ? { ...plan.target, keyVersion: done.to } : plan.target;
    await printChecks('rotate', target, session, args, { result: 'rotated', ...done, warnings: plan.warnings });
    if (!args.json && !done.confirmed) process.stdout.write(`${followsText}\n`);
  });
}

const followsText =
  'The cluster follows the newest version by itself, which may take a day; it does not say when it has. Leave the old version enabled until then.';

function planText({ target, from, to, pinned, warnings }: Rotation): string {
  const key = `key '${target.keyName}' of cluster ${target.cluster.name}`;
  const next = to ?? 'a new version';
  return [
    pinned ? `From version ${from} of ${key} to ${next}.` : `A new version of ${key}, which follows it by itself.`,
    ...warnings.map((warning) => `Warning: ${warning}`),
  ].join('\n');
}

const disableQuestion = ({ from, target }: Rotation): string =>
  `Disable version ${from} of key '${target.keyName}'? Whoever else uses it can do so no longer.`;
