import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Plan, Program } from '../../kql/plan/plan.ts';
import { quotedName } from '../../kql/plan/quoted.ts';
import type { ViewLookback } from '../../kql/plan/view-lookback.ts';
import { ingestedState } from '../../kql/plan/view-lookback.ts';
import type { ViewParts } from '../../kql/plan/view-parts.ts';
import { viewParts } from '../../kql/plan/view-parts.ts';
import { eachPlan, tablesOf } from '../../kql/plan/walk.ts';
import { isExternal } from '../../kql/plan/external-data.ts';
import type { Expression } from '../../kql/plan/expression.ts';
import { dataError } from '../catalog/data-error.ts';
import type { DataQueries } from '../ingest/update-query.ts';

export interface ViewQuery {
  readonly database: string;
  readonly query: string;
  readonly source: string;
  readonly isOverView: boolean;
  readonly dimensionTables: readonly string[];
  readonly lookback: ViewLookback | undefined;
}

/** Operators that the documentation excludes, by their nodes. */
const excluded: Readonly<Partial<Record<Plan['op'], string>>> = {
  ...{ sort: 'sort', top: 'top', topNested: 'top-nested', partition: 'partition', serialize: 'serialize' },
};
/** What is another value each time. */
const timely = [
  'now',
  'ago',
  'rand',
  'new_guid',
  'cursor_after',
  'cursor_before_or_at',
  'cursor_current',
  'current_cursor',
];

/** @param catalog in which tables have no row level security: whoever makes a view reads all rows
 * @throws DataError `InvalidView` for a query that no view can have @see Kusto ".create materialized-view", "Query parameter" */
export async function requireViewQuery(
  queries: DataQueries,
  catalog: KqlCatalog,
  asked: ViewQuery,
): Promise<{ readonly parts: ViewParts; readonly columns: Plan['cols'] }> {
  try {
    const program = await queries
      .programOf({ text: asked.query, database: asked.database, catalog: withSourceAsTable(catalog, asked) })
      .compile([]);
    const [result, ...others] = program.results;
    if (!result || others.length > 0 || program.parameters.length > 0)
      throw new KqlError('semantic', 'The query of a materialized view is one expression with one result.');
    const isTimed = asked.lookback?.column === ingestedState.name;
    const parts = viewParts(result.plan, isTimed);
    requireOperators(program);
    requireTables(program, asked);
    const columns = result.plan.cols;
    if (isTimed && parts.picks !== undefined) await requireIngestionTimes(queries, catalog, asked, { columns, parts });
    return { parts, columns };
  } catch (error) {
    if (!(error instanceof KqlError) || error.code === 'internal') throw error;
    throw dataError('InvalidView', `The materialized view is not valid: ${error.message}`);
  }
}

/** A lookback without a column of its own is for queries that leave the ingestion time with the rows.
 * @throws KqlError @see Kusto "Materialized views limitations" */
async function requireIngestionTimes(
  queries: DataQueries,
  catalog: KqlCatalog,
  { database, query, source, isOverView, lookback }: ViewQuery,
  { columns, parts }: { readonly columns: Plan['cols']; readonly parts: ViewParts },
): Promise<void> {
  const name = '$timed';
  if (isOverView)
    throw new KqlError(
      'notSupported',
      'A lookback without a lookback_column is not built for materialized views over materialized views.',
    );
  const view = { name, columns, query, source, stored: parts.states, states: 'delta' as const };
  const probed: KqlCatalog = {
    ...catalog,
    version: `${catalog.version} timed ${JSON.stringify([database, query, source])}`,
    databases: catalog.databases.map((one) =>
      one.name === database
        ? {
            ...one,
            materializedViews: [...(one.materializedViews ?? []), { ...view, ...(lookback && { lookback }) }],
          }
        : one,
    ),
  };
  await queries.programOf({ text: quotedName(name), database, catalog: probed }).compile([]);
}

function requireOperators({ lets, results }: Program): void {
  let summaries = 0;
  eachPlan([lets, results], (plan) => {
    const name = excluded[plan.op];
    if (name !== undefined)
      throw new KqlError('semantic', `The operator '${name}' is not supported in the query of a materialized view.`);
    if (plan.op === 'summarize' || plan.op === 'distinct' || plan.op === 'count') summaries += 1;
  });
  if (summaries !== 1)
    throw new KqlError('semantic', "The query of a materialized view has exactly one 'summarize' operator.");
  eachCall([lets, results], (name) => {
    if (timely.includes(name))
      throw new KqlError('semantic', `The function '${name}' is not supported in the query of a materialized view.`);
  });
}

function eachCall(value: unknown, visit: (name: string) => void): void {
  if (typeof value !== 'object' || value === null) return;
  const call = value as Partial<Extract<Expression, { readonly k: 'call' }>>;
  if (call.k === 'call' && call.name !== undefined) visit(call.name);
  for (const inner of Object.values(value)) eachCall(inner, visit);
}

/** Its source once, and tables that the command tells of. */
function requireTables(program: Program, { database, source, dimensionTables }: ViewQuery): void {
  const read = tablesOf(program).map((table) => {
    if (isExternal(table.table))
      throw new KqlError('semantic', 'The query of a materialized view cannot read external data.');
    if (table.database !== database)
      throw new KqlError('semantic', 'The query of a materialized view cannot read another database.');
    return table.table;
  });
  const title = source.slice(0, 200);
  const other = read.find((table) => table !== source && !dimensionTables.includes(table));
  if (other !== undefined)
    throw new KqlError(
      'semantic',
      `The query of the materialized view reads '${other.slice(0, 200)}', which is neither its source '${title}' nor among its dimensionTables.`,
    );
  if (read.filter((table) => table === source).length !== 1)
    throw new KqlError('semantic', `The query of the materialized view must read its source '${title}' once.`);
}

/** The view that a view is over is read as a table is. */
function withSourceAsTable(catalog: KqlCatalog, { database, source, isOverView }: ViewQuery): KqlCatalog {
  if (!isOverView) return catalog;
  return {
    ...catalog,
    version: `${catalog.version} source ${JSON.stringify([database, source])}`,
    databases: catalog.databases.map((one) => {
      const found = one.name === database ? one.materializedViews?.find(({ name }) => name === source) : undefined;
      if (found === undefined) return one;
      const { name, columns } = found;
      return {
        ...one,
        tables: [...one.tables, { name, columns }],
        materializedViews: one.materializedViews?.filter((view) => view !== found) ?? [],
      };
    }),
  };
}
