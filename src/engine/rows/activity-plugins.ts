import { invariant } from '../../base/invariant.ts';
import { KqlError } from '../kql/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import type { PluginArguments } from './plugin-arguments.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperator, RowOperatorCall } from './row-operator.ts';

/** One record of an activity: `bin` counts windows of `step` from `start`. */
interface Activity {
  readonly id: string;
  readonly at: bigint;
}
interface Timeline {
  readonly start: bigint;
  readonly end: bigint;
  /** All values of `constants`, in order. */
  readonly steps: readonly bigint[];
  /** By combination of dimension values, in the order of their first record: records by time. */
  readonly groups: readonly { readonly dimensions: readonly NativeValue[]; readonly records: readonly Activity[] }[];
}

const floorDiv = (a: bigint, b: bigint): bigint => {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
};

/** Reads `(Id, Timeline, [start, end,] steps…, dimensions…)`.
 * @param stepCount how many windows follow; when `start` and `end` may be left out the count of constants tells */
function readTimeline(call: RowOperatorCall, plugin: string, stepCount: number, startRequired: boolean): Timeline {
  const args = argumentsOf(call, plugin);
  const [idAt, timeAt] = [args.column(0), args.column(1)];
  const constants: bigint[] = [];
  let next = 2;
  for (; args.raw[next]?.k === 'constant'; next += 1) {
    const value = args.constant(next);
    if (typeof value === 'bigint') constants.push(value);
    else if (typeof value === 'number' && Number.isInteger(value)) constants.push(BigInt(value));
    else throw new KqlError('notSupported', `evaluate ${plugin}(): a window named by text is not supported.`);
  }
  const hasRange = constants.length === stepCount + 2;
  if (!hasRange && (startRequired || constants.length !== stepCount))
    throw new KqlError('notSupported', `evaluate ${plugin}(): these arguments are not supported.`);
  const steps = constants.slice(hasRange ? 2 : 0);
  if (steps.some((step) => step <= 0n))
    throw new KqlError('semantic', `evaluate ${plugin}(): a window must be positive.`);
  const dimensionsAt = args.raw.slice(next).map((_argument, index) => args.column(next + index));
  const times = args.rows.rows.map((row) => asBig(row[timeAt]));
  const known = times.filter((time) => time !== undefined);
  const first = known.reduce((a, b) => (a < b ? a : b), known[0] ?? 0n);
  const last = known.reduce((a, b) => (a > b ? a : b), known[0] ?? 0n);
  const step = steps.at(-1) ?? 1n;
  return {
    start: hasRange ? (constants[0] ?? 0n) : floorDiv(first, step) * step,
    end: hasRange ? (constants[1] ?? 0n) : last,
    steps,
    groups: grouped(args, idAt, times, dimensionsAt),
  };
}

const asBig = (value: NativeValue | undefined): bigint | undefined =>
  typeof value === 'bigint' ? value : typeof value === 'number' ? BigInt(Math.trunc(value)) : undefined;

function grouped(
  args: PluginArguments,
  idAt: number,
  times: readonly (bigint | undefined)[],
  dimensionsAt: readonly number[],
): Timeline['groups'] {
  const groups = new Map<string, { dimensions: NativeValue[]; records: Activity[] }>();
  args.rows.rows.forEach((row, index) => {
    const at = times[index];
    if (at === undefined) return;
    const dimensions = dimensionsAt.map((column) => row[column] ?? null);
    const key = JSON.stringify(dimensions.map((value) => (value === null ? null : String(value))));
    const group = groups.get(key) ?? { dimensions, records: [] };
    group.records.push({ id: String(row[idAt] ?? null), at });
    groups.set(key, group);
  });
  for (const group of groups.values()) group.records.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return [...groups.values()];
}

/** The ids and the count of the records in `[from, to)`, from records by time. */
function within(records: readonly Activity[], from: bigint, to: bigint): { count: number; ids: Set<string> } {
  let low = 0;
  for (let high = records.length; low < high;) {
    const middle = (low + high) >> 1;
    if ((records[middle]?.at ?? 0n) < from) low = middle + 1;
    else high = middle;
  }
  const ids = new Set<string>();
  let at = low;
  for (; at < records.length && (records[at]?.at ?? to) < to; at += 1) ids.add(records[at]?.id ?? '');
  return { count: at - low, ids };
}

const windowsMax = 100_000;
function* windows(start: bigint, end: bigint, step: bigint): Generator<bigint> {
  if ((end - start) / step > BigInt(windowsMax)) throw new KqlError('limits', `More than ${windowsMax} windows.`);
  for (let from = start; from <= end; from += step) yield from;
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const overlap = (a: ReadonlySet<string>, b: ReadonlySet<string>): number =>
  [...a].reduce((sum, id) => sum + (b.has(id) ? 1 : 0), 0);
const ratio = (part: number, whole: number): number => part / whole;

const colsOf = (call: RowOperatorCall): NonNullable<RowOperatorCall['cols']> => {
  invariant(call.cols, 'the binder gives the columns of an activity plugin');
  return call.cols;
};

/** Every window against all before it. @see Kusto documentation, activity_counts_metrics plugin */
const activityCounts: RowOperator = (call) => {
  const { start, end, steps, groups } = readTimeline(call, 'activity_counts_metrics', 1, true);
  const step = steps[0] ?? 1n;
  const rows: NativeValue[][] = [];
  for (const { dimensions, records } of groups) {
    const seen = new Set<string>();
    for (const from of windows(start, end, step)) {
      const { count, ids } = within(records, from, least(from + step, end + 1n));
      if (count === 0) continue;
      const before = seen.size;
      for (const id of ids) seen.add(id);
      rows.push([from, ...dimensions, ...[count, ids.size, seen.size - before, seen.size].map(BigInt)]);
    }
  }
  return { cols: colsOf(call), rows };
};

/** Every window against the one before it. @see Kusto documentation, activity_metrics plugin */
const activityMetrics: RowOperator = (call) => {
  const { start, end, steps, groups } = readTimeline(call, 'activity_metrics', 1, false);
  const step = steps[0] ?? 1n;
  const rows: NativeValue[][] = [];
  for (const { dimensions, records } of groups) {
    let previous = new Set<string>();
    for (const from of windows(start, end, step)) {
      const { ids } = within(records, from, least(from + step, end + 1n));
      const kept = overlap(ids, previous);
      if (ids.size > 0)
        rows.push([
          from,
          ...dimensions,
          BigInt(ids.size),
          BigInt(ids.size - kept),
          ratio(kept, previous.size),
          ratio(previous.size - kept, previous.size),
        ]);
      previous = ids;
    }
  }
  return { cols: colsOf(call), rows };
};

/** Users that first come in one window, in every later one. @see Kusto documentation, new_activity_metrics plugin */
const newActivityMetrics: RowOperator = (call) => {
  const { start, end, steps, groups } = readTimeline(call, 'new_activity_metrics', 1, true);
  const step = steps[0] ?? 1n;
  const rows: NativeValue[][] = [];
  for (const { dimensions, records } of groups) {
    const seen = new Set<string>();
    const spans = [...windows(start, end, step)].map((from) => {
      const { ids } = within(records, from, least(from + step, end + 1n));
      const fresh = new Set([...ids].filter((id) => !seen.has(id)));
      for (const id of fresh) seen.add(id);
      return { from, ids, fresh };
    });
    if (spans.length > cohortsMax) throw new KqlError('limits', `More than ${cohortsMax} windows.`);
    spans.forEach((cohort, index) => {
      if (cohort.fresh.size === 0) return;
      for (const span of spans.slice(index)) {
        const kept = overlap(cohort.fresh, span.ids);
        const lost = cohort.fresh.size - kept;
        rows.push([
          cohort.from,
          span.from,
          ...dimensions,
          ...[span.fresh.size, kept, lost].map(BigInt),
          ratio(kept, cohort.fresh.size),
          ratio(lost, cohort.fresh.size),
        ]);
      }
    });
  }
  return { cols: colsOf(call), rows };
};
const cohortsMax = 1_000;

/** Ids of an inner window among those of the outer window that ends with it.
 * @see Kusto documentation, activity_engagement plugin */
const activityEngagement: RowOperator = (call) => {
  const { start, end, steps, groups } = readTimeline(call, 'activity_engagement', 2, false);
  const [inner = 1n, outer = 1n] = steps;
  const rows: NativeValue[][] = [];
  for (const { dimensions, records } of groups)
    for (const from of windows(start, end, inner)) {
      const until = least(from + inner, end + 1n);
      const active = within(records, from, until).ids.size;
      if (active === 0) continue;
      const all = within(records, from + inner - outer, until).ids.size;
      rows.push([from, ...dimensions, BigInt(active), BigInt(all), ratio(active, all)]);
    }
  return { cols: colsOf(call), rows };
};

/** Records and ids of the windows that end with each bin. @see Kusto documentation, sliding_window_counts plugin */
const slidingWindowCounts: RowOperator = (call) => {
  const { start, end, steps, groups } = readTimeline(call, 'sliding_window_counts', 2, true);
  const [lookback = 1n, bin = 1n] = steps;
  const rows: NativeValue[][] = [];
  for (const { dimensions, records } of groups)
    for (const from of windows(start, end, bin)) {
      const { count, ids } = within(records, from + bin - lookback, least(from + bin, end + 1n));
      if (count > 0) rows.push([from, ...dimensions, BigInt(count), BigInt(ids.size)]);
    }
  return { cols: colsOf(call), rows };
};

/** Activity plugins: exact distinct counts over windows of a timeline. */
export const activityPlugins: Readonly<Record<string, RowOperator>> = {
  activity_counts_metrics: activityCounts,
  activity_metrics: activityMetrics,
  new_activity_metrics: newActivityMetrics,
  activity_engagement: activityEngagement,
  sliding_window_counts: slidingWindowCounts,
};
