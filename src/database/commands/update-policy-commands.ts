import type { JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseAnyJson } from '../../base/relaxed-json.ts';
import type { TableView } from '../catalog/catalog-view.ts';
import { DataError, dataError } from '../catalog/data-error.ts';
import { withoutSecurity } from '../catalog/views.ts';
import type { UpdatePolicy } from '../catalog/update-policy.ts';
import { isFedBy } from '../catalog/update-policy.ts';
import { requireOneDatabase, requireSchema, requireUnrestricted, updateText } from '../ingest/update-query.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { tablesOf } from '../../kql/plan/walk.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { policyColumns, showRows, tableRow, without } from './policy-commands.ts';

const title = 'Update';
const policiesMax = 256;

const invalid = (text: string): DataError => dataError('InvalidPolicy', `${failed}${text}`);
const failed = 'Error during execution of a policy operation: ';

type Member = 'flag' | 'text' | 'ignored';
const members: Readonly<Record<string, Member>> = {
  IsEnabled: 'flag',
  Source: 'text',
  SourceIsWildCard: 'flag',
  Query: 'text',
  IsTransactional: 'flag',
  PropagateIngestionProperties: 'flag',
  ManagedIdentity: 'ignored',
};
const checks: Readonly<Record<Member, (value: unknown) => boolean>> = {
  flag: (value) => typeof value === 'boolean',
  text: (value) => typeof value === 'string' && value !== '',
  ignored: () => true,
};

/** @throws DataError `InvalidPolicy` */
function policyOf(entry: JsonObject): UpdatePolicy {
  for (const [name, value] of Object.entries(entry)) {
    const kind = Object.hasOwn(members, name) ? members[name] : undefined;
    if (kind === undefined) throw invalid(`The policy has no property '${name.slice(0, 100)}'.`);
    if (!checks[kind](value)) throw invalid(`'${name}' has a value that it cannot have.`);
  }
  const { ManagedIdentity: identity = null, ...policy } = entry;
  if (identity !== null && identity !== '')
    throw invalid(
      'An update policy that runs as a managed identity is not supported: it would need a policy that lets it.',
    );
  if (policy['Source'] === undefined || policy['Query'] === undefined)
    throw invalid('An update policy needs Source and Query.');
  return { ...defaults, ...(policy as unknown as UpdatePolicy) };
}
const defaults = { IsEnabled: true, IsTransactional: false, PropagateIngestionProperties: false };

/** @throws DataError `InvalidPolicy` */
function policiesOf(text: string): readonly UpdatePolicy[] {
  let value: unknown;
  try {
    value = parseAnyJson(text);
  } catch {
    value = undefined;
  }
  if (!Array.isArray(value)) throw invalid('The policy is not a JSON array.');
  return value.map((entry: unknown) => {
    if (!isJsonObject(entry)) throw invalid('The array has something that is not a JSON object.');
    return policyOf(entry);
  });
}

/** What is enabled must be able to run now.
 * @throws DataError, KqlError */
export async function requireRuns(
  policy: UpdatePolicy,
  target: TableView,
  allowUnreferenced: boolean,
  context: CommandContext,
): Promise<void> {
  const { data, engine } = context;
  const own = data.database(target.database);
  const { tables } = own;
  if (isFedBy(policy, target.name) && policy.SourceIsWildCard !== true)
    throw invalid(`Cyclic update is not allowed: the table '${target.name}' is its own source.`);
  const sources = [...tables.keys()].filter((name) => isFedBy(policy, name) && name !== target.name);
  if (sources.length === 0 && policy.SourceIsWildCard !== true) throw dataError('TableNotFound', policy.Source);
  for (const source of sources) {
    const names = updateText(policy, source, target.database, withoutSecurity(data.kqlCatalog()));
    const program = await engine.programOf({ database: target.database, ...names }).compile([]);
    requireOneDatabase(program, target.database);
    requireUnrestricted(program, own);
    const [result, ...others] = program.results;
    if (result === undefined || others.length > 0) throw invalid('The query of an update policy has one result.');
    requireSchema(result.plan.cols, target.columns);
    if (!allowUnreferenced && !tablesOf(program).some(({ table }) => table === source))
      throw invalid(
        `The query does not reference the source table '${source}' (AllowUnreferencedSourceTable=true allows that).`,
      );
  }
}

async function alter(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { data, database } = context;
  const target = data.table(database, command.required('TableName'));
  const { AllowUnreferencedSourceTable: unreferenced } = command.properties(['AllowUnreferencedSourceTable']);
  const added = policiesOf(command.required('UpdatePolicy'));
  const policies = [...(command.kind.startsWith('AlterMerge') ? (target.policies.update ?? []) : []), ...added];
  if (policies.length > policiesMax) throw invalid(`A table has at most ${policiesMax} update policies.`);
  try {
    for (const policy of added)
      if (policy.IsEnabled) await requireRuns(policy, target, unreferenced?.toLowerCase() === 'true', context);
  } catch (error) {
    if (error instanceof DataError && error.code === 'UpdatePolicySchema') throw invalid(error.message);
    if (error instanceof KqlError && (error.code === 'semantic' || error.code === 'syntax'))
      throw new KqlError(error.code, `${failed}${error.message}`, undefined, error.parserCode);
    throw error;
  }
  await data.setPolicy(target.database, target.name, 'update', policies);
  return [tableRow(title, target, policies)];
}

const example = `@'[{"IsEnabled": true, "Source": "U", "Query": "U", "IsTransactional": true}]'`;

/** @see Kusto "Update policy overview", ".alter table policy update command" */
export const updatePolicyCommands: readonly CommandRow[] = [
  ...without(
    showRows(
      'update',
      title,
      (table) => table.policies.update,
      () => undefined,
    ),
    ['ShowDatabasePolicyUpdate'],
  ),
  {
    kinds: {
      AlterTablePolicyUpdate: [
        `.alter table T policy update ${example}`,
        'alter table {TableName} policy update with {UpdatePolicy}',
      ],
      AlterMergeTablePolicyUpdate: [
        `.alter-merge table T policy update ${example}`,
        'alter-merge table {TableName} policy update with {UpdatePolicy}',
      ],
    },
    parsed: true,
    permission: 'admin',
    columns: policyColumns,
    run: alter,
  },
  {
    kinds: { DeleteTablePolicyUpdate: '.delete table T policy update' },
    permission: 'admin',
    columns: policyColumns,
    run: async (command, { data, database }) => {
      const table = data.table(database, command.required('TableName'));
      await data.setPolicy(table.database, table.name, 'update', null);
      return [tableRow(title, table, undefined)];
    },
  },
];
