import { gather, gatherCluster } from '../../cmk/gather.ts';
import { resolveTarget } from '../../cmk/resolve-target.ts';
import type { CmkTarget } from '../../cmk/target.ts';
import { microsoftManaged, verify as verifyFacts } from '../../cmk/verify.ts';
import { UserError } from '../user-error.ts';
import type { VerifyArguments } from './arguments.ts';
import { givenOf } from './arguments.ts';
import { checksText, printJson, targetJson } from './present.ts';
import type { Session } from './session.ts';
import { withSession } from './session.ts';

export async function verify(args: VerifyArguments): Promise<void> {
  const given = givenOf(args);
  await withSession(args.timeout, async (session) => {
    const cluster = await gatherCluster(session.clients, given.cluster);
    if (cluster === undefined) throw new UserError(`There is no cluster ${given.cluster.id}.`);
    const target = resolveTarget(given, cluster);
    if ('value' in target) return printChecks('verify', target.value, session, args, {});
    if (cluster.key !== undefined) throw new UserError(target.problem);
    process.exitCode = 4;
    const checks = [microsoftManaged];
    if (args.json) printJson({ command: 'verify', cluster: cluster.id, ok: false, checks });
    else process.stdout.write(`${checksText(checks)}\n`);
  });
}

/** The end of every command that changes something, too. @param extra members of the JSON document */
export async function printChecks(
  command: string,
  target: CmkTarget,
  { clients, pace }: Session,
  { json, warnDays }: { readonly json: boolean; readonly warnDays: number },
  extra: Readonly<Record<string, unknown>>,
): Promise<void> {
  const checks = verifyFacts({ target, facts: await gather(clients, target), now: pace.now(), warnDays });
  const ok = checks.every((check) => check.ok);
  process.exitCode = ok ? 0 : 4;
  if (json) printJson({ command, ...targetJson(target), ...extra, ok, checks });
  else process.stdout.write(`${checksText(checks)}\n`);
}
