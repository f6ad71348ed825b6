import type { PluginSettings } from '../plan/row-settings.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { jsonItems, jsonKind, jsonToText } from '../values/json-text.ts';
import { parseTimespan } from '../values/ticks.ts';
import { jsonOf, textOf, toType } from '../sql/convert-value.ts';
import type { PluginArguments } from './plugin-arguments.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperator } from './row-operator.ts';
import { asBig, colsOf, floorDiv } from './timeline.ts';

interface StateRecord {
  readonly at: bigint;
  readonly state: string;
}
/** The records of one id in one window, by time; equal times stay in the order of the rows. */
interface Journey {
  readonly id: NativeValue;
  readonly records: readonly StateRecord[];
}
interface Window {
  readonly from: bigint;
  readonly journeys: readonly Journey[];
}

function amount(args: PluginArguments, index: number, plugin: string): bigint {
  const value = asBig(args.constant(index));
  if (value === undefined)
    throw new KqlError('semantic', `evaluate ${plugin}(): argument ${index + 1} must be a point or a span of time.`);
  return value;
}

function elements(args: PluginArguments, index: number, plugin: string): string[] {
  const value = args.constant(index);
  const items = typeof value === 'string' ? jsonItems(value) : undefined;
  if (!items || items.length === 0)
    throw new KqlError('semantic', `evaluate ${plugin}(): argument ${index + 1} must be an array.`);
  return items;
}

/** Reads `(Id, Timeline, start, end, …)` into windows of `step`, by time.
 * @param at the places of the step and the state column among the arguments */
function windowsOf(
  args: PluginArguments,
  plugin: string,
  at: { readonly step: number; readonly state: number },
): Window[] {
  const [idAt, timeAt, stateAt] = [args.column(0), args.column(1), args.column(at.state)];
  const stateType = args.typeOf(at.state);
  const [start, end, step] = [amount(args, 2, plugin), amount(args, 3, plugin), amount(args, at.step, plugin)];
  if (step <= 0n) throw new KqlError('semantic', `evaluate ${plugin}(): a window must be positive.`);
  const windows = new Map<bigint, Map<string, { id: NativeValue; records: StateRecord[] }>>();
  for (const row of args.rows.rows) {
    const time = asBig(row[timeAt]);
    if (time === undefined || time < start || time > end) continue;
    const from = start + floorDiv(time - start, step) * step;
    const journeys = windows.get(from) ?? new Map<string, { id: NativeValue; records: StateRecord[] }>();
    windows.set(from, journeys);
    const id = row[idAt] ?? null;
    const journey = journeys.get(String(id)) ?? { id, records: [] };
    journeys.set(String(id), journey);
    journey.records.push({ at: time, state: textOf(row[stateAt] ?? null, stateType) });
  }
  return [...windows.keys()]
    .sort((a, b) => (a < b ? -1 : 1))
    .map((from) => {
      const journeys = [...(windows.get(from)?.values() ?? [])];
      for (const { records } of journeys) records.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
      return { from, journeys };
    });
}

/** How many states of the sequence a journey goes through in order, all within a period that a record of the first begins. */
function depthOf(records: readonly StateRecord[], sequence: readonly string[], period: bigint): number {
  // By depth: when the latest way to come there began; the latest leaves most of the period.
  const began: (bigint | undefined)[] = sequence.map(() => undefined);
  for (const { at, state } of records)
    for (let depth = sequence.length - 1; depth >= 0; depth -= 1) {
      if (sequence[depth] !== state) continue;
      const start = depth === 0 ? at : began[depth - 1];
      if (start !== undefined && at - start <= period) began[depth] = start;
    }
  return began.filter((start) => start !== undefined).length;
}

/** `funnel_sequence_completion(Id, Timeline, start, end, bin, State, sequence, periods)`: for every period, how many ids come to
 * each state of the sequence within it.
 * @see Kusto documentation, funnel_sequence_completion plugin */
const funnelSequenceCompletion: RowOperator = (call) => {
  const plugin = 'funnel_sequence_completion';
  const args = argumentsOf(call, plugin);
  const items = elements(args, 6, plugin);
  const sequence = items.map(jsonToText);
  const periods = elements(args, 7, plugin).map((item) => {
    const period = jsonKind(item) === 'string' ? parseTimespan(jsonToText(item)) : undefined;
    if (period === undefined) throw new KqlError('semantic', `evaluate ${plugin}(): a period must be a timespan.`);
    return period;
  });
  const states = items.map((item) => toType(item, 'dynamic', colsOf(call)[1]?.type ?? 'string'));
  const rows: NativeValue[][] = [];
  for (const { from, journeys } of windowsOf(args, plugin, { step: 4, state: 5 }))
    for (const period of periods) {
      const depths = journeys.map(({ records }) => depthOf(records, sequence, period));
      states.forEach((state, index) => {
        const reached = depths.filter((depth) => depth > index).length;
        if (reached > 0) rows.push([from, state, period, BigInt(reached)]);
      });
    }
  return { cols: colsOf(call), rows };
};

/** Records of one state that follow each other. */
interface Visit {
  readonly state: string;
  readonly first: bigint;
  last: bigint;
}
function visitsOf(records: readonly StateRecord[]): Visit[] {
  const visits: Visit[] = [];
  for (const { at, state } of records) {
    const open = visits.at(-1);
    if (open?.state === state) open.last = at;
    else visits.push({ state, first: at, last: at });
  }
  return visits;
}

/** The visits that begin and end the sequence, where no shorter part of the journey holds it. */
function occurrences(
  visits: readonly Visit[],
  sequence: readonly string[],
  window: bigint,
): { readonly begin: number; readonly end: number }[] {
  // By depth: the last visit that came there, and the latest visit that its way can have begun with.
  const reached: ({ readonly at: number; readonly begin: number } | undefined)[] = sequence.map(() => undefined);
  const found: { begin: number; end: number }[] = [];
  visits.forEach((visit, at) => {
    for (let depth = sequence.length - 1; depth >= 0; depth -= 1) {
      if (sequence[depth] !== visit.state) continue;
      const before = reached[depth - 1];
      const last = before && visits[before.at]?.last;
      if (depth === 0) reached[0] = { at, begin: at };
      else if (before && last !== undefined && visit.first - last <= window)
        reached[depth] = { at, begin: before.begin };
      else continue;
      const begin = reached[depth]?.begin ?? at;
      if (depth === sequence.length - 1 && found.at(-1)?.begin !== begin) found.push({ begin, end: at });
    }
  });
  return found;
}

const samplesMax = 128;

/** `funnel_sequence(Id, Timeline, start, end, step window, step, State, sequence)`: the ids that go through the sequence, by the
 * state before it, the state after it, or both; which of the three tables it is, the option `table` says.
 * @see Kusto documentation, funnel_sequence plugin; its example tells that records of one state in a row count as one, and
 * that other states may stand between those of the sequence */
const funnelSequence: RowOperator = (call) => {
  const plugin = 'funnel_sequence';
  const args = argumentsOf(call, plugin);
  // The plan builder makes the settings in this shape.
  const { options = {} } = call.settings as PluginSettings;
  const sequence = elements(args, 7, plugin).map(jsonToText);
  const window = amount(args, 4, plugin);
  const idType = args.typeOf(0);
  const rows: NativeValue[][] = [];
  for (const { from, journeys } of windowsOf(args, plugin, { step: 5, state: 6 })) {
    const groups = new Map<string, { states: string[]; ids: Map<string, NativeValue> }>();
    for (const { id, records } of journeys) {
      const visits = visitsOf(records);
      for (const { begin, end } of occurrences(visits, sequence, window)) {
        const [first, last] = [visits[begin], visits[end]];
        const [before, after] = [visits[begin - 1], visits[end + 1]];
        const previous = before && first && first.first - before.last <= window ? before.state : '';
        const next = after && last && after.first - last.last <= window ? after.state : '';
        const states =
          options['table'] === 'prev' ? [previous] : options['table'] === 'next' ? [next] : [previous, next];
        const key = JSON.stringify(states);
        const group = groups.get(key) ?? { states, ids: new Map<string, NativeValue>() };
        group.ids.set(String(id), id);
        groups.set(key, group);
      }
    }
    for (const { states, ids } of [...groups.values()].sort((a, b) => b.ids.size - a.ids.size)) {
      const samples = [...ids.values()].slice(0, samplesMax).map((id) => jsonOf(id, idType) ?? 'null');
      rows.push([from, ...states, BigInt(ids.size), `[${samples.join(',')}]`]);
    }
  }
  return { cols: colsOf(call), rows };
};

export const funnelPlugins: Readonly<Record<string, RowOperator>> = {
  funnel_sequence: funnelSequence,
  funnel_sequence_completion: funnelSequenceCompletion,
};
