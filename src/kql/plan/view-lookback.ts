import type { Call, Expression } from './expression.ts';
import type { Plan } from './plan.ts';
import type { Column } from './types.ts';

/** How far apart two rows of a group may be and still become one. Ticks. */
export interface ViewLookback {
  /** A datetime among the states of the view. */
  readonly column: string;
  readonly ticks: string;
}

/** The times of rows that a view takes in, from the earliest to the latest, in ticks; null: none of them has one. */
export type ViewWindow = readonly [from: string, to: string] | null;

/** When the row of the source was ingested that a row of states was picked from: what a lookback without a column of its own goes by. */
export const ingestedState: Column = { name: '$ingested', type: 'datetime' };

type Summarize = Extract<Plan, { readonly op: 'summarize' }>;

const call = (name: string, type: Column['type'], ...args: readonly Expression[]): Call => ({
  ...{ k: 'call', name, args, type },
});
const literal = (type: Column['type'], value: string | boolean): Expression => ({ k: 'literal', type, value });
const columnOf = (column: Column): Expression => ({ k: 'column', ...column });

/** A summary that picks one row of each group, with `ingestedState` of that row. */
export function withIngestedState(plan: Summarize): Summarize {
  const [only, ...others] = plan.aggregates;
  if (only?.expression.k !== 'call' || others.length > 0) return plan;
  const { args, type, types = [type] } = only.expression;
  const hasStar = args.some((one) => one.k === 'column' && one.name === '*');
  const time = call('ingestion_time', ingestedState.type);
  const cols = [...plan.input.cols, ingestedState];
  return {
    ...plan,
    input: { op: 'extend', input: plan.input, items: [{ names: [ingestedState.name], expression: time }], cols },
    aggregates: [
      {
        names: [...only.names, ingestedState.name],
        expression: {
          ...only.expression,
          // Among all columns it is the last one.
          args: hasStar ? args : [...args, columnOf(ingestedState)],
          types: [...types, ingestedState.type],
        },
      },
    ],
    cols: [...plan.cols, ingestedState],
  };
}

const timeOf = ({ column }: ViewLookback): Column => ({ name: column, type: 'datetime' });

/** One row. */
function extremesOf(states: Plan, lookback: ViewLookback, names: readonly ('min' | 'max')[]): Plan {
  return {
    ...{ op: 'summarize', input: states, by: [] },
    aggregates: names.map((name) => ({
      names: [name],
      expression: call(name, 'datetime', columnOf(timeOf(lookback))),
    })),
    cols: names.map((name) => ({ name, type: 'datetime' })),
  };
}

/** One row: the earliest and the latest time of states. */
export const windowOf = (states: Plan, lookback: ViewLookback): Plan => extremesOf(states, lookback, ['min', 'max']);

/** The rows of states that new ones are compared with, and the others. A row without a time is compared with all.
 * @param window what is known of the new ones, or else their states
 * @see Kusto ".create materialized-view", "Lookback period" */
export function byLookback(
  stored: Plan,
  lookback: ViewLookback,
  window: ViewWindow | { readonly states: Plan },
): { readonly inside: Plan; readonly outside: Plan } {
  const time = columnOf(timeOf(lookback));
  const none = call('isnull', 'bool', time);
  const bounds = boundsOf(window, lookback);
  const reach = literal('timespan', lookback.ticks);
  const near = bounds && [
    call('<=', 'bool', call('-', 'timespan', bounds[0], time), reach),
    call('<=', 'bool', call('-', 'timespan', time, bounds[1]), reach),
  ];
  const condition = near === undefined ? none : call('or', 'bool', none, call('and', 'bool', ...near));
  const filter = (wanted: boolean): Plan => ({
    ...{ op: 'filter', input: stored, cols: stored.cols },
    // What is not known to be near is not.
    condition: call('iff', 'bool', condition, literal('bool', wanted), literal('bool', !wanted)),
  });
  return { inside: filter(true), outside: filter(false) };
}

function boundsOf(
  window: ViewWindow | { readonly states: Plan },
  lookback: ViewLookback,
): readonly [Expression, Expression] | undefined {
  if (window === null) return undefined;
  if (!('states' in window)) return [literal('datetime', window[0]), literal('datetime', window[1])];
  const extreme = (name: 'min' | 'max'): Expression => ({
    ...{ k: 'scalarQuery', type: 'datetime', plan: extremesOf(window.states, lookback, [name]) },
  });
  return [extreme('min'), extreme('max')];
}
