import { KqlError } from '../kql/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import type { RowOperator } from './row-operator.ts';
import { colsOf, least, readTimeline, windows, within } from './timeline.ts';

const overlap = (a: ReadonlySet<string>, b: ReadonlySet<string>): number =>
  [...a].reduce((sum, id) => sum + (b.has(id) ? 1 : 0), 0);
const ratio = (part: number, whole: number): number => part / whole;

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
