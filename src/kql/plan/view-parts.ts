import { KqlError } from './kql-error.ts';
import type { Expression } from './expression.ts';
import type { Item, Plan } from './plan.ts';
import type { Column } from './types.ts';
import type { ViewAggregate } from './view-aggregates.ts';
import { viewAggregates } from './view-aggregates.ts';
import { ingestedState, withIngestedState } from './view-lookback.ts';

type Summarize = Extract<Plan, { readonly op: 'summarize' }>;

/** How a materialized view is computed a part at a time: rows of the source become rows of states, one for each group, which merge with
 * those of earlier rows; of them the rows of the view are made. */
export interface ViewParts {
  /** What the states are grouped by: the first of their columns. */
  readonly keys: readonly Column[];
  readonly states: readonly Column[];
  /** The states of the rows that the query reads. */
  readonly partial: Plan;
  /** @param parts rows of states, with all their columns @returns one for each group */
  merged(parts: Plan): Summarize;
  /** @param states one row for each group */
  finished(states: Plan): Plan;
  /** Its rows are rows of the source: one `arg_max`, `arg_min` or `take_any`. */
  readonly picks: 'arg_max' | 'arg_min' | 'take_any' | undefined;
  /** All columns of the source are those of the view. */
  readonly picksAll: boolean;
}

const refused = (why: string): KqlError => new KqlError('semantic', `The query of a materialized view ${why}`);

/** @param asked of the query of a view
 * @param isTimed one that picks rows keeps when these were ingested: `ingestedState`
 * @throws KqlError for one that no view can have */
export function viewParts(asked: Plan, isTimed = false): ViewParts {
  if (asked.op !== 'summarize') throw refused("must end with one 'summarize', which is its last operator.");
  if (asked.by.length === 0) throw refused("must have a 'by' clause in its 'summarize'.");
  if (asked.aggregates.length === 0) throw refused('must have at least one aggregation function.');
  const [only, ...others] = asked.aggregates;
  const picks = others.length === 0 && only?.expression.k === 'call' ? picking(only.expression.name) : undefined;
  const plan = isTimed && picks !== undefined ? withIngestedState(asked) : asked;
  const aggregates = plan.aggregates.map(aggregateOf);
  const keys = columnsOf(plan, plan.by);
  const states = [...keys, ...aggregates.flatMap((one) => one.states)];
  const by = keys.map((key): Item => ({ names: [key.name], expression: { k: 'column', ...key } }));
  return {
    keys,
    states,
    partial: { ...plan, aggregates: aggregates.flatMap(({ partial }) => partial), cols: states },
    merged: (input) => ({
      ...{ op: 'summarize', input, by, cols: states },
      aggregates: aggregates.flatMap(({ merged }) => merged),
    }),
    finished: (input) => ({
      ...{ op: 'project', input, cols: asked.cols },
      items: [...by, ...aggregates.flatMap(({ outputs }) => outputs.filter(isShown).map(asItem))],
    }),
    picks,
    picksAll: picks !== undefined && hasStar(only?.expression),
  };
}

const picking = (name: string): ViewParts['picks'] =>
  name === 'arg_max' || name === 'arg_min' || name === 'take_any' ? name : undefined;

const hasStar = (expression: Expression | undefined): boolean =>
  expression?.k === 'call' && expression.args.some((one) => one.k === 'column' && one.name === '*');

const isShown = ({ name }: ViewAggregate['outputs'][number]): boolean => name !== ingestedState.name;
const asItem = ({ name, expression }: ViewAggregate['outputs'][number]): Item => ({ names: [name], expression });

const columnsOf = ({ cols }: Summarize, items: readonly Item[]): Column[] =>
  items.flatMap(({ names }) => names).flatMap((name) => cols.find((column) => column.name === name) ?? []);

function aggregateOf({ names, expression }: Item): ViewAggregate {
  const plan = expression.k === 'call' ? viewAggregates.get(expression.name) : undefined;
  if (plan && expression.k === 'call') return plan(names, expression);
  const what = expression.k === 'call' ? `'${expression.name}'` : 'this expression';
  throw refused(
    `has aggregation functions only, and none is computed from others: ${what} is not supported in materialized views.`,
  );
}
