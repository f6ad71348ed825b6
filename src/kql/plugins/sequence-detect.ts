import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperator } from './row-operator.ts';
import { asBig, colsOf } from './timeline.ts';

/** A sequence that waits for its next step: the times of the steps so far. */
type Begun = readonly bigint[];

const sequencesMax = 1_000_000;

/** `sequence_detect(Timeline, step window, span, step conditions…[, dimensions…])`: every way to take one record after the other,
 * in order of time, so that they meet the conditions in turn, each within the window after the one before and all within the
 * span. Sequences of the same times and dimensions are one.
 * @see Kusto documentation, sequence_detect plugin; its example tells that combinations count, and only once */
const sequenceDetect: RowOperator = (call) => {
  const args = argumentsOf(call, 'sequence_detect');
  const timeAt = args.column(0);
  const [window, span] = [1, 2].map((index) => asBig(args.constant(index)));
  if (window === undefined || span === undefined)
    throw new KqlError('semantic', 'evaluate sequence_detect(): the windows must be given.');
  const cols = colsOf(call);
  // The conditions come first; the binder tells how many there are: dimensions, one time for each condition, the duration.
  const dimensionsAt: number[] = [];
  const conditionsAt: number[] = [];
  for (let index = 3; index < args.count; index += 1)
    (args.typeOf(index) === 'bool' ? conditionsAt : dimensionsAt).push(args.column(index, args.raw[index]?.given));
  if (conditionsAt.length === 0 || conditionsAt.length + dimensionsAt.length + 1 !== cols.length)
    throw new KqlError('notSupported', 'evaluate sequence_detect(): these arguments are not supported.');

  const groups = new Map<string, { dimensions: NativeValue[]; rows: { at: bigint; row: readonly NativeValue[] }[] }>();
  for (const row of args.rows.rows) {
    const at = asBig(row[timeAt]);
    if (at === undefined || !conditionsAt.some((column) => row[column] === true)) continue;
    const dimensions = dimensionsAt.map((column) => row[column] ?? null);
    const key = JSON.stringify(dimensions.map((value) => (value === null ? null : String(value))));
    const group = groups.get(key) ?? { dimensions, rows: [] };
    group.rows.push({ at, row });
    groups.set(key, group);
  }
  const found: { readonly times: Begun; readonly cells: NativeValue[] }[] = [];
  for (const { dimensions, rows } of groups.values()) {
    rows.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    for (const times of sequencesOf(rows, conditionsAt, window, span))
      found.push({ times, cells: [...dimensions, ...times, (times.at(-1) ?? 0n) - (times[0] ?? 0n)] });
    if (found.length > sequencesMax)
      throw new KqlError('limits', `evaluate sequence_detect(): more than ${sequencesMax} sequences.`);
  }
  found.sort((a, b) => compareTimes(a.times, b.times));
  return { cols, rows: found.map(({ cells }) => cells) };
};

function compareTimes(a: Begun, b: Begun): number {
  const at = a.findIndex((time, index) => time !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0n) < (b[at] ?? 0n) ? -1 : 1;
}

function sequencesOf(
  rows: readonly { readonly at: bigint; readonly row: readonly NativeValue[] }[],
  conditionsAt: readonly number[],
  window: bigint,
  span: bigint,
): Begun[] {
  const last = conditionsAt.length - 1;
  /** By steps taken: sequences by their times, so that each is there once. */
  const begun = conditionsAt.map(() => new Map<string, Begun>());
  const complete = new Map<string, Begun>();
  for (const { at, row } of rows)
    // From the last step back, so that a record is never two steps of one sequence.
    for (let step = last; step >= 0; step -= 1) {
      if (row[conditionsAt[step] ?? 0] !== true) continue;
      const add = (times: Begun): void => {
        const into = step === last ? complete : begun[step];
        into?.set(times.join(), times);
        if (into && into.size > sequencesMax)
          throw new KqlError('limits', `evaluate sequence_detect(): more than ${sequencesMax} sequences.`);
      };
      if (step === 0) add([at]);
      else {
        const waiting = begun[step - 1];
        for (const [key, times] of waiting ?? []) {
          if (at - (times.at(-1) ?? at) > window || at - (times[0] ?? at) > span) waiting?.delete(key);
          else add([...times, at]);
        }
      }
    }
  return [...complete.values()];
}

export const sequencePlugins: Readonly<Record<string, RowOperator>> = { sequence_detect: sequenceDetect };
