import type { IngestedAt } from './ingestion-order.ts';
import { ticksOfIngestion } from './ingestion-order.ts';
import type { ExtentRecord } from './records.ts';
import { noTimes } from './records.ts';

/** The column of times that its file has is read no more: its rows have none. */
export function untimed(record: ExtentRecord): ExtentRecord {
  const without = <T>(byColumn: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(byColumn).filter(([id]) => id !== '0'));
  const { columnIds, ranges, nulls } = record;
  const kept = {
    ...{ ...record, columnIds: columnIds.filter((id) => id !== 0), ranges: without(ranges), ingestedTo: noTimes },
    ...(nulls !== undefined && { nulls: without(nulls) }),
  };
  Reflect.deleteProperty(kept, 'ingestedAt');
  return kept;
}

/** What is known of the times in its rows is that time, too. */
export function ingestedOn(record: ExtentRecord, at: IngestedAt): ExtentRecord {
  const ticks = String(ticksOfIngestion(at));
  const ranges = '0' in record.ranges ? { ...record.ranges, '0': [ticks, ticks] as const } : record.ranges;
  return { ...record, ingestedAt: at, ranges };
}
