import type { Json } from '../../base/json.ts';
import { rowsOf } from './batches.ts';
import type { Performed } from './perform-promotion.ts';
import { differences } from './perform-promotion.ts';
import type { PlannedDatabase } from './steps.ts';
import { nameOf } from './send-rows.ts';
import type { Source } from './source.ts';

export interface Promotion {
  readonly source: Source;
  readonly target: string;
  readonly planned: readonly PlannedDatabase[];
  readonly keyCommand: string | undefined;
}

/** What is done, in its order, and what is not. */
export function planText({ source, target, planned, keyCommand }: Promotion): string {
  const key =
    keyCommand === undefined
      ? []
      : ['', 'Before, so that no row lies there under another key, where that vault is:', `  ${keyCommand}`];
  return [
    `From ${source.host} to ${target}`,
    ...key,
    ...planned.flatMap(({ plan, steps }) => [
      '',
      `Database ${plan.name}`,
      ...steps.flatMap(({ text }) => text.split('\n').map((line) => `  ${line}`)),
      ...(plan.phases.left.length === 0 ? [] : ['', 'Left to do by hand']),
      ...plan.phases.left.flatMap((text) => text.split('\n').map((line) => `  ${line}`)),
    ]),
    '',
    '',
  ].join('\n');
}

export function doneText({ planned }: Promotion, performed: readonly Performed[]): string {
  const lines = performed.flatMap((one, at) => {
    const name = planned[at]?.plan.name ?? '';
    return [
      ...one.counted.map(({ kind, name: entity, expected, there }) => {
        const what = `${name}: ${kind} ${entity}: ${there} rows there`;
        return expected === there ? what : `${what}, ${expected} expected`;
      }),
      ...one.refusedRoles.map(({ command, why }) => `${name}: not given: ${command}\n  ${why}`),
      ...(one.stagedBlobsLeft === 0
        ? []
        : [`${name}: ${one.stagedBlobsLeft} blobs in staging could not be deleted: the target clears them in time`]),
    ];
  });
  const isWhole = performed.every((one) => differences(one).length === 0);
  return `${[...lines, isWhole ? 'Promoted.' : 'Promoted, but counts differ.'].join('\n')}\n`;
}

export function documentOf(
  { source, target, planned, keyCommand }: Promotion,
  result: 'planned' | 'promoted' | 'different',
  performed: readonly Performed[],
): Json {
  return {
    ...{ command: 'promote', source: source.host, target, result },
    ...(keyCommand === undefined ? {} : { keyCommand }),
    databases: planned.map(({ plan, steps }, at) => ({
      name: plan.name,
      steps: steps.map(({ kind, text }) => ({ kind, text })),
      tables: plan.tables.map(({ table, batches, toSend }) => ({
        ...{ name: nameOf(table), rows: rowsOf(batches), batches: batches.length, batchesToSend: toSend.length },
        rowsToSend: rowsOf(toSend),
      })),
      left: [...plan.phases.left],
      ...performedOf(performed[at]),
    })),
  };
}

const performedOf = (performed: Performed | undefined): Record<string, Json> =>
  performed === undefined
    ? {}
    : {
        counted: performed.counted.map((one) => ({ ...one })),
        refusedRoles: performed.refusedRoles.map((one) => ({ ...one })),
        stagedBlobsLeft: performed.stagedBlobsLeft,
      };
