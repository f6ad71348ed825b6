import { textTable } from '../text-table.ts';
import { actionNames, actionTitles } from '../../server/drill-matrix.ts';
import type { DrillRow } from './drill.ts';
import type { Outcome } from './outcome.ts';

/** The matrix: each way to lose the key against each action. */
export const drillTable = (rows: readonly DrillRow[]): string =>
  textTable(
    drillHead,
    rows.map((row) => drillCells(row).map(brokenUp)),
  );

export const drillHead: readonly string[] = [
  ...['', 'what happened', 'bit after', ...actionNames.map((name) => actionTitles[name]), 'healed after'],
];

/** One way, in the order of the head; latencies in seconds on the clock of the instance. */
export const drillCells = (row: DrillRow): readonly string[] => [
  row.problems.length === 0 ? 'ok' : 'NO',
  row.title,
  row.bites === 'none' ? 'goes on, warns' : seconds(row.bitAfterSeconds),
  ...actionNames.map((name) => outcomeText(row.outcomes[name])),
  row.bites === 'none' ? '' : seconds(row.healedAfterSeconds),
];

const seconds = (value: number | undefined): string => (value === undefined ? 'never' : `${value} s`);

function outcomeText({ kind, status, error }: Outcome): string {
  if (kind === 'served') return 'served';
  return kind === 'cutOff' ? 'cut off' : `${status === undefined ? '' : `${status} `}${error ?? ''}`;
}

/** Long names go over two lines, between two words of theirs. */
function brokenUp(text: string): string {
  if (text.length <= lineCharactersMax) return text;
  const at = text.slice(0, lineCharactersMax).search(/[A-Z][a-z]*$/);
  return at <= 0 ? text : `${text.slice(0, at)}\n${brokenUp(text.slice(at))}`;
}

const lineCharactersMax = 14;

/** Where nothing is wrong. */
export const allCameOut = (count: number): string =>
  count === 1 ? 'The one way came out as it must.' : `All ${count} ways came out as they must.`;
