import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperator, RowOperatorCall, RowTable } from './row-operator.ts';
import { columnIndex } from './row-operator.ts';
import { colsOf, least, most, readTimeline, spans, windows, within } from './timeline.ts';

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

/** Every window against the one before it; where that has no ids, all are kept.
 * @see Kusto documentation, activity_metrics plugin */
const activityMetrics: RowOperator = (call) => {
  const timeline = readTimeline(call, 'activity_metrics', 1, false);
  const { start, end, groups } = timeline;
  const rows: NativeValue[][] = [];
  for (const { dimensions, records } of groups) {
    let previous = new Set<string>();
    for (const [from, to] of spans(timeline)) {
      const { ids } = within(records, most(from, start), least(to, end + 1n));
      const kept = overlap(ids, previous);
      if (ids.size > 0)
        rows.push([
          from,
          ...dimensions,
          BigInt(ids.size),
          BigInt(ids.size - kept),
          previous.size === 0 ? 1 : ratio(kept, previous.size),
          previous.size === 0 ? 0 : ratio(previous.size - kept, previous.size),
        ]);
      previous = ids;
    }
  }
  return { cols: colsOf(call), rows };
};

/** The ids that the lookback period knows: the column of the same name as the ids' own, or the only one. */
function lookbackIds(call: RowOperatorCall, table: RowTable | undefined): string[] {
  if (!table) return [];
  const args = argumentsOf(call, 'new_activity_metrics');
  const name = args.rows.cols[args.column(0)]?.name ?? '';
  const column = columnIndex(table, name) >= 0 || table.cols.length > 1 ? columnIndex(table, name) : 0;
  if (column < 0)
    throw new KqlError('semantic', `evaluate new_activity_metrics(): the lookback table has no column '${name}'.`);
  return table.rows.map((row) => String(row[column] ?? null));
}

/** Users that first come in one window, in it and in every later one. An optional cohort keeps the window that holds it; ids of
 * an optional lookback table are new in none.
 * @see Kusto documentation, new_activity_metrics plugin */
const newActivityMetrics: RowOperator = (call) => {
  const timeline = readTimeline(call, 'new_activity_metrics', 1, true, 1);
  const { start, end, extras, table, groups } = timeline;
  const [only] = extras;
  const known = lookbackIds(call, table);
  const rows: NativeValue[][] = [];
  for (const { dimensions, records } of groups) {
    const firstSeen = new Map(known.map((id): [string, number] => [id, -1]));
    const cohorts = [...spans(timeline)].map(([from, to], index) => {
      const { ids } = within(records, most(from, start), least(to, end + 1n));
      const fresh = new Set([...ids].filter((id) => !firstSeen.has(id)));
      for (const id of fresh) firstSeen.set(id, index);
      return { from, to, ids, fresh };
    });
    if (cohorts.length > cohortsMax) throw new KqlError('limits', `More than ${cohortsMax} windows.`);
    cohorts.forEach((cohort, index) => {
      if (cohort.fresh.size === 0) return;
      if (only !== undefined && (only < cohort.from || only >= cohort.to)) return;
      for (const span of cohorts.slice(index)) {
        const kept = overlap(cohort.fresh, span.ids);
        const lost = cohort.fresh.size - kept;
        const isNew = (id: string): boolean => (firstSeen.get(id) ?? -1) > index;
        const fresh = span === cohort ? cohort.fresh.size : [...span.ids].filter(isNew).length;
        rows.push([
          cohort.from,
          span.from,
          ...dimensions,
          ...[fresh, kept, lost].map(BigInt),
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
  const [asked = 1n, bin = 1n] = steps;
  // A lookback that is no multiple of the bin is rounded down to one.
  const lookback = asked - (asked % bin);
  if (lookback === 0n)
    throw new KqlError(
      'notSupported',
      'evaluate sliding_window_counts(): a lookback shorter than the bin is not supported.',
    );
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
