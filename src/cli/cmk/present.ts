import { oneLine } from '../../cmk/azure-error.ts';
import type { Finding } from '../../cmk/diagnose.ts';
import type { Plan } from '../../cmk/plan.ts';
import type { PlanStep, StepState } from '../../cmk/plan-step.ts';
import type { CmkTarget } from '../../cmk/target.ts';
import type { Check } from '../../cmk/verify.ts';
import { textTable } from '../text-table.ts';

/** How a target is written in JSON, the same for all commands. */
export const targetJson = ({ cluster, vault, keyName, keyVersion, identity }: CmkTarget): Record<string, unknown> => ({
  cluster: cluster.id,
  vault: vault.by === 'id' ? vault.id.id : vault.by === 'uri' ? vault.uri : vault.name,
  key: keyName,
  keyVersion: keyVersion ?? null,
  identity: identity.kind === 'system' ? 'system' : identity.id.id,
});

/** Without the requests that would be sent. */
export const stepsJson = (steps: readonly PlanStep[]): readonly Record<string, unknown>[] =>
  steps.map(({ id, title, state, found, note, warnings, remedy, irreversible }) => ({
    id,
    title,
    state,
    found,
    note,
    warnings,
    remedy,
    irreversible,
  }));

export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
}

const stateWords: Record<StepState, string> = {
  done: 'done',
  toDo: 'to do',
  inTheWay: 'IN THE WAY',
  unknown: 'later',
};

/** @param verdict whether to say at the end what is to be done about it */
export function planText({ steps, result }: Plan, verdict = true): string {
  const last = {
    nothingToDo: 'Nothing to do.',
    somethingToDo: `${steps.filter(({ state }) => state === 'toDo').length} to do: kustody cmk apply does it.`,
    inTheWay: 'Something is in the way that kustody cmk apply does not do.',
  }[result];
  return [
    tableOf(
      ['', 'Step', 'Found', 'What is next'],
      steps.map(({ state, title, found, note }) => [stateWords[state], title, found, note ?? '']),
    ),
    ...advice(steps),
    ...(verdict ? [last] : []),
  ].join('\n');
}

export function checksText(checks: readonly Check[]): string {
  const failed = checks.filter(({ ok }) => !ok).length;
  return [
    tableOf(
      ['', 'Check', 'Found', 'What is wrong'],
      checks.map(({ ok, title, found, note }) => [ok ? 'ok' : 'FAILED', title, found, note ?? '']),
    ),
    ...advice(checks),
    failed === 0 ? `All ${checks.length} checks are well.` : `${failed} of ${checks.length} checks failed.`,
  ].join('\n');
}

/** Commands stand outside the table: they are copied. */
function advice(rows: readonly Pick<PlanStep, 'warnings' | 'remedy' | 'irreversible'>[]): readonly string[] {
  const lines = rows.flatMap(({ warnings, remedy, irreversible }) => [
    ...warnings.map((warning) => `Warning: ${warning}`),
    ...(irreversible === undefined ? [] : [`For ever: ${irreversible}`]),
    ...(remedy === undefined ? [] : [`  $ ${remedy}`]),
  ]);
  return [...new Set(lines)].map(oneLineKeepingIndent);
}

export function findingsText(findings: readonly Finding[]): string {
  const rows = findings.map(({ code, cause, holds }) => [
    code,
    cause,
    ...(holds === undefined ? [] : [`${holdsWords[holds.now]}. ${holds.why}`]),
  ]);
  const isLive = findings.some(({ holds }) => holds !== undefined);
  const help = findings
    .filter(({ holds }) => holds?.now === 'yes' || findings.length === 1)
    .flatMap(({ code, check, run }) => [
      `${code}:`,
      ...check.map((one) => `  - ${one}`),
      ...run.map((one) => `  $ ${one}`),
    ]);
  return [tableOf(['Code', 'Cause', ...(isLive ? ['Now'] : [])], rows), ...help].join('\n');
}

const holdsWords = { yes: 'YES', no: 'no', unknown: 'not known' } as const;

const oneLineKeepingIndent = (line: string): string => `${/^ */.exec(line)?.[0] ?? ''}${oneLine(line)}`;

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  textTable(
    head,
    rows.map((row) => row.map(oneLine)),
  );
