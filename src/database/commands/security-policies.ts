import type { Program } from '../../kql/plan/plan.ts';
import { tablesOf } from '../../kql/plan/walk.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Policies, TableView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import { withoutSecurity } from '../catalog/views.ts';
import type { SettingPolicy } from '../catalog/setting-changes.ts';
import { requireNoAutomatedReader } from './automated-readers.ts';
import type { Command } from './command.ts';
import type { CommandContext } from './command-context.ts';
import type { ReadPolicy } from './policy-values.ts';
import { readableCatalog } from './readable-catalog.ts';
import { quotedName } from './schema-text.ts';
import { boolOf } from './view-properties.ts';

const queryMax = 100_000;

export const readRowLevelSecurity: ReadPolicy<'row_level_security'> = (command) => {
  const query = command.required('Query');
  if (query.trim() === '' || query.length > queryMax) throw invalid(`The query has 1 to ${queryMax} characters.`);
  return { IsEnabled: command.has('enable'), Query: query };
};

/** @see Kusto "Materialized views policies", row level security policy */
export function howRowLevelSecurity(command: Command): SettingPolicy {
  const name = 'allowMaterializedViewsWithoutRowLevelSecurity';
  return { ignoresViews: boolOf(name, command.properties([name])[name]) === true };
}

export const readRestrictedViewAccess: ReadPolicy<'restricted_view_access'> = (command) => ({
  IsEnabled: command.has('true'),
});

/** The query is one of this database, gives rows like the table's, and reads nothing that has row level security itself.
 * @throws DataError `InvalidPolicy`
 * @see Kusto "Row level security policy", limitations */
export async function checkRowLevelSecurity(
  policy: NonNullable<Policies['row_level_security']>,
  table: TableView,
  context: CommandContext,
): Promise<void> {
  const program = await compiled(policy.Query, table, context);
  const [result, ...others] = program.results;
  if (result === undefined || others.length > 0 || program.parameters.length > 0)
    throw invalid('The query of the row level security policy has exactly one result and no parameters.');
  for (const { database, table: name } of tablesOf(program)) {
    if (database !== table.database)
      throw invalid(
        `The query of the row level security policy reads the database '${database}': it may read its own only.`,
      );
    const other = name === table.name ? undefined : context.data.database(database).tables.get(name);
    if (other?.policies.row_level_security?.IsEnabled === true)
      throw invalid(`The query of the row level security policy reads the table '${name}', which has one itself.`);
  }
  const columns = ({ name, type }: { readonly name: string; readonly type: string }): string => `${name}:${type}`;
  const [own, given] = [table.columns.map(columns), result.plan.cols.map(columns)];
  if (own.toSorted().join() !== given.toSorted().join())
    throw invalid(
      `The query of the row level security policy gives other columns (${given.join(', ')}) than the table '${table.name}' has (${own.join(', ')}).`,
    );
  await requireNoAutomatedReader(policy, table.name, { ...context, database: table.database });
}

/** As a command's query: without the policies, which would be part of what it is. */
async function compiled(query: string, table: TableView, context: CommandContext): Promise<Program> {
  const inDatabase = { ...context, database: table.database };
  try {
    const { query: program } = await context.engine.parseCommand({
      text: `.append ${quotedName(table.name)} <| ${query}`,
      database: table.database,
      catalog: withoutSecurity(readableCatalog(inDatabase)),
      signal: context.signal,
    });
    if (program === undefined) throw new KqlError('syntax', 'This is not a query.');
    return program;
  } catch (error) {
    if (!(error instanceof KqlError) || error.code === 'internal' || context.signal?.aborted) throw error;
    throw invalid(`The query of the row level security policy is not valid: ${error.message}`);
  }
}

const invalid = (text: string): Error => dataError('InvalidPolicy', text);
