import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { instant } from '../../clock/clock.ts';
import type { UpkeepProblem, UpkeepStep } from '../../database/extents/upkeep.ts';
import { upkeepSteps } from '../../database/extents/upkeep.ts';
import { numberOf, objectOf, outcomeOf, ProtocolError, textOf } from './message-fields.ts';

/** `notOpen`: nobody has needed the data yet. `removed`: of the databases that were deleted, those that hold nothing any more. */
export type UpkeepReply =
  | { readonly outcome: 'done'; readonly removed: readonly Guid[]; readonly problems: UpkeepProblems }
  | { readonly outcome: 'notOpen' };

/** What upkeep could not do, and has not done since: how many, and the first of them. */
export interface UpkeepProblems {
  readonly count: number;
  readonly first: readonly UpkeepProblem[];
}

/** @throws ProtocolError */
export function upkeepReplyOf(value: unknown): UpkeepReply {
  const reply = objectOf(value);
  if (reply.outcome === 'notOpen') return { outcome: 'notOpen' };
  const { count, first } = objectOf(reply.problems);
  return {
    outcome: outcomeOf(reply, 'done'),
    removed: listOf(reply.removed, 100_000).map(guidOf),
    problems: { count: numberOf(count), first: listOf(first, 100).map(problemOf) },
  };
}

function problemOf(value: unknown): UpkeepProblem {
  const { step, table, error, since, times, unreadableExtents } = objectOf(value);
  const known = upkeepSteps.find((one): one is UpkeepStep => one === step);
  if (known === undefined) throw new ProtocolError('step');
  return {
    step: known,
    ...(table === undefined ? {} : { table: tableOf(table) }),
    error: textOf(error, 100),
    since: instant(numberOf(since)),
    times: numberOf(times),
    ...(unreadableExtents === undefined ? {} : { unreadableExtents: numberOf(unreadableExtents) }),
  };
}

function tableOf(value: unknown): NonNullable<UpkeepProblem['table']> {
  const { databaseId, tableId } = objectOf(value);
  return { databaseId: guidOf(databaseId), tableId: guidOf(tableId) };
}

function guidOf(value: unknown): Guid {
  const id = parseGuid(textOf(value, 36));
  if (id === undefined) throw new ProtocolError('id');
  return id;
}

function listOf(value: unknown, most: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) throw new ProtocolError('list');
  return value;
}
