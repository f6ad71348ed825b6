import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { numberOf, objectOf, outcomeOf, ProtocolError, textOf } from './message-fields.ts';

/** Whether a process may go. `busy`: somebody is connected or was a moment ago, something goes on, or a key is being changed. */
export type RestReply = { readonly outcome: 'busy' } | Rested;

/** What is known of a cluster while it has no process. */
export interface Rested {
  readonly outcome: 'idle';
  /** `unknown`: nobody has needed the data yet. Else when upkeep next has something to do, on the Kustody clock; absent: never. */
  readonly upkeep: 'unknown' | { readonly dueAt?: number };
  readonly databaseBytes: readonly { readonly databaseId: Guid; readonly bytes: number }[];
}

const databasesMax = 100_000;

/** @throws ProtocolError */
export function restReplyOf(value: unknown): RestReply {
  const reply = objectOf(value);
  if (reply.outcome === 'busy') return { outcome: 'busy' };
  const sizes: unknown = reply.databaseBytes;
  if (!Array.isArray(sizes) || sizes.length > databasesMax) throw new ProtocolError('databaseBytes');
  return {
    outcome: outcomeOf(reply, 'idle'),
    upkeep: reply.upkeep === 'unknown' ? 'unknown' : upkeepOf(reply.upkeep),
    databaseBytes: sizes.map((item: unknown) => {
      const size = objectOf(item);
      const databaseId = parseGuid(textOf(size.databaseId, 36));
      if (databaseId === undefined) throw new ProtocolError('databaseId');
      return { databaseId, bytes: numberOf(size.bytes) };
    }),
  };
}

function upkeepOf(value: unknown): { readonly dueAt?: number } {
  const { dueAt } = objectOf(value);
  return dueAt === undefined ? {} : { dueAt: numberOf(dueAt) };
}
