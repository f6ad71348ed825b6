import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import type { RowOperator } from './row-operator.ts';
import type { Activity } from './timeline.ts';
import { colsOf, floorDiv, least, readTimeline, windows, within } from './timeline.ts';

/** The times of each id, in order. */
function timesById(records: readonly Activity[]): Map<string, bigint[]> {
  const times = new Map<string, bigint[]>();
  for (const { id, at } of records) {
    const known = times.get(id);
    if (known) known.push(at);
    else times.set(id, [at]);
  }
  return times;
}

/** `session_count(Id, Timeline, start, end, bin, lookback[, dimensions…])`: the sessions that have records in each bin. A
 * record goes on with the session of its id's last record when that is at most `lookback` old; otherwise a session begins.
 * @see Kusto documentation, session_count plugin */
const sessionCount: RowOperator = (call) => {
  const { start, end, steps, groups } = readTimeline(call, 'session_count', 2, true);
  const [bin = 1n, lookback = 1n] = steps;
  const rows: NativeValue[][] = [];
  for (const { dimensions, records } of groups)
    for (const from of windows(start, end, bin)) {
      const { slice } = within(records, from, least(from + bin, end + 1n));
      let sessions = 0;
      for (const times of timesById(slice).values())
        times.forEach((at, index) => {
          const previous = times[index - 1];
          if (previous === undefined || at - previous > lookback) sessions += 1;
        });
      if (sessions > 0) rows.push([from, ...dimensions, BigInt(sessions)]);
    }
  return { cols: colsOf(call), rows };
};

/** `active_users_count(Id, Timeline, start, end, lookback, period, periods, bin[, dimensions…])`: the ids of each bin that have
 * a record there at which they had been seen in at least so many distinct periods of the lookback window that ends with
 * it, and does not hold its first moment.
 * @see Kusto documentation, active_users_count plugin; its example tells which end of the window is open */
const activeUsersCount: RowOperator = (call) => {
  const { start, end, steps, groups } = readTimeline(call, 'active_users_count', 4, true);
  const [lookback = 1n, period = 1n, needed = 1n, bin = 1n] = steps;
  const rows: NativeValue[][] = [];
  for (const { dimensions, records } of groups) {
    const active = new Map<bigint, number>();
    for (const times of timesById(records).values()) {
      for (const number of activeBins(times, { start, end, lookback, period, needed, bin }))
        active.set(number, (active.get(number) ?? 0) + 1);
    }
    if (active.size > binsMax) throw new KqlError('limits', `More than ${binsMax} windows.`);
    for (const number of [...active.keys()].sort((a, b) => (a < b ? -1 : 1)))
      rows.push([start + number * bin, ...dimensions, BigInt(active.get(number) ?? 0)]);
  }
  return { cols: colsOf(call), rows };
};
const binsMax = 100_000;

/** The numbers of the bins in which one id is active. */
function activeBins(
  times: readonly bigint[],
  window: Readonly<Record<'start' | 'end' | 'lookback' | 'period' | 'needed' | 'bin', bigint>>,
): Set<bigint> {
  const { start, end, lookback, period, needed, bin } = window;
  const bins = new Set<bigint>();
  const periodOf = (time: bigint): bigint => floorDiv(time - start, period);
  /** How many records of the lookback window each period has. */
  const periods = new Map<bigint, number>();
  let first = 0;
  for (const at of times) {
    periods.set(periodOf(at), (periods.get(periodOf(at)) ?? 0) + 1);
    for (let old = times[first]; old !== undefined && old <= at - lookback; old = times[(first += 1)]) {
      const left = (periods.get(periodOf(old)) ?? 0) - 1;
      if (left > 0) periods.set(periodOf(old), left);
      else periods.delete(periodOf(old));
    }
    if (at >= start && at <= end && BigInt(periods.size) >= needed) bins.add(floorDiv(at - start, bin));
  }
  return bins;
}

export const sessionPlugins: Readonly<Record<string, RowOperator>> = {
  session_count: sessionCount,
  active_users_count: activeUsersCount,
};
