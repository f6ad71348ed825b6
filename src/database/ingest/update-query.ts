import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Plan, Program } from '../../kql/plan/plan.ts';
import { isExternal } from '../../kql/plan/external-data.ts';
import { eachPlan, tablesOf } from '../../kql/plan/walk.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { QueryEngine } from '../../kql/query-engine.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import { quotedName } from '../../kql/plan/quoted.ts';
import { dataError } from '../catalog/data-error.ts';
import type { NamedPolicies } from '../catalog/read-policies.ts';
import { guardOf } from '../catalog/read-policies.ts';
import type { UpdatePolicy } from '../catalog/update-policy.ts';

/** What data needs of the engine for queries of its own. */
export type DataQueries = Pick<QueryEngine, 'programOf' | 'prepareRows'>;

const sourceSymbol = /\$source_table\b/g;

/** The query of a policy for one of its sources, and the names that it is compiled with: `$source_table` is the source, also in
 * functions. */
export function updateText(
  { Query }: Pick<UpdatePolicy, 'Query'>,
  source: string,
  database: string,
  catalog: KqlCatalog,
): { readonly text: string; readonly catalog: KqlCatalog } {
  const named = (text: string): string => text.replace(sourceSymbol, () => quotedName(source));
  const own = catalog.databases.find(({ name }) => name === database);
  const mentions = own?.functions.some(({ body }) => body.includes('$source_table')) === true;
  if (!mentions) return { text: named(Query), catalog };
  return {
    text: named(Query),
    catalog: {
      ...catalog,
      version: `${catalog.version} source ${source}`,
      databases: catalog.databases.map((one) =>
        one.name === database
          ? { ...one, functions: one.functions.map((fn) => ({ ...fn, body: named(fn.body) })) }
          : one,
      ),
    },
  };
}

const typesOf = (columns: readonly Pick<Column, 'type'>[]): string => columns.map(({ type }) => type).join(',');

/** By position and type. @throws DataError `UpdatePolicySchema` */
export function requireSchema(query: readonly Column[], table: readonly Column[], where = ''): void {
  if (typesOf(query) === typesOf(table)) return;
  throw dataError(
    'UpdatePolicySchema',
    `${where}Query schema does not match table schema. QuerySchema=('${typesOf(query)}'), TableSchema=('${typesOf(table)}').`,
  );
}

/** @throws KqlError for a query that looks into another database */
export function requireOneDatabase(program: Program, database: string): void {
  if (tablesOf(program).some(({ table }) => isExternal(table)))
    throw new KqlError('notSupported', 'An update policy whose query reads data outside of the cluster is not built.');
  const other = tablesOf(program).find((table) => table.database !== database);
  if (other !== undefined)
    throw new KqlError(
      'notSupported',
      `An update policy whose query reads another database ('${other.database.slice(0, 200)}') needs a managed identity, and policies with one are not built.`,
    );
}

/** Tables whose rows are not everybody's can be read by a managed identity alone. @throws KqlError */
export function requireUnrestricted(program: Program, names: NamedPolicies): void {
  for (const { table } of tablesOf(program)) {
    const guard = guardOf(names, table);
    if (guard !== undefined)
      throw new KqlError(
        'semantic',
        `An update policy cannot read the table '${guard.name}', which has a ${guard.policy} policy.`,
      );
  }
}

/** What streaming ingestion can do.
 * @param isChained the source got its rows by a policy itself
 * @see https://learn.microsoft.com/azure/data-explorer/ingest-data-streaming
 * @throws DataError `UpdatePolicyIncompatible` */
export function requireStreamable(program: Program, source: string, isChained: boolean): void {
  const other = tablesOf(program).find(({ table }) => table !== source);
  if (other !== undefined)
    throw dataError(
      'UpdatePolicyIncompatible',
      `the query of an update policy on streaming ingestion reads the new rows of its source alone, and this one reads '${other.table.slice(0, 200)}'`,
    );
  const joins: Plan[] = [];
  eachPlan([program.lets, program.results], (plan) => {
    if (plan.op === 'join') joins.push(plan);
  });
  if (joins.length > 0 && isChained)
    throw dataError(
      'UpdatePolicyIncompatible',
      'in a chain of update policies the query of a later one cannot have a join on streaming ingestion',
    );
}
