import type { CatalogView } from '../../../../plan/catalog.ts';
import type { Expression } from '../../../../plan/expression.ts';
import { viewTable } from '../../../../plan/hidden-tables.ts';
import { KqlError } from '../../../../plan/kql-error.ts';
import type { Item, Plan } from '../../../../plan/plan.ts';
import { namesakes } from '../../../../plan/union-feeds.ts';
import type { Column } from '../../../../plan/types.ts';
import type { ViewParts } from '../../../../plan/view-parts.ts';
import { byLookback, ingestedState, windowOf } from '../../../../plan/view-lookback.ts';
import { viewParts } from '../../../../plan/view-parts.ts';
import { withBindOptions } from '../../binder/options.ts';
import { buildQuery } from './build-query.ts';
import type { Draft, StoredTable, ViewReading } from './draft.ts';
import { newDraft } from './draft.ts';

/** 1: a row of states of the rows that came since, not of those that were made before. */
const newColumn: Column = { name: '$new', type: 'long' };
const columnOf = (column: Column): Expression => ({ k: 'column', ...column });

/** A materialized view, wherever a query names it: the states that are stored, merged with those of the new rows of its source.
 * @throws KqlError where its query has come to mean nothing */
export function materializedView(
  draft: Draft,
  { database }: StoredTable,
  view: CatalogView,
  reading: ViewReading,
  isAlone = view.states !== undefined,
): Plan {
  const place = `${database} ${view.name}`;
  if (draft.views.includes(place) || draft.views.length >= viewsMax)
    throw new KqlError('semantic', `The materialized view '${view.name}' reads itself.`);
  const own: Draft = {
    ...newDraft(database, draft.keptGraphs, draft.visitors),
    lets: draft.lets,
    options: { ...draft.options },
    views: [...draft.views, place],
    source: {
      ...{ database, table: view.source },
      as: viewTable(view.name, 'delta', typeof reading === 'object' ? reading.maxAge : undefined),
      isAlone,
    },
  };
  withBindOptions({ database, text: place, given: {} }, () => buildQuery(own, view.query));
  const [result, ...others] = own.results;
  if (!result || others.length > 0)
    throw new KqlError('semantic', `The query of the materialized view '${view.name}' has one result.`);
  const { lookback } = view;
  const parts = viewParts(result.plan, lookback?.column === ingestedState.name);
  const stored = storedStates(database, view, parts);
  if (view.states === 'delta') return parts.partial;
  if (view.states === 'window' && lookback !== undefined) return windowOf(parts.partial, lookback);
  if (view.states === 'merged') return changedGroups(sharedDelta(own, parts, view), stored, view);
  if (view.states === 'stored' && reading !== 'whole')
    throw new KqlError('semantic', 'The function materialized_view() cannot be used in the predicate of this command.');
  if (view.states === 'stored') return parts.finished(stored);
  if (reading === 'materialized') return parts.finished(stored);
  const shared = sharedDelta(own, parts, view);
  const { merged, apart } = mergedStates(shared, stored, view);
  if (apart === undefined) return parts.finished(merged);
  return parts.finished(unionOf([apart, ownStates(parts, merged)], parts.states));
}

/** What a lookback is measured from and what it is applied to have to be the same rows. */
function sharedDelta(draft: Draft, parts: ViewParts, { lookback }: CatalogView): ViewParts {
  if (lookback === undefined) return parts;
  const id = draft.lets.length;
  draft.lets.push({ id, plan: parts.partial, materialized: true });
  return { ...parts, partial: { op: 'reference', id, cols: parts.partial.cols } };
}

const viewsMax = 8;

/** Of a deduplicating view: the rows that it will get of the rows that came since. */
export function rowsToCome(draft: Draft, database: string, view: CatalogView): Plan {
  return materializedView(draft, { database, table: view.name }, { ...view, states: 'merged' }, 'whole', false);
}

/** An altered view has states that no row has yet. */
function storedStates(database: string, view: CatalogView, { states }: ViewParts): Plan {
  const known = view.stored.filter(({ name, type }) => states.some((one) => one.name === name && one.type === type));
  const plan: Plan = { op: 'table', database, table: viewTable(view.name, 'materialized'), cols: known };
  if (known.length === states.length && known.every(({ name }, at) => name === states[at]?.name)) return plan;
  const items = states.map((column): Item => {
    const isKnown = known.some(({ name }) => name === column.name);
    const none: Expression = { k: 'literal', type: column.type, value: column.type === 'string' ? '' : null };
    return { names: [column.name], expression: isKnown ? columnOf(column) : none };
  });
  return { op: 'project', input: plan, items, cols: states };
}

const unionOf = (plans: readonly Plan[], cols: readonly Column[]): Plan => ({
  op: 'union',
  legs: plans.map((plan) => ({ plan, from: namesakes(plan.cols, cols), source: '' })),
  cols,
});

const marked = (input: Plan, isNew: '0' | '1'): Plan => ({
  ...{ op: 'extend', input, cols: [...input.cols, newColumn] },
  items: [{ names: [newColumn.name], expression: { k: 'literal', type: newColumn.type, value: isNew } }],
});

interface MergedStates {
  /** With `newColumn`: 1 for a group that new rows change. */
  readonly merged: Extract<Plan, { readonly op: 'summarize' }>;
  /** Of a view with a lookback, the rows that stay as they are, whatever comes. */
  readonly apart: Plan | undefined;
}

/** Of any row a view takes the one that it has. */
function mergedStates(parts: ViewParts, stored: Plan, { lookback, window }: CatalogView): MergedStates {
  const cols = [...parts.states, newColumn];
  const near = lookback && byLookback(stored, lookback, window === undefined ? { states: parts.partial } : window);
  const both = [marked(near?.inside ?? stored, '0'), marked(parts.partial, '1')];
  const merged = parts.merged(unionOf(both, cols));
  const kept = parts.states.slice(parts.keys.length);
  const first: Expression = {
    ...{ k: 'call', name: 'arg_min', type: newColumn.type, args: [newColumn, ...kept].map(columnOf) },
    types: [newColumn, ...kept].map(({ type }) => type),
  };
  const newest: Expression = { k: 'call', name: 'max', type: newColumn.type, args: [columnOf(newColumn)] };
  const aggregates: readonly Item[] =
    parts.picks === 'take_any'
      ? [{ names: [newColumn, ...kept].map(({ name }) => name), expression: first }]
      : [...merged.aggregates, { names: [newColumn.name], expression: newest }];
  const own = parts.picks === 'take_any' ? [...parts.keys, newColumn, ...kept] : cols;
  return { merged: { ...merged, aggregates, cols: own }, apart: near?.outside };
}

const ownStates = ({ states }: ViewParts, input: Plan): Plan => ({
  ...{ op: 'select', input, from: states.map(({ name }) => name), cols: states },
});

function changedGroups(parts: ViewParts, stored: Plan, view: CatalogView): Plan {
  const { merged: input } = mergedStates(parts, stored, view);
  const condition: Expression = {
    ...{ k: 'call', name: '==', type: 'bool' },
    args: [columnOf(newColumn), { k: 'literal', type: newColumn.type, value: '1' }],
  };
  return ownStates(parts, { op: 'filter', input, condition, cols: input.cols });
}
