import type { Policies } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import { readEntities } from '../catalog/read-policies.ts';
import { isFedBy } from '../catalog/update-policy.ts';
import { withoutSecurity } from '../catalog/views.ts';
import { updateText } from '../ingest/update-query.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { tablesOf } from '../../kql/plan/walk.ts';
import type { CommandContext } from './command-context.ts';

/** A query that runs by itself and with nobody's rights, and what it is part of. */
interface Automated {
  readonly what: string;
  readonly text: string;
  readonly catalog: KqlCatalog;
}

/** What reads rows for nobody in particular could not tell which of them it may read: it needs a managed identity first.
 * @param name of a table or materialized view
 * @throws DataError `InvalidPolicy`
 * @see Kusto "Row level security policy", limitations */
export async function requireNoAutomatedReader(
  policy: NonNullable<Policies['row_level_security']>,
  name: string,
  context: CommandContext,
): Promise<void> {
  if (!policy.IsEnabled) return;
  const names = context.data.database(context.database);
  const own = names.tables.get(name) ?? names.views.get(name);
  for (const automated of automatedIn(context)) {
    const read = await tablesReadBy(automated, context);
    const isRead = read.some(
      ({ database, table }) => database === context.database && readEntities(names, table).some((one) => one === own),
    );
    if (isRead)
      throw dataError(
        'InvalidPolicy',
        `Row level security cannot be enabled on '${name}': ${automated.what} reads it without a managed identity.`,
      );
  }
}

function* automatedIn({ data, database }: CommandContext): Generator<Automated> {
  const catalog = withoutSecurity(data.kqlCatalog());
  const { tables } = data.database(database);
  for (const target of tables.values())
    for (const policy of target.policies.update ?? [])
      for (const source of tables.keys())
        if (policy.IsEnabled && isFedBy(policy, source))
          yield { what: `the update policy of '${target.name}'`, ...updateText(policy, source, database, catalog) };
  for (const { name, query: text, identity } of data.continuousExports(database))
    if (identity === undefined) yield { what: `the continuous export '${name}'`, text, catalog };
}

/** @returns nothing of a query that means nothing any more: it fails when it runs */
async function tablesReadBy(
  { text, catalog }: Automated,
  { engine, database }: CommandContext,
): Promise<ReturnType<typeof tablesOf>> {
  try {
    return tablesOf(await engine.programOf({ text, database, catalog }).compile([]));
  } catch (error) {
    if (!(error instanceof KqlError) || error.code === 'internal') throw error;
    return [];
  }
}
