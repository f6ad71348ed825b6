import Table from 'cli-table3';
import { oneLine } from '../../cmk/azure-error.ts';
import type { Finding } from '../../cmk/diagnose.ts';
import type { Plan } from '../../cmk/plan.ts';
import type { PlanStep, StepState } from '../../cmk/plan-step.ts';
import type { CmkTarget } from '../../cmk/target.ts';
import type { Check } from '../../cmk/verify.ts';

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

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columnWidths(head, rows, process.stdout.columns || 160);
  const table = new Table({
    head: [...head],
    colWidths: widths,
    ...(process.stdout.isTTY ? {} : { style: { head: [], border: [] } }),
  });
  for (const row of rows) table.push(row.map((cell, index) => folded(oneLine(cell), (widths[index] ?? 80) - 2)));
  return table.toString();
}

/** The first column as wide as it needs; the others share the rest by what they hold. */
function columnWidths(head: readonly string[], rows: readonly (readonly string[])[], total: number): number[] {
  const longest = head.map(
    (title, index) => Math.max(title.length, ...rows.map((row) => oneLine(row[index] ?? '').length)) + 2,
  );
  const [first = 0, ...others] = longest;
  const room = Math.max(total - first - head.length - 1, others.length * 14);
  const needed = others.reduce((sum, width) => sum + width, 0);
  if (needed <= room) return longest;
  const capped = others.map((width) => Math.min(width, Math.ceil(room / 2)));
  const sum = capped.reduce((all, width) => all + width, 0);
  return [first, ...capped.map((width) => Math.max(12, Math.floor((width * room) / sum)))];
}

/** At blanks, and within words that are longer than a line: nothing is cut off. */
function folded(text: string, width: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((one) => pieces(one, width))) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}

const pieces = (word: string, width: number): readonly string[] =>
  word.length <= width ? [word] : (word.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [word]);
