import type { Policies } from '../catalog/catalog-view.ts';
import type { ClusterDatabase } from '../catalog/catalog-view.ts';
import type { ExtentRecord } from '../catalog/records.ts';
import { parseTimespan, ticksPerMillisecond } from '../../kql/values/ticks.ts';

/** How long a table keeps its rows, and how long they count as hot, in milliseconds; Infinity: always. The table's own policy, or else
 * the database's, or else what the resource manager says. */
export interface Periods {
  readonly softDeleteMs: number;
  readonly hotMs: number;
}

export function periodsOf(table: Policies, database: Policies, resource: ClusterDatabase | undefined): Periods {
  return {
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

export const isHot = ({ maxCreatedOn }: Pick<ExtentRecord, 'maxCreatedOn'>, { hotMs }: Periods, now: number): boolean =>
  maxCreatedOn + hotMs > now;

function milliseconds(text: string | undefined): number | undefined {
  const ticks = text === undefined ? undefined : parseTimespan(text);
  return ticks === undefined ? undefined : Number(ticks / ticksPerMillisecond);
}
