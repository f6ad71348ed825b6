import type { Policies } from '../catalog/catalog-view.ts';
import type { ClusterDatabase } from '../catalog/catalog-view.ts';
import type { ExtentRecord } from '../catalog/records.ts';
import type { ChosenExtents } from './chosen-extents.ts';
import { parseDatetime, parseTimespan, ticksPerMillisecond, unixEpochTicks } from '../../kql/values/ticks.ts';

/** How long a table keeps its rows, and how long they count as hot, in milliseconds; Infinity: always. The table's own policy, or else
 * the database's, or else what the resource manager says. */
export interface Periods {
  readonly softDeleteMs: number;
  readonly hotMs: number;
  /** What is hot besides, in milliseconds. Absent: nothing. */
  readonly hotWindows?: readonly { readonly from: number; readonly to: number }[];
}

export function periodsOf(table: Policies, database: Policies, resource: ClusterDatabase | undefined): Periods {
  const windows = (table.caching ?? database.caching)?.HotWindows ?? [];
  return {
    ...(windows.length === 0 ? {} : { hotWindows: windows.map(windowOf) }),
    softDeleteMs:
      milliseconds((table.retention ?? database.retention)?.SoftDeletePeriod) ??
      resource?.softDeletePeriodMs ??
      Infinity,
    hotMs: milliseconds((table.caching ?? database.caching)?.DataHotSpan) ?? resource?.hotCachePeriodMs ?? Infinity,
  };
}

/** An extent goes when its newest row is past the period. */
export const isPastRetention = (
  { maxCreatedOn }: Pick<ExtentRecord, 'maxCreatedOn'>,
  { softDeleteMs }: Periods,
  now: number,
): boolean => maxCreatedOn + softDeleteMs <= now;

/** By when its rows were made. @see Kusto "Caching policy", hot windows */
export const isHot = (
  { minCreatedOn, maxCreatedOn }: Pick<ExtentRecord, 'minCreatedOn' | 'maxCreatedOn'>,
  { hotMs, hotWindows = [] }: Periods,
  now: number,
): boolean =>
  maxCreatedOn + hotMs > now || hotWindows.some(({ from, to }) => maxCreatedOn >= from && minCreatedOn < to);

/** Extents that are not past the period. */
export const keptBy = (periods: Periods, now: number): ChosenExtents => ({
  isMeant: (extent) => !isPastRetention(extent, periods, now),
  ofPage: ({ maxCreatedOn, oldestMaxCreatedOn }) => {
    if (isPastRetention({ maxCreatedOn }, periods, now)) return 'none';
    return isPastRetention({ maxCreatedOn: oldestMaxCreatedOn }, periods, now) ? undefined : 'all';
  },
});

/** Those that are. */
export const goneBy = (periods: Periods, now: number): ChosenExtents => ({
  isMeant: (extent) => isPastRetention(extent, periods, now),
  ofPage: ({ maxCreatedOn, oldestMaxCreatedOn }) => {
    if (isPastRetention({ maxCreatedOn }, periods, now)) return 'all';
    return isPastRetention({ maxCreatedOn: oldestMaxCreatedOn }, periods, now) ? undefined : 'none';
  },
});

/** Extents with rows that were made after a moment. */
export const createdAfter = (after: number): ChosenExtents => ({
  isMeant: ({ maxCreatedOn }) => maxCreatedOn > after,
  ofPage: ({ maxCreatedOn, oldestMaxCreatedOn }) =>
    maxCreatedOn <= after ? 'none' : oldestMaxCreatedOn > after ? 'all' : undefined,
});

export const hotBy = (periods: Periods, now: number): ChosenExtents => ({
  isMeant: (extent) => isHot(extent, periods, now),
  ofPage: ({ minCreatedOn, maxCreatedOn, oldestMaxCreatedOn }) => {
    if (oldestMaxCreatedOn + periods.hotMs > now) return 'all';
    return isHot({ minCreatedOn, maxCreatedOn }, periods, now) ? undefined : 'none';
  },
});

const windowOf = ({ MinValue, MaxValue }: { readonly MinValue: string; readonly MaxValue: string }) => ({
  from: unixMs(MinValue),
  to: unixMs(MaxValue),
});

const unixMs = (text: string): number => Number(((parseDatetime(text) ?? 0n) - unixEpochTicks) / ticksPerMillisecond);

function milliseconds(text: string | undefined): number | undefined {
  const ticks = text === undefined ? undefined : parseTimespan(text);
  return ticks === undefined ? undefined : Number(ticks / ticksPerMillisecond);
}
