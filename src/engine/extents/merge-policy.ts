import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseTimespan, ticksPerMillisecond } from '../values/ticks.ts';
import type { ExtentRecord } from '../catalog/records.ts';
import { isHot } from './periods.ts';
import type { Periods } from './periods.ts';

/** Extents of fewer rows than this are merged with their neighbours, up to `mergedRowsMax` rows. */
const smallRows = 250_000;
const mergedRowsMax = 1_048_576;
const dayMs = 86_400_000;
/** What holds where the policies say nothing. @see Kusto "Merge policy" */
const defaults = { MaxExtentsToMerge: 100, MaxRangeInHours: 24, lookbackMs: 14 * dayMs } as const;

/** What of an extent decides. */
type Candidate = Pick<ExtentRecord, 'rowCount' | 'originalBytes' | 'minCreatedOn' | 'maxCreatedOn' | 'tags'>;

export interface MergePolicies {
  readonly merge: JsonObject | undefined;
  readonly sharding: JsonObject | undefined;
}

/** Small extents, oldest first, as many as may become one: of rows created within one range of time, none too old, with the same
 * `drop-by:` tags. */
export function mergeable<Extent extends Candidate>(
  extents: readonly Extent[],
  { merge, sharding }: MergePolicies,
  periods: Periods,
  now: number,
): readonly Extent[] {
  if (merge?.['AllowMerge'] === false) return [];
  const rowsMax = Math.min(mergedRowsMax, limit(merge, 'RowCountUpperBoundForMerge'), limit(sharding, 'MaxRowCount'));
  const bytesMax =
    Math.min(limit(merge, 'OriginalSizeMBUpperBoundForMerge'), limit(sharding, 'MaxOriginalSizeInMb')) * 1024 * 1024;
  const rangeMs = (number(merge, 'MaxRangeInHours') ?? defaults.MaxRangeInHours) * 3_600_000;
  const countMax = number(merge, 'MaxExtentsToMerge') ?? defaults.MaxExtentsToMerge;
  const small = extents
    .filter((extent) => extent.rowCount < smallRows && isRecent(extent, merge?.['Lookback'], periods, now))
    .sort((left, right) => left.minCreatedOn - right.minCreatedOn);
  const groups = new Map<string, Extent[]>();
  for (const extent of small) {
    const key = dropBy(extent);
    groups.set(key, [...(groups.get(key) ?? []), extent]);
  }
  let best: readonly Extent[] = [];
  for (const group of groups.values()) {
    for (const [start, first] of group.entries()) {
      if (group.length - start <= best.length) break;
      const run = runFrom(group.slice(start), first, { rowsMax, bytesMax, rangeMs, countMax });
      if (run.length > best.length) best = run;
    }
  }
  return best;
}

function runFrom<Extent extends Candidate>(
  group: readonly Extent[],
  first: Extent,
  most: { readonly rowsMax: number; readonly bytesMax: number; readonly rangeMs: number; readonly countMax: number },
): readonly Extent[] {
  let [rows, bytes, count] = [0, 0, 0];
  return group.filter(({ rowCount, originalBytes, maxCreatedOn }) => {
    const fits =
      count < most.countMax &&
      rows + rowCount <= most.rowsMax &&
      bytes + originalBytes <= most.bytesMax &&
      maxCreatedOn - first.minCreatedOn <= most.rangeMs;
    if (fits) [rows, bytes, count] = [rows + rowCount, bytes + originalBytes, count + 1];
    return fits;
  });
}

function number(policy: JsonObject | undefined, name: string): number | undefined {
  const value = policy?.[name];
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

/** Zero stands for no limit. */
const limit = (policy: JsonObject | undefined, name: string): number => {
  const value = number(policy, name);
  return value === undefined || value === 0 ? Infinity : value;
};

function isRecent(extent: Candidate, lookback: Json | undefined, periods: Periods, now: number): boolean {
  const policy = isJsonObject(lookback) ? lookback : {};
  const kind = policy['Kind'];
  const period = policy['CustomPeriod'];
  if (kind === 'All') return true;
  if (kind === 'HotCache') return isHot(extent, periods, now);
  const ticks = kind === 'Custom' && typeof period === 'string' ? parseTimespan(period) : undefined;
  const ms = ticks === undefined ? defaults.lookbackMs : Number(ticks / ticksPerMillisecond);
  return extent.maxCreatedOn + ms > now;
}

const dropBy = ({ tags }: Candidate): string =>
  JSON.stringify(tags.filter((tag) => /^drop-by:/i.test(tag)).sort((left, right) => (left < right ? -1 : 1)));
