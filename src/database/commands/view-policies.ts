import type { Policies } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import { withoutSecurity } from '../catalog/views.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { tablesOf } from '../../kql/plan/walk.ts';
import { requireNoAutomatedReader } from './automated-readers.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { readPartitioning } from './layout-policies.ts';
import { policyColumns } from './policy-commands.ts';
import { policyText } from './policy-json.ts';
import type { ReadPolicy } from './policy-values.ts';
import { readCaching, readMerge, readRetention } from './policy-values.ts';
import { readableCatalog } from './readable-catalog.ts';
import { readRowLevelSecurity } from './security-policies.ts';

/** A policy that a materialized view can have; the texts are examples as for policies of tables, and patterns for what the parser does
 * not know. */
interface ViewPolicy<Name extends keyof Policies> {
  readonly name: Name;
  readonly title: string;
  readonly value: string;
  readonly merged?: string;
  readonly alterPattern?: string;
  readonly mergePattern?: string;
  readonly deletePattern?: true;
  readonly read: ReadPolicy<Name>;
  readonly check?: (policy: NonNullable<Policies[Name]>, view: ViewRecord, context: CommandContext) => Promise<void>;
}

const viewNamed = (command: Command, { data, database }: CommandContext): ViewRecord =>
  data.materializedView(database, command.required('MaterializedViewName'));

const policyRow = (title: string, { name }: ViewRecord, database: string, policy: unknown): Row => [
  ...[`${title}Policy`, `[${database}].[${name}]`, policyText(policy), '', 'MaterializedView'],
];

function policyRows<Name extends keyof Policies>(policy: ViewPolicy<Name>): readonly CommandRow[] {
  const { name, title, value, merged, read, check, alterPattern, mergePattern, deletePattern } = policy;
  const example = (text: string, pattern: string | undefined): CommandRow['kinds'][string] =>
    pattern === undefined ? text : [text, pattern];
  // Whoever administers the view alone must not show by it what its source hides.
  const permission = name === 'row_level_security' ? 'admin' : 'viewAdmin';
  const change: CommandRow['run'] = async (command, context) => {
    const view = viewNamed(command, context);
    const next = read(command, view.policies[name]);
    await check?.(next, view, context);
    await context.data.setMaterializedViewPolicy(context.database, view.name, name, next);
    return [policyRow(title, view, context.database, next)];
  };
  return [
    {
      kinds: { [`ShowMaterializedViewPolicy${title}`]: `.show materialized-view V policy ${name}` },
      permission: 'metadata',
      columns: policyColumns,
      run: (command, context) => {
        const view = viewNamed(command, context);
        return [policyRow(title, view, context.database, view.policies[name])];
      },
    },
    {
      kinds: {
        [`AlterMaterializedViewPolicy${title}`]: example(
          `.alter materialized-view V policy ${name} ${value}`,
          alterPattern,
        ),
      },
      permission,
      columns: policyColumns,
      run: change,
    },
    ...(merged === undefined
      ? []
      : [
          {
            kinds: {
              [`AlterMergeMaterializedViewPolicy${title}`]: example(
                `.alter-merge materialized-view V policy ${name} ${merged}`,
                mergePattern,
              ),
            },
            permission: 'admin' as const,
            columns: policyColumns,
            run: change,
          },
        ]),
    {
      kinds: {
        [`DeleteMaterializedViewPolicy${title}`]: example(
          `.delete materialized-view V policy ${name}`,
          deletePattern && `delete materialized-view {MaterializedViewName} policy ${name}`,
        ),
      },
      permission,
      columns: policyColumns,
      run: async (command, context) => {
        const view = viewNamed(command, context);
        await context.data.setMaterializedViewPolicy(context.database, view.name, name, null);
        return [policyRow(title, view, context.database, undefined)];
      },
    },
  ];
}

/** Its query gives rows like the view's, of this database. Of a view that does not take its values from single rows it may read the groups
 * only. @throws DataError `InvalidPolicy` @see Kusto "Materialized views policies" */
async function checkRowLevelSecurity(
  policy: NonNullable<Policies['row_level_security']>,
  { name, view }: ViewRecord,
  context: CommandContext,
): Promise<void> {
  const { engine, database } = context;
  const invalid = (text: string): Error => dataError('InvalidPolicy', text);
  try {
    const catalog = withoutSecurity(readableCatalog(context));
    const program = await engine.programOf({ text: policy.Query, database, catalog }).compile([]);
    const [result, ...others] = program.results;
    if (result === undefined || others.length > 0 || program.parameters.length > 0)
      throw invalid('The query of the row level security policy has exactly one result and no parameters.');
    if (tablesOf(program).some((table) => table.database !== database))
      throw invalid('The query of the row level security policy may read its own database only.');
    const columns = (of: typeof view.columns): string =>
      of
        .map((column) => `${column.name}:${column.type}`)
        .toSorted()
        .join();
    if (columns(result.plan.cols) !== columns(view.columns))
      throw invalid(
        `The query of the row level security policy gives other columns (${columns(result.plan.cols)}) than the materialized view '${name}' has (${columns(view.columns)}).`,
      );
  } catch (error) {
    if (!(error instanceof KqlError) || error.code === 'internal') throw error;
    throw invalid(`The query of the row level security policy is not valid: ${error.message}`);
  }
  await requireNoAutomatedReader(policy, name, context);
}

const mergePatterns = (verb: string): string =>
  `${verb} materialized-view {MaterializedViewName} policy merge {MergePolicy}`;

/** @see Kusto "Materialized views policies" */
export const viewPolicyCommands: readonly CommandRow[] = [
  ...policyRows({
    ...{ name: 'caching', title: 'Caching', read: readCaching, value: 'hot = 7d' },
  }),
  ...policyRows({
    ...{ name: 'retention', title: 'Retention', read: readRetention },
    value: `'{"SoftDeletePeriod": "30.00:00:00"}'`,
    merged: 'softdelete = 10d',
    deletePattern: true,
  }),
  ...policyRows({
    ...{ name: 'merge', title: 'Merge', read: readMerge },
    value: `'{"RowCountUpperBoundForMerge": 16000000}'`,
    merged: `'{"MaxExtentsToMerge": 100}'`,
    alterPattern: mergePatterns('alter'),
    mergePattern: mergePatterns('alter-merge'),
    deletePattern: true,
  }),
  ...policyRows({
    ...{ name: 'partitioning', title: 'Partitioning', read: readPartitioning },
    value: `'{"PartitionKeys": [{"ColumnName": "A", "Kind": "UniformRange", "Properties": {"Reference": "1970-01-01T00:00:00", "RangeSize": "1.00:00:00", "OverrideCreationTime": false}}]}'`,
    merged: `'{"EffectiveDateTime": "2026-01-01"}'`,
  }),
  ...policyRows({
    ...{ name: 'row_level_security', title: 'RowLevelSecurity', read: readRowLevelSecurity },
    value: 'enable "V | where A > 0"',
    check: checkRowLevelSecurity,
  }),
];
