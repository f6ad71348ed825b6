import { existsSync, readFileSync, statSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { oneLine } from '../../cmk/azure-error.ts';
import type { Finding, ReadError } from '../../cmk/diagnose.ts';
import { diagnose as explain, lookLive, readErrorText } from '../../cmk/diagnose.ts';
import type { Hints, LiveView } from '../../cmk/documented-errors.ts';
import { UserError } from '../user-error.ts';
import type { DiagnoseArguments } from './arguments.ts';
import { givenOf, namesCluster } from './arguments.ts';
import { findingsText, printJson } from './present.ts';
import { withSession } from './session.ts';

const errorBytesMax = 1024 * 1024;

export async function diagnose(args: DiagnoseArguments): Promise<void> {
  const isLive = namesCluster(args);
  if (!isLive && args.error === undefined)
    throw new UserError('There is nothing to diagnose.', 'Give a cluster, --error, or both.');
  const read = args.error === undefined ? {} : readErrorText(await errorText(args.error));
  const isUnknown = args.error !== undefined && read.documented === undefined;
  if (!isLive) {
    report(args, read, isUnknown, undefined);
    return;
  }
  const given = givenOf(args);
  await withSession(args.timeout, async ({ clients, pace }) => {
    report(args, read, isUnknown, await lookLive(clients, given, read, pace.now()));
  });
}

async function errorText(source: string): Promise<string> {
  if (source === '-') return (await readAll(process.stdin)).slice(0, errorBytesMax);
  if (!existsSync(source)) return source;
  if (!statSync(source).isFile()) throw new UserError(`${source} is no file.`);
  if (statSync(source).size > errorBytesMax) throw new UserError(`${source} is larger than 1 MiB.`);
  return readFileSync(source, 'utf8');
}

function report(args: DiagnoseArguments, read: ReadError, isUnknown: boolean, live: LiveView | undefined): void {
  const findings = isUnknown && live === undefined ? [] : explain(read.documented, live, hintsOf(args, read));
  const state = stateOf(live);
  const isIll = state?.runs === false || findings.some(({ holds }) => holds?.now === 'yes');
  process.exitCode = isUnknown ? 1 : isIll ? 4 : 0;
  if (args.json) {
    printJson({
      command: 'diagnose',
      error: args.error === undefined ? null : { documented: read.documented ?? null, other: read.otherCode ?? null },
      cluster: live === undefined ? null : { id: live.cluster.id, ...state },
      findings,
    });
    return;
  }
  process.stdout.write(`${textOf(read, isUnknown, state, findings)}\n`);
}

interface ClusterState {
  readonly runs: boolean;
  readonly state: string;
  readonly reason: string;
}

function stateOf(live: LiveView | undefined): ClusterState | undefined {
  const step = live?.steps.find(({ id }) => id === 'cluster');
  if (step === undefined) return undefined;
  return { runs: step.state !== 'inTheWay', state: step.found, reason: oneLine(step.note ?? '') };
}

function hintsOf({ vault, key }: DiagnoseArguments, read: ReadError): Hints {
  const vaultUri = read.vault?.by === 'uri' ? read.vault.uri : undefined;
  const vaultName = vault ?? read.vault?.name;
  const keyName = key ?? read.keyName;
  return {
    ...(vaultName === undefined ? {} : { vault: vaultName }),
    ...(vaultUri === undefined ? {} : { vaultUri }),
    ...(keyName === undefined ? {} : { key: keyName }),
  };
}

function textOf(
  read: ReadError,
  isUnknown: boolean,
  state: ClusterState | undefined,
  findings: readonly Finding[],
): string {
  const what = read.otherCode === undefined ? 'No code was found in it' : `'${read.otherCode}' is not a code`;
  return [
    ...(isUnknown ? [`${what} of the eight documented ones: what it means is not known.`] : []),
    ...(state === undefined ? [] : [`Cluster: ${state.state}. ${state.reason}`.trim()]),
    ...(findings.length === 0 ? [] : [findingsText(findings)]),
  ].join('\n');
}
