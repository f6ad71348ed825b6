import type { Rule } from '../../tests/support/history/check-history.ts';
import { checkHistory } from '../../tests/support/history/check-history.ts';
import type { Operation, OperationOf } from '../../tests/support/history/history.ts';
import { operationsOf } from '../../tests/support/history/history.ts';

type Spoil = (history: readonly Operation[]) => readonly Operation[];

/** What would be in the history of a run if a promise were broken, for each rule. */
const spoilt: Readonly<Record<Rule, Spoil>> = {
  lost: (history) => {
    const known = acknowledgedRows(history);
    const lost = lastRead(history).rows.find((row) => known.has(row));
    return inLastRead(history, (rows) => rows.filter((row) => row !== lost));
  },
  unseen: (history) => {
    const [row] = lastRead(history).rows;
    const unknown = history.map((one) =>
      one.kind === 'ingest' && one.rows.includes(row ?? '') ? { ...one, outcome: 'unknown' as const } : one,
    );
    const last = lastRead(history);
    return [...unknown, { ...last, rows: last.rows.slice(1), began: last.ended + 1, ended: last.ended + 2 }];
  },
  twice: (history) => inLastRead(history, (rows) => [...rows, ...rows.slice(0, 1)]),
  invented: (history) => inLastRead(history, (rows) => [...rows, 'a row of nobody']),
  late: (history) => {
    const [row] = lastRead(history).rows;
    return history.map((one) => (one.kind === 'ingest' && one.rows.includes(row ?? '') ? { ...one, late: true } : one));
  },
  revoked: (history) => {
    const revocation = operationsOf(history, 'revoke').find(({ outcome }) => outcome === 'ok');
    const began = (revocation?.ended ?? 0) + 0.001;
    return [...history, { ...lastRead(history), began, ended: began + 0.001 }];
  },
  register: (history) => {
    const put = operationsOf(history, 'put').findLast(({ outcome }) => outcome === 'ok');
    if (put === undefined) return history;
    const { register, ended } = put;
    const stale = {
      kind: 'get',
      register,
      value: '',
      client: 'spoilt',
      began: ended + 1,
      ended: ended + 2,
      outcome: 'ok',
    };
    return [...history, stale as Operation];
  },
  unread: (history) => {
    const { table } = lastRead(history);
    return history.filter((one) => one.kind !== 'read' || one.table !== table);
  },
};

/** The control: each rule finds a history that was spoilt for it. @returns rules that do not */
export const rulesThatSleep = (history: readonly Operation[]): readonly string[] =>
  Object.entries(spoilt)
    .filter(([rule, spoil]) => !checkHistory(spoil(history)).some((problem) => problem.rule === rule))
    .map(([rule]) => `the control found nothing by the rule '${rule}'`);

const acknowledgedRows = (history: readonly Operation[]): ReadonlySet<string> =>
  new Set(operationsOf(history, 'ingest').flatMap((one) => (one.outcome === 'ok' ? one.rows : [])));

/** The last look at a table into which rows were taken for certain. */
function lastRead(history: readonly Operation[]): OperationOf<'read'> {
  const known = acknowledgedRows(history);
  const last = operationsOf(history, 'read').findLast(
    ({ outcome, rows }) => outcome === 'ok' && rows.some((row) => known.has(row)),
  );
  if (last === undefined) throw new Error('Nobody has read a row.');
  return last;
}

function inLastRead(
  history: readonly Operation[],
  change: (rows: readonly string[]) => readonly string[],
): readonly Operation[] {
  const last = lastRead(history);
  return history.map((one) => (one === last ? { ...last, rows: change(last.rows) } : one));
}
