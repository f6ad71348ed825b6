import { Type } from '@sinclair/typebox';
import type { Instant } from '../../clock/clock.ts';
import { upkeepSteps } from '../../database/extents/upkeep.ts';
import type { Message } from './message.ts';
import { guid, list, number, object, oneOf, outcome, text } from './message.ts';

/** @see UpkeepProblem of the database */
const upkeepProblem = object({
  step: oneOf(upkeepSteps),
  table: Type.Optional(object({ databaseId: guid, tableId: guid })),
  error: text(100),
  since: Type.Unsafe<Instant>(number),
  times: number,
  unreadableExtents: Type.Optional(number),
});

/** What upkeep could not do, and has not done since: how many, and the first of them. */
const upkeepProblems = object({ count: number, first: list(upkeepProblem, 100) });

/** `notOpen`: nobody has needed the data yet. `removed`: of the databases that were deleted, those that hold nothing any more. */
export const upkeepReply = Type.Union([
  outcome('done', { removed: list(guid, 100_000), problems: upkeepProblems }),
  outcome('notOpen', {}),
]);

export type UpkeepProblems = Message<typeof upkeepProblems>;
