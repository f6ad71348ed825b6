import type { RowLevelSecurity } from '../../../../plan/catalog.ts';
import { KqlError } from '../../../../plan/kql-error.ts';
import type { Plan } from '../../../../plan/plan.ts';
import { namesakes } from '../../../../plan/union-feeds.ts';
import type { Column } from '../../../../plan/types.ts';
import { withBindOptions } from '../../binder/options.ts';
import { toArray } from '../../language/language.ts';
import type { Builder } from './builder.ts';
import type { Draft } from './draft.ts';
import { newDraft, partOf } from './draft.ts';
import type { StoredTable, ViewReading } from './draft.ts';
import { buildQuery } from './build-query.ts';
import { materializedView, rowsToCome } from './materialized-views.ts';

/** A stored table, wherever a query or a function names it: its rows, or what its row level security gives of them; or what the query of
 * a stored view gives. Every plan
 * of a stored table is made here. What the query around it declares means nothing in there.
 * @throws KqlError for a policy that has come to mean nothing, so that no row is shown
 * @see Kusto "Row level security policy" */
export function storedTable(
  { draft }: Pick<Builder, 'draft'>,
  named: StoredTable,
  cols: readonly Column[],
  reading: ViewReading = 'whole',
): Plan {
  const { database, table } = named;
  const view = draft.keptGraphs.view(database, table);
  if (view !== undefined) return withColumns(ofView(draft, named, view), named, cols);
  const rows = (how = reading): Plan => rowsOf(draft, named, cols, how);
  const policy = draft.keptGraphs.security(database, table);
  if (policy === undefined || !holds(policy, draft)) return rows();
  const { secures } = draft;
  if (secures === undefined) return withColumns(secured(draft, { ...named, reading }, policy), named, cols);
  // The policy names the view; whoever asks says how much of it is read.
  if (secures.database === database && secures.table === table)
    return rows(reading === 'whole' ? secures.reading : reading);
  throw invalid(secures, `it reads the table '${table}', which has row level security itself`);
}

/** As they are, whoever may see them. The query of a materialized view reads of its source what is new there. */
function rowsOf(draft: Draft, named: StoredTable, cols: readonly Column[], reading: ViewReading): Plan {
  const { database, table } = named;
  const { source } = draft;
  const view = draft.keptGraphs.materialized(database, table);
  if (source?.database === database && source.table === table) {
    const added: Plan = { op: 'table', database, table: source.as, cols };
    if (view === undefined || source.isAlone) return added;
    const toCome = withColumns(rowsToCome(draft, database, view), named, cols);
    const legs = [added, toCome].map((plan) => ({ plan, from: namesakes(cols, cols), source: '' }));
    return { op: 'union', legs, cols };
  }
  if (view === undefined) return { op: 'table', database, table, cols };
  const plan = materializedView(draft, named, view, reading);
  return view.states === undefined ? withColumns(plan, named, cols) : plan;
}

const holds = ({ isEnabled }: RowLevelSecurity, { options }: Draft): boolean =>
  isEnabled ||
  ![undefined, false, 'false'].includes(options['query_force_row_level_security'] as undefined | false | 'false');

function secured(draft: Draft, named: NonNullable<Draft['secures']>, { query }: RowLevelSecurity): Plan {
  const { database, table } = named;
  const own: Draft = { ...newDraft(database, draft.keptGraphs, draft.visitors), ...partOf(draft), secures: named };
  try {
    // Neither values of parameters nor fuzzy unions reach in here: what a query asks for must not decide what it may see.
    const options = { database, text: `${database} ${table} row_level_security`, bestEffort: false, given: {} };
    withBindOptions(options, () => buildQuery(own, query));
  } catch (error) {
    throw error instanceof KqlError ? invalid(named, error.message) : error;
  }
  const [result, ...others] = own.results;
  if (!result || others.length > 0 || own.parameters.length > 0)
    throw invalid(named, 'it is not a query with exactly one result');
  return result.plan;
}

/** Other views are no tables in there, so that none can go round. */
function ofView(draft: Draft, named: StoredTable, query: string): Plan {
  const { database, table } = named;
  const state = draft.keptGraphs.state(database, false);
  const own: Draft = {
    ...newDraft(database, draft.keptGraphs, draft.visitors),
    ...partOf(draft),
    tables: toArray(state.Database.Tables),
  };
  withBindOptions({ database, text: `${database} ${table}`, given: {} }, () => buildQuery(own, query, state));
  const [result] = own.results;
  if (!result) throw new KqlError('semantic', `The view '${table}' has no result.`);
  return result.plan;
}

/** The columns of the table, in its order. */
function withColumns(plan: Plan, named: StoredTable, cols: readonly Column[]): Plan {
  const wrong = cols.find(({ name, type }) => !plan.cols.some((one) => one.name === name && one.type === type));
  if (wrong !== undefined) throw invalid(named, `its result has no column '${wrong.name}' of type ${wrong.type}`);
  if (plan.cols.length === cols.length && plan.cols.every(({ name }, at) => name === cols[at]?.name)) return plan;
  return { op: 'select', input: plan, from: cols.map(({ name }) => name), cols };
}

const invalid = ({ table }: StoredTable, why: string): KqlError =>
  new KqlError(
    'semantic',
    `The row level security policy of the table '${table}' is not valid: ${why.replace(/\.$/, '')}.`,
  );
