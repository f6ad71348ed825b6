import type { DatabaseView, Policies, TableView } from '../catalog/catalog-view.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { oneDatabase } from './database-commands.ts';
import { databasePolicies, policyText } from './policy-json.ts';
import type { ReadPolicy } from './policy-values.ts';
import { checkAutoDelete, readAutoDelete, readTagRetention } from './aging-policies.ts';
import { encodingPolicyCommands } from './encoding-policies.ts';
import { checkPartitioning, checkRowOrder, readPartitioning, readRowOrder } from './layout-policies.ts';
import { readBatching, readCaching, readMerge, readRetention, readSharding, readStreaming } from './policy-values.ts';
import type { SettingPolicy } from '../catalog/setting-changes.ts';
import {
  checkRowLevelSecurity,
  howRowLevelSecurity,
  readRestrictedViewAccess,
  readRowLevelSecurity,
} from './security-policies.ts';

export const policyColumns =
  'PolicyName: string, EntityName: string, Policy: string, ChildEntities: string, EntityType: string';

/** A policy that can be set. */
interface PolicyRow<Name extends keyof Policies> {
  /** As the text of commands has it. */
  readonly name: Name;
  /** As the parser's names of commands have it. */
  readonly title: string;
  /** For the examples, as `.alter` takes it; `merged`, as `.alter-merge` does. */
  readonly value: string;
  readonly merged?: string;
  /** Of `.alter table` in forms that the parser does not know. */
  readonly forms?: CommandRow['kinds'];
  /** Commands that the service has for other policies only. */
  readonly lacks?: readonly string[];
  readonly read: ReadPolicy<Name>;
  /** Absent: a table's administrators set it. */
  readonly alterNeeds?: CommandRow['permission'];
  /** What `with (…)` says of setting it. */
  readonly how?: (command: Command) => SettingPolicy;
  /** What only the table and its database can tell of a new value. */
  readonly check?: (policy: NonNullable<Policies[Name]>, table: TableView, context: CommandContext) => Promise<void>;
}

export function tableRow(title: string, table: TableView, policy: unknown): Row {
  return [`${title}Policy`, `[${table.database}].[${table.name}]`, policyText(policy), '', 'Table'];
}

function databaseRow(title: string, database: DatabaseView, policy: unknown): Row {
  return [
    `${title}Policy`,
    `[${database.name}]`,
    policyText(policy),
    JSON.stringify([...database.tables.keys()], undefined, 2),
    'Database',
  ];
}

export const namedTables = (command: Command, { data, database }: CommandContext): readonly TableView[] =>
  command.all('TableName').map((table) => data.table(database, table));

export function showRows(
  name: string,
  title: string,
  ofTable: (table: TableView) => unknown,
  ofDatabase: (database: DatabaseView, context: CommandContext) => unknown,
): CommandRow[] {
  return [
    {
      kinds: { [`ShowTablePolicy${title}`]: `.show table T policy ${name}` },
      permission: 'metadata',
      columns: policyColumns,
      run: (command, context) => namedTables(command, context).map((table) => tableRow(title, table, ofTable(table))),
    },
    {
      kinds: { [`ShowTableStarPolicy${title}`]: `.show table * policy ${name}` },
      permission: 'metadata',
      columns: policyColumns,
      run: (_command, { data, database }) =>
        [...data.database(database).tables.values()].map((table) => tableRow(title, table, ofTable(table))),
    },
    {
      kinds: { [`ShowDatabasePolicy${title}`]: `.show database D policy ${name}` },
      permission: 'metadata',
      columns: policyColumns,
      run: (command, context) => {
        const database = oneDatabase(command, context);
        return [databaseRow(title, database, ofDatabase(database, context))];
      },
    },
  ];
}

/** All commands about one policy: long and short forms, on a table, several tables, a database. */
function policyRows<Name extends keyof Policies>(row: PolicyRow<Name>): readonly CommandRow[] {
  const { name, title, value, merged = value, forms = {}, lacks = [], read, check, how } = row;
  const alterTables = async (command: Command, context: CommandContext): Promise<readonly Row[]> => {
    // All names and values are looked at before the first change.
    const changes = namedTables(command, context).map((table) => ({
      table,
      policy: read(command, table.policies[name]),
    }));
    for (const { table, policy } of changes) await check?.(policy, table, context);
    for (const { table, policy } of changes)
      await context.data.setPolicy(table.database, table.name, name, policy, how?.(command));
    return changes.map(({ table, policy }) => tableRow(title, table, policy));
  };
  const alterDatabase = async (command: Command, context: CommandContext): Promise<readonly Row[]> => {
    const database = oneDatabase(command, context);
    const policy = read(command, databasePolicies(database, context)[name]);
    await context.data.setPolicy(database.name, undefined, name, policy);
    return [databaseRow(title, database, policy)];
  };

  const rows: readonly CommandRow[] = [
    ...showRows(
      name,
      title,
      (table) => table.policies[name],
      (database, context) => databasePolicies(database, context)[name],
    ),
    {
      kinds: {
        [`AlterTablePolicy${title}`]: `.alter table T policy ${name} ${value}`,
        [`AlterTablesPolicy${title}`]: `.alter tables (T, U) policy ${name} ${value}`,
        [`AlterMergeTablePolicy${title}`]: `.alter-merge table T policy ${name} ${merged}`,
        ...forms,
      },
      permission: row.alterNeeds ?? 'tableAdmin',
      columns: policyColumns,
      run: alterTables,
    },
    {
      kinds: {
        [`AlterDatabasePolicy${title}`]: `.alter database D policy ${name} ${value}`,
        [`AlterMergeDatabasePolicy${title}`]: `.alter-merge database D policy ${name} ${merged}`,
      },
      permission: 'admin',
      columns: policyColumns,
      run: alterDatabase,
    },
    {
      kinds: { [`DeleteTablePolicy${title}`]: `.delete table T policy ${name}` },
      permission: 'tableAdmin',
      columns: policyColumns,
      run: async (command, context) => {
        const found = namedTables(command, context);
        for (const table of found) await context.data.setPolicy(table.database, table.name, name, null);
        return found.map((table) => tableRow(title, table, undefined));
      },
    },
    {
      kinds: { [`DeleteDatabasePolicy${title}`]: `.delete database D policy ${name}` },
      permission: 'admin',
      columns: policyColumns,
      run: async (command, context) => {
        const database = oneDatabase(command, context);
        await context.data.setPolicy(database.name, undefined, name, null);
        return [databaseRow(title, database, undefined)];
      },
    },
  ];
  return without(rows, lacks);
}

export function without(rows: readonly CommandRow[], lacks: readonly string[]): readonly CommandRow[] {
  return rows.flatMap((row) => {
    const kinds = Object.entries(row.kinds).filter(([kind]) => !lacks.includes(kind));
    return kinds.length === 0 ? [] : [{ ...row, kinds: Object.fromEntries(kinds) }];
  });
}

const onDatabases = (title: string): readonly string[] =>
  ['Show', 'Alter', 'AlterMerge', 'Delete'].map((verb) => `${verb}DatabasePolicy${title}`);

/** @see Kusto "Policies overview" and the page of each */
export const policyCommands: readonly CommandRow[] = [
  ...policyRows({
    ...{ name: 'retention', title: 'Retention', read: readRetention },
    value: `'{"SoftDeletePeriod": "30.00:00:00"}'`,
  }),
  ...policyRows({
    ...{ name: 'caching', title: 'Caching', read: readCaching },
    value: 'hot = 7d',
    lacks: ['AlterMergeTablePolicyCaching', 'AlterMergeDatabasePolicyCaching'],
  }),
  ...policyRows({
    ...{ name: 'streamingingestion', title: 'StreamingIngestion', read: readStreaming },
    value: 'enable',
    merged: `'{"IsEnabled": true}'`,
    lacks: ['ShowTableStarPolicyStreamingIngestion', 'AlterTablesPolicyStreamingIngestion'],
  }),
  ...policyRows({
    ...{ name: 'merge', title: 'Merge', read: readMerge },
    value: `'{"RowCountUpperBoundForMerge": 16000000}'`,
  }),
  ...policyRows({
    ...{ name: 'sharding', title: 'Sharding', read: readSharding },
    value: `'{"MaxRowCount": 1048576}'`,
    lacks: ['AlterTablesPolicySharding'],
  }),
  ...policyRows({
    ...{ name: 'ingestionbatching', title: 'IngestionBatching', read: readBatching },
    value: `'{"MaximumBatchingTimeSpan": "00:01:00"}'`,
  }),
  ...policyRows({
    ...{
      name: 'row_level_security',
      title: 'RowLevelSecurity',
      read: readRowLevelSecurity,
      check: checkRowLevelSecurity,
      how: howRowLevelSecurity,
    },
    value: 'enable "T | where A > 0"',
    lacks: [
      ...onDatabases('RowLevelSecurity'),
      'AlterTablesPolicyRowLevelSecurity',
      'AlterMergeTablePolicyRowLevelSecurity',
    ],
  }),
  ...policyRows({
    ...{ name: 'roworder', title: 'RowOrder', read: readRowOrder, check: checkRowOrder },
    value: '(A asc)',
    forms: {
      AlterMergeTablesPolicyRowOrder: [
        '.alter-merge tables (T, U) policy roworder (A asc)',
        'alter-merge tables {TableName,} policy roworder {ColumnName,}',
      ],
    },
    lacks: onDatabases('RowOrder'),
  }),
  ...policyRows({
    ...{
      name: 'partitioning',
      title: 'Partitioning',
      read: readPartitioning,
      check: checkPartitioning,
      alterNeeds: 'admin',
    },
    value: `'{"PartitionKeys": [{"ColumnName": "B", "Kind": "Hash", "Properties": {"Function": "XxHash64", "MaxPartitionCount": 128}}]}'`,
    merged: `'{"EffectiveDateTime": "2026-01-01"}'`,
    lacks: [...onDatabases('Partitioning'), 'AlterTablesPolicyPartitioning'],
  }),
  ...policyRows({
    ...{ name: 'restricted_view_access', title: 'RestrictedViewAccess', read: readRestrictedViewAccess },
    value: 'true',
    lacks: [...onDatabases('RestrictedViewAccess'), 'AlterMergeTablePolicyRestrictedViewAccess'],
  }),
  ...policyRows({
    ...{ name: 'auto_delete', title: 'AutoDelete', read: readAutoDelete, check: checkAutoDelete },
    value: `'{"ExpiryDate": "2099-06-01", "DeleteIfNotEmpty": true}'`,
    lacks: [
      ...onDatabases('AutoDelete'),
      ...['ShowTableStarPolicyAutoDelete', 'AlterTablesPolicyAutoDelete', 'AlterMergeTablePolicyAutoDelete'],
    ],
  }),
  ...policyRows({
    ...{ name: 'extent_tags_retention', title: 'ExtentTagsRetention', read: readTagRetention },
    value: `'[{"TagPrefix": "drop-by:", "RetentionPeriod": "3.00:00:00"}]'`,
    lacks: ['Tables', 'MergeTable', 'MergeDatabase'].map((what) => `Alter${what}PolicyExtentTagsRetention`),
  }),
  ...encodingPolicyCommands,
  // Nobody can set it here, so that it is always `null`. Setting it is refused by name.
  ...showRows(
    'mirroring',
    'Mirroring',
    () => undefined,
    () => undefined,
  ).slice(0, 2),
];
