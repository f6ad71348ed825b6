import type { JsonObject } from '../../base/json.ts';
import { parseTimespan, ticksPerMillisecond } from '../../kql/values/ticks.ts';
import type { IngestionMessage } from './ingestion-message.ts';
import { extentKey, isSingle } from './message-properties.ts';

/** When the messages for a table become rows. @see Kusto "IngestionBatching policy" */
export interface BatchingPolicy {
  readonly timeMs: number;
  readonly items: number;
  readonly rawBytes: number;
}

/** The service's own, where neither table nor database has a policy. */
const defaults: BatchingPolicy = { timeMs: 300_000, items: 500, rawBytes: 1024 * 1024 ** 2 };

export function batchingPolicyOf(policy: JsonObject | undefined): BatchingPolicy {
  const span = policy?.['MaximumBatchingTimeSpan'];
  const ticks = typeof span === 'string' ? parseTimespan(span) : undefined;
  const items = policy?.['MaximumNumberOfItems'];
  const size = policy?.['MaximumRawDataSizeMB'];
  return {
    timeMs: ticks === undefined ? defaults.timeMs : Number(ticks / ticksPerMillisecond),
    items: typeof items === 'number' && items > 0 ? items : defaults.items,
    rawBytes: typeof size === 'number' && size > 0 ? size * 1024 ** 2 : defaults.rawBytes,
  };
}

/** A message that waits, with what is known of its blob. */
export interface WaitingMessage<Record> {
  readonly record: Record;
  readonly message: IngestionMessage;
  readonly insertedOn: number;
  /** Of the data, not compressed, as far as anybody knows. */
  readonly rawBytes: number | undefined;
}

export interface Batch<Record> {
  readonly database: string;
  readonly table: string;
  readonly members: readonly WaitingMessage<Record>[];
}

export interface BatchPlan<Record> {
  readonly due: readonly Batch<Record>[];
  /** When the next one is, if nothing comes; undefined: none waits. */
  readonly nextDueOn: number | undefined;
}

/** Which messages become rows now, and together: by database, table and the properties that an extent has as a whole. A batch is full by
 * number or size, due by the age of its oldest message, and is not waited for when one of them is to be flushed. Some are a batch by themselves.
 * @param waiting oldest first */
export function planBatches<Record>(
  waiting: readonly WaitingMessage<Record>[],
  policyOf: (database: string, table: string) => BatchingPolicy,
  now: number,
): BatchPlan<Record> {
  const open = new Map<string, WaitingMessage<Record>[]>();
  const due: Batch<Record>[] = [];
  const close = (members: readonly WaitingMessage<Record>[]): void => {
    const [first] = members;
    if (first === undefined) return;
    const { database, table } = first.message;
    due.push({ database, table, members });
  };
  for (const one of waiting) {
    const { database, table, properties } = one.message;
    if (one.rawBytes === undefined || isSingle(properties)) {
      close([one]);
      continue;
    }
    const { items, rawBytes } = policyOf(database, table);
    const key = keyOf(one.message);
    const members = [...(open.get(key) ?? []), one];
    const bytes = members.reduce((sum, member) => sum + (member.rawBytes ?? 0), 0);
    if (members.length >= items || bytes >= rawBytes) {
      close(members);
      open.delete(key);
    } else open.set(key, members);
  }
  let nextDueOn: number | undefined;
  for (const members of open.values()) {
    const [first] = members;
    if (first === undefined) continue;
    const dueOn = first.insertedOn + policyOf(first.message.database, first.message.table).timeMs;
    if (dueOn <= now || members.some(({ message }) => message.flushImmediately)) close(members);
    else nextDueOn = Math.min(nextDueOn ?? Infinity, dueOn);
  }
  return { due, nextDueOn };
}

const keyOf = ({ database, table, properties }: IngestionMessage): string =>
  JSON.stringify([database.toLowerCase(), table, extentKey(properties)]);
