import { brokenRegisters } from './check-registers.ts';
import type { Operation, OperationOf } from './history.ts';
import { operationsOf } from './history.ts';

export type Rule = keyof typeof rules;

export interface Problem {
  readonly rule: Rule;
  readonly text: string;
}

/** What must hold of every history, whatever was killed, paused or cut off in it. */
const rules = {
  /** A row that was acknowledged is in every answer to a request that began afterwards. */
  lost: (history) => missing(history, (row) => row.acknowledged),
  /** A row that somebody has seen is in every answer to a request that began afterwards, acknowledged or not. */
  unseen: (history) => missing(history, (row) => (row.seen < row.acknowledged ? row.seen : Infinity)),
  twice: (history) =>
    reads(history).flatMap(({ table, rows, began }) => {
      const seen = new Set<string>();
      return rows
        .filter((row) => seen.size === seen.add(row).size)
        .map((row) => `${row} is twice in ${table} (${began})`);
    }),
  /** A row is there only when somebody has sent it before, and it was not refused. */
  invented: (history) => {
    const sent = sentRows(history);
    return reads(history).flatMap(({ table, rows, ended }) =>
      rows.flatMap((row) => {
        const from = sent.get(row);
        if (from?.table !== table) return [`${row} is in ${table}, where nobody has sent it`];
        if (from.outcome === 'fail') return [`${row} is in ${table}, where it was refused`];
        return ended < from.began ? [`${row} is in ${table} before it was sent`] : [];
      }),
    );
  },
  /** Nothing that was sent to a node that had been taken over from while it was paused is acknowledged or there. */
  late: (history) => {
    const late = operationsOf(history, 'ingest').filter((ingest) => ingest.late === true);
    const rows = new Set(late.flatMap((ingest) => ingest.rows));
    return [
      ...late
        .filter(({ outcome }) => outcome === 'ok')
        .map(({ began }) => `a node that was taken over from has acknowledged what it was sent at ${began}`),
      ...reads(history).flatMap(({ table, rows: seen }) =>
        seen.filter((row) => rows.has(row)).map((row) => `${row} is in ${table}, from a node that was taken over from`),
      ),
    ];
  },
  /** No row is in the answer to a request that began after a revocation was acknowledged and ended before anybody tried to undo it. */
  revoked: (history) => {
    const restores = operationsOf(history, 'restore').filter(({ outcome }) => outcome !== 'fail');
    const revocations = operationsOf(history, 'revoke').filter(({ outcome }) => outcome === 'ok');
    return reads(history)
      .filter(({ rows }) => rows.length > 0)
      .flatMap(({ table, began, ended, client }) => {
        const revocation = revocations.find(
          (revoke) =>
            revoke.ended < began &&
            !restores.some((restore) => restore.began <= ended && restore.ended >= revoke.began),
        );
        return revocation === undefined
          ? []
          : [`${client} has rows of ${table} at ${ended}, asked at ${began}, revoked at ${revocation.ended}`];
      });
  },
  register: brokenRegisters,
  /** The rules above say something of the end only if somebody has looked. */
  unread: (history) => {
    const ingests = operationsOf(history, 'ingest').filter(({ outcome }) => outcome === 'ok');
    return [...new Set(ingests.map(({ table }) => table))].flatMap((table) => {
      const last = Math.max(...ingests.filter((ingest) => ingest.table === table).map(({ ended }) => ended));
      return reads(history).some((read) => read.table === table && read.began > last)
        ? []
        : [`nobody has read ${table} at the end`];
    });
  },
} satisfies Record<string, (history: readonly Operation[]) => readonly string[]>;

export const allRules = Object.keys(rules) as readonly Rule[];

/** @returns what does not hold; empty: the history is one that promises allow */
export const checkHistory = (history: readonly Operation[]): readonly Problem[] =>
  allRules.flatMap((rule) => rules[rule](history).map((text) => ({ rule, text })));

const reads = (history: readonly Operation[]): readonly OperationOf<'read'>[] =>
  operationsOf(history, 'read').filter(({ outcome }) => outcome === 'ok');

const sentRows = (history: readonly Operation[]): ReadonlyMap<string, OperationOf<'ingest'>> =>
  new Map(operationsOf(history, 'ingest').flatMap((ingest) => ingest.rows.map((row) => [row, ingest] as const)));

interface KnownRow {
  readonly row: string;
  /** When it was acknowledged; Infinity: never. */
  readonly acknowledged: number;
  /** When the first answer with it was there. */
  seen: number;
}

/** @param since when a row was known: from then on it is in every answer */
function missing(history: readonly Operation[], since: (row: KnownRow) => number): readonly string[] {
  const sent = sentRows(history);
  return [...new Set(reads(history).map(({ table }) => table))].flatMap((table) => {
    const answers = reads(history).filter((read) => read.table === table);
    const rows = new Map<string, KnownRow>();
    for (const [row, { table: to, outcome, ended }] of sent)
      if (to === table) rows.set(row, { row, acknowledged: outcome === 'ok' ? ended : Infinity, seen: Infinity });
    for (const answer of answers)
      for (const row of answer.rows) {
        const known = rows.get(row);
        if (known !== undefined) known.seen = Math.min(known.seen, answer.ended);
      }
    const known = [...rows.values()].filter((row) => since(row) < Infinity);
    return answers.flatMap((answer) => {
      const there = new Set(answer.rows);
      return known
        .filter((row) => since(row) < answer.began && !there.has(row.row))
        .map(({ row }) => `${row} is not in the answer of ${table} to ${answer.client}, asked at ${answer.began}`);
    });
  });
}
