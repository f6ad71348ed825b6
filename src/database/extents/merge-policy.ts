import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseTimespan, ticksPerMillisecond } from '../../kql/values/ticks.ts';
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
    const group = groups.get(key);
    if (group) group.push(extent);
    else groups.set(key, [extent]);
  }
  let best: readonly Extent[] = [];
  for (const group of groups.values()) {
    const least = leastFrom(group);
    for (const start of group.keys()) {
      if (Math.min(group.length - start, countMax) <= best.length) break;
      const run = runFrom(group, start, least, { rowsMax, bytesMax, rangeMs, countMax });
      if (run.length > best.length) best = run;
    }
  }
  return best;
}

/** Whether an extent is merged no more unless the policies change: it is large, or too old. */
export const mayMergeNoMore = (extent: Candidate, { merge }: MergePolicies, periods: Periods, now: number): boolean =>
  merge?.['AllowMerge'] === false ||
  extent.rowCount >= smallRows ||
  !isRecent(extent, merge?.['Lookback'], periods, now);

interface Size {
  readonly rows: number;
  readonly bytes: number;
}

/** @returns for each place the fewest rows, and the fewest bytes, of any extent from there on */
function leastFrom(group: readonly Candidate[]): readonly Size[] {
  const least: Size[] = [];
  let [rows, bytes] = [Infinity, Infinity];
  for (const { rowCount, originalBytes } of group.toReversed()) {
    [rows, bytes] = [Math.min(rows, rowCount), Math.min(bytes, originalBytes)];
    least.push({ rows, bytes });
  }
  return least.reverse();
}

/** What fits together, from one place on. It looks no further once nothing can fit any more: the extents are in order of time.
 * @param least of `leastFrom` */
function runFrom<Extent extends Candidate>(
  group: readonly Extent[],
  start: number,
  least: readonly Size[],
  most: { readonly rowsMax: number; readonly bytesMax: number; readonly rangeMs: number; readonly countMax: number },
): readonly Extent[] {
  const from = group[start]?.minCreatedOn ?? 0;
  const run: Extent[] = [];
  let [rows, bytes] = [0, 0];
  for (let at = start; at < group.length && run.length < most.countMax; at += 1) {
    const [extent, smallest] = [group[at], least[at]];
    if (!extent || !smallest || extent.minCreatedOn - from > most.rangeMs) break;
    if (rows + smallest.rows > most.rowsMax || bytes + smallest.bytes > most.bytesMax) break;
    const { rowCount, originalBytes, maxCreatedOn } = extent;
    const fits =
      rows + rowCount <= most.rowsMax && bytes + originalBytes <= most.bytesMax && maxCreatedOn - from <= most.rangeMs;
    if (!fits) continue;
    run.push(extent);
    [rows, bytes] = [rows + rowCount, bytes + originalBytes];
  }
  return run;
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
