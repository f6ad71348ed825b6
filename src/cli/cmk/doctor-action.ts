import { oneLine } from '../../cmk/azure-error.ts';
import { lookLive } from '../../cmk/diagnose.ts';
import type { Expected, Prognosis } from '../../cmk/doctor.ts';
import { prognosisOf } from '../../cmk/doctor.ts';
import type { CmkTarget } from '../../cmk/target.ts';
import { guessVault, parseVault } from '../../cmk/target.ts';
import { UserError } from '../user-error.ts';
import type { NamedArguments } from './arguments.ts';
import { givenOf } from './arguments.ts';
import { rootKeyText } from '../status.ts';
import { localState } from './local-state.ts';
import { printJson, targetJson } from './present.ts';
import { withSession } from './session.ts';

export async function doctor(args: NamedArguments): Promise<void> {
  const { asked, malformed } = asMeant(args);
  const given = givenOf(asked);
  await withSession(args.timeout, async ({ clients, pace }) => {
    const live = await lookLive(clients, given, {}, pace.now());
    const { target } = live;
    if (target === undefined)
      throw new UserError('The vault and the key are not named, and the cluster has none.', 'Give --vault and --key.');
    const prognosis = prognosisOf(live, target, pace.now(), malformed);
    process.exitCode = exitCodeOf(prognosis);
    const local = await localState(process.env);
    const state = local?.state;
    if (args.json)
      printJson({
        ...{ command: 'doctor', ...targetJson(target), ...prognosis },
        ...(local && { rootKey: local.rootKey }),
        ...(state === undefined ? {} : { state: { address: state.address, failover: state.failover } }),
      });
    else {
      const lines = [
        textOf(target, prognosis),
        ...(local === undefined ? [] : [`Besides, the root key of this Kustody: ${rootKeyText(local.rootKey)}.`]),
        ...(state === undefined ? [] : [stateText(state)]),
      ];
      process.stdout.write(`${lines.join('\n')}\n`);
    }
  });
}

function exitCodeOf({ expected, notKnown }: Prognosis): number {
  if (expected.length > 0) return 4;
  return notKnown.length > 0 ? 3 : 0;
}

/** An address that no cluster takes is an answer here, and no mistake in the arguments, as long as one can see what it means. */
function asMeant(args: NamedArguments): { readonly asked: NamedArguments; readonly malformed?: string } {
  const { vault } = args;
  if (vault === undefined || 'value' in parseVault(vault)) return { asked: args };
  const guessed = guessVault(vault);
  if (guessed === undefined) return { asked: args };
  const key = args.key ?? guessed.key;
  return {
    asked: { ...args, vault: guessed.vault, ...(key === undefined ? {} : { key }) },
    malformed: guessed.problem,
  };
}

function textOf(target: CmkTarget, { expected, notKnown, besides }: Prognosis): string {
  const [first, ...others] = expected;
  const about = `Cluster ${target.cluster.name}, vault ${target.vault.name}, key ${target.keyName}.`;
  const lines = [
    about,
    first === undefined ? 'None of the documented errors is expected.' : `You would get ${first.code}.`,
    ...(first === undefined ? [] : mendText(first)),
    ...others.flatMap((one) => ['', `Once that is mended: ${one.code}.`, ...mendText(one)]),
    ...(besides === undefined ? [] : [`Besides, the cluster: ${oneLine(besides.found)}`]),
    ...(besides?.remedy === undefined ? [] : [`  $ ${besides.remedy}`]),
    ...notKnown.map(({ code, why }) => `Not known: ${code}. ${oneLine(why)}`),
  ];
  return lines.join('\n');
}

const stateText = ({ address, failover }: { readonly address: string; readonly failover: string }): string =>
  `Besides, the state of this Kustody, ${address}: ${oneLine(failover)}`;

function mendText({ why, mend }: Expected): readonly string[] {
  const one = (title: string, commands: readonly string[]): readonly string[] => [
    `  ${title}:`,
    ...commands.flatMap((command) => command.split('\n')).map((line) => (line === '' ? '' : `    ${line}`)),
  ];
  return [
    `  Why: ${oneLine(why)}`,
    ...(mend.length === 0 ? ['  No command mends this.'] : []),
    ...(mend.length === 0
      ? []
      : [
          ...one(
            'az',
            mend.map(({ az }) => az),
          ),
          ...one(
            'TypeScript or JavaScript',
            mend.map(({ typescript }) => typescript),
          ),
          ...one(
            'PowerShell',
            mend.map(({ powershell }) => powershell),
          ),
        ]),
  ];
}
