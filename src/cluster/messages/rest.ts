import { Type } from '@sinclair/typebox';
import type { Message } from './message.ts';
import { guid, list, number, object, outcome } from './message.ts';

/** What is known of a cluster while it has no process. `upkeep`: `unknown`: nobody has needed the data yet; else when it next has something
 * to do, on the Kustody clock; absent: never. */
const rested = outcome('idle', {
  upkeep: Type.Union([Type.Literal('unknown'), object({ dueAt: Type.Optional(number) })]),
  databaseBytes: list(object({ databaseId: guid, bytes: number }), 100_000),
});

/** Whether a process may go. `busy`: somebody is connected or was a moment ago, something goes on, or a key is being changed. */
export const restReply = Type.Union([outcome('busy', {}), rested]);

export type Rested = Message<typeof rested>;
