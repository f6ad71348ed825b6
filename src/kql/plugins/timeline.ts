import { invariant } from '../../base/invariant.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { ticksOfDate, ticksPerDay, ticksPerMillisecond, unixEpochTicks } from '../values/ticks.ts';
import type { PluginArguments } from './plugin-arguments.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperatorCall, RowTable } from './row-operator.ts';

/** One record of an activity. */
export interface Activity {
  readonly id: string;
  readonly at: bigint;
}
const periods = ['week', 'month', 'year'] as const;
export type Period = (typeof periods)[number];

export interface Timeline {
  readonly start: bigint;
  readonly end: bigint;
  /** The windows, in the order of the arguments. */
  readonly steps: readonly bigint[];
  /** The window, where it is a period of the calendar. */
  readonly period?: Period;
  /** Constants after the windows, and the table after the dimensions, for a plugin that takes them. */
  readonly extras: readonly bigint[];
  readonly table?: RowTable;
  /** By combination of dimension values, in the order of their first record: records by time. */
  readonly groups: readonly { readonly dimensions: readonly NativeValue[]; readonly records: readonly Activity[] }[];
}

export const floorDiv = (a: bigint, b: bigint): bigint => {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
};

/** Reads `(Id, Timeline, [start, end,] steps…, [extras…,] dimensions…[, table])`.
 * @param stepCount how many windows follow; when `start` and `end` may be left out the count of constants tells
 * @param extrasMax how many more constants, and whether a table, may follow (only where `start` and `end` are required) */
export function readTimeline(
  call: RowOperatorCall,
  plugin: string,
  stepCount: number,
  startRequired: boolean,
  extrasMax = 0,
): Timeline {
  const args = argumentsOf(call, plugin);
  const [idAt, timeAt] = [args.column(0), args.column(1)];
  const constants: bigint[] = [];
  let period: Period | undefined;
  let next = 2;
  for (; args.raw[next]?.k === 'constant'; next += 1) {
    const value = args.constant(next);
    if (typeof value === 'bigint') constants.push(value);
    else if (typeof value === 'number' && Number.isInteger(value)) constants.push(BigInt(value));
    else {
      period = periods.find((name) => typeof value === 'string' && name === value.toLowerCase());
      if (!period || !takesPeriods.has(plugin) || args.rows.cols[timeAt]?.type !== 'datetime')
        throw new KqlError('semantic', `evaluate ${plugin}(): '${String(value)}' is no window.`);
      constants.push(ticksPerDay);
    }
  }
  const extras = constants.splice(stepCount + 2, extrasMax);
  const hasRange = constants.length === stepCount + 2;
  if (!hasRange && (startRequired || constants.length !== stepCount))
    throw new KqlError('notSupported', `evaluate ${plugin}(): these arguments are not supported.`);
  const steps = constants.slice(hasRange ? 2 : 0);
  if (steps.some((step) => step <= 0n))
    throw new KqlError('semantic', `evaluate ${plugin}(): a window must be positive.`);
  const hasTable = extrasMax > 0 && args.raw.at(-1)?.k === 'table';
  const dimensions = args.raw.slice(next, hasTable ? -1 : undefined);
  const dimensionsAt = dimensions.map((_argument, index) => args.column(next + index));
  const times = args.rows.rows.map((row) => asBig(row[timeAt]));
  const known = times.filter((time) => time !== undefined);
  const first = known.reduce((a, b) => (a < b ? a : b), known[0] ?? 0n);
  const last = known.reduce((a, b) => (a > b ? a : b), known[0] ?? 0n);
  const step = steps.at(-1) ?? 1n;
  return {
    start: hasRange ? (constants[0] ?? 0n) : floorDiv(first, step) * step,
    end: hasRange ? (constants[1] ?? 0n) : last,
    steps,
    extras,
    ...(period && { period }),
    ...(hasTable && { table: args.table(args.count - 1) }),
    groups: grouped(args, idAt, times, dimensionsAt),
  };
}

/** Plugins whose window may be `week`, `month` or `year`. */
const takesPeriods: ReadonlySet<string> = new Set(['activity_metrics', 'new_activity_metrics']);

export const asBig = (value: NativeValue | undefined): bigint | undefined =>
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

/** The records in `[from, to)`, their ids and their count, from records by time. */
export function within(
  records: readonly Activity[],
  from: bigint,
  to: bigint,
): { readonly slice: readonly Activity[]; readonly count: number; readonly ids: Set<string> } {
  let low = 0;
  for (let high = records.length; low < high;) {
    const middle = (low + high) >> 1;
    if ((records[middle]?.at ?? 0n) < from) low = middle + 1;
    else high = middle;
  }
  let at = low;
  while (at < records.length && (records[at]?.at ?? to) < to) at += 1;
  const slice = records.slice(low, at);
  return { slice, count: slice.length, ids: new Set(slice.map((record) => record.id)) };
}

const windowsMax = 100_000;
export function* windows(start: bigint, end: bigint, step: bigint): Generator<bigint> {
  if ((end - start) / step > BigInt(windowsMax)) throw new KqlError('limits', `More than ${windowsMax} windows.`);
  for (let from = start; from <= end; from += step) yield from;
}

/** Windows as `[from, to)`: of one length from the start on, or the periods of the calendar from the one that holds the start. */
export function* spans({ start, end, steps, period }: Timeline): Generator<readonly [from: bigint, to: bigint]> {
  if (!period) {
    const step = steps[0] ?? 1n;
    for (const from of windows(start, end, step)) yield [from, from + step];
    return;
  }
  let from = startOf(period, start);
  for (let count = 0; from <= end; count += 1) {
    if (count > windowsMax) throw new KqlError('limits', `More than ${windowsMax} windows.`);
    const to = startOf(period, from + longest[period] * ticksPerDay);
    yield [from, to];
    from = to;
  }
}

/** Days after the start of a period that surely lie in the next one. */
const longest = { week: 7n, month: 31n, year: 366n } as const satisfies Record<Period, bigint>;

function startOf(period: Period, ticks: bigint): bigint {
  const day = floorDiv(ticks, ticksPerDay);
  // 0001-01-01 was a Monday; weeks start on Sunday.
  if (period === 'week') return (day - ((day + 1n) % 7n)) * ticksPerDay;
  const date = new Date(Number((ticks - unixEpochTicks) / ticksPerMillisecond));
  return ticksOfDate(date.getUTCFullYear(), period === 'year' ? 1 : date.getUTCMonth() + 1, 1) ?? 0n;
}

export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);

export const colsOf = (call: RowOperatorCall): NonNullable<RowOperatorCall['cols']> => {
  invariant(call.cols, 'the binder gives the columns of an activity plugin');
  return call.cols;
};
