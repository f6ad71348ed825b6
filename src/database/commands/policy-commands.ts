import type { DatabaseView, Policies, TableView } from '../catalog/catalog-view.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { databasePolicies, policyText } from './policy-json.ts';
import type { ReadPolicy } from './policy-values.ts';
import { readBatching, readCaching, readMerge, readRetention, readSharding, readStreaming } from './policy-values.ts';

const columns = 'PolicyName: string, EntityName: string, Policy: string, ChildEntities: string, EntityType: string';

/** The policies that can be set. `title`: in the parser's names of commands; `shown`: as the service calls them. */
interface PolicyRow<Name extends keyof Policies> {
  readonly name: Name;
  readonly title: string;
  readonly shown: string;
  readonly read: ReadPolicy<Name>;
}

/** Policies that nobody can set here, so that each is always `null`, or what is always so. Setting one is refused by name. */
const always: Readonly<Record<string, unknown>> = { IngestionTime: { IsEnabled: true } };
const unsettable = [
  ...[
    'IngestionTime',
    'RowLevelSecurity',
    'RowOrder',
    'Update',
    'Partitioning',
    'RestrictedViewAccess',
    'AutoDelete',
    'Encoding',
  ],
  ...['ExtentTagsRetention', 'ManagedIdentity', 'Mirroring'],
] as const;

function tableRow(shown: string, table: TableView, policy: unknown): Row {
  return [shown, `[${table.database}].[${table.name}]`, policyText(policy), '', 'Table'];
}

function databaseRow(shown: string, database: DatabaseView, policy: unknown): Row {
  return [
    shown,
    `[${database.name}]`,
    policyText(policy),
    JSON.stringify([...database.tables.keys()], undefined, 2),
    'Database',
  ];
}

/** All commands about one policy: long and short forms, on a table, several tables, a database. */
function policyRows<Name extends keyof Policies>({ name, title, shown, read }: PolicyRow<Name>): CommandRow[] {
  const tables = (command: Command, { data, database }: CommandContext): readonly TableView[] =>
    command.all('TableName').map((table) => data.table(database, table));
  const one = (command: Command, context: CommandContext): DatabaseView =>
    context.data.database(command.databaseName(context));

  const alterTables = async (command: Command, context: CommandContext): Promise<readonly Row[]> => {
    // All names and values are looked at before the first change.
    const changes = tables(command, context).map((table) => ({ table, policy: read(command, table.policies[name]) }));
    for (const { table, policy } of changes) await context.data.setPolicy(table.database, table.name, name, policy);
    return changes.map(({ table, policy }) => tableRow(shown, table, policy));
  };
  const alterDatabase = async (command: Command, context: CommandContext): Promise<readonly Row[]> => {
    const database = one(command, context);
    const policy = read(command, databasePolicies(database, context)[name]);
    await context.data.setPolicy(database.name, undefined, name, policy);
    return [databaseRow(shown, database, policy)];
  };

  return [
    {
      kinds: [`ShowTablePolicy${title}`],
      permission: 'metadata',
      columns,
      run: (command, context) => tables(command, context).map((table) => tableRow(shown, table, table.policies[name])),
    },
    {
      kinds: [`ShowTableStarPolicy${title}`],
      permission: 'metadata',
      columns,
      run: (_command, { data, database }) =>
        [...data.database(database).tables.values()].map((table) => tableRow(shown, table, table.policies[name])),
    },
    {
      kinds: [`ShowDatabasePolicy${title}`],
      permission: 'metadata',
      columns,
      run: (command, context) => {
        const database = one(command, context);
        return [databaseRow(shown, database, databasePolicies(database, context)[name])];
      },
    },
    {
      kinds: [`AlterTablePolicy${title}`, `AlterTablesPolicy${title}`, `AlterMergeTablePolicy${title}`],
      permission: 'admin',
      columns,
      run: alterTables,
    },
    {
      kinds: [`AlterDatabasePolicy${title}`, `AlterMergeDatabasePolicy${title}`],
      permission: 'admin',
      columns,
      run: alterDatabase,
    },
    {
      kinds: [`DeleteTablePolicy${title}`],
      permission: 'admin',
      columns,
      run: async (command, context) => {
        const found = tables(command, context);
        for (const table of found) await context.data.setPolicy(table.database, table.name, name, null);
        return found.map((table) => tableRow(shown, table, undefined));
      },
    },
    {
      kinds: [`DeleteDatabasePolicy${title}`],
      permission: 'admin',
      columns,
      run: async (command, context) => {
        const database = one(command, context);
        await context.data.setPolicy(database.name, undefined, name, null);
        return [databaseRow(shown, database, undefined)];
      },
    },
  ];
}

function unsettableRows(title: string): CommandRow[] {
  const shown = `${title}Policy`;
  return [
    {
      kinds: [`ShowTablePolicy${title}`],
      permission: 'metadata',
      columns,
      run: (command, { data, database }) => [
        tableRow(shown, data.table(database, command.required('TableName')), always[title]),
      ],
    },
    {
      kinds: [`ShowTableStarPolicy${title}`],
      permission: 'metadata',
      columns,
      run: (_command, { data, database }) =>
        [...data.database(database).tables.values()].map((table) => tableRow(shown, table, always[title])),
    },
    {
      kinds: [`ShowDatabasePolicy${title}`],
      permission: 'metadata',
      columns,
      run: (command, context) => [databaseRow(shown, context.data.database(command.databaseName(context)), undefined)],
    },
  ];
}

/** @see Kusto "Policies overview" and the page of each */
export const policyCommands: readonly CommandRow[] = [
  ...policyRows({ name: 'retention', title: 'Retention', shown: 'RetentionPolicy', read: readRetention }),
  ...policyRows({ name: 'caching', title: 'Caching', shown: 'CachingPolicy', read: readCaching }),
  ...policyRows({
    name: 'streamingingestion',
    title: 'StreamingIngestion',
    shown: 'StreamingIngestionPolicy',
    read: readStreaming,
  }),
  ...policyRows({ name: 'merge', title: 'Merge', shown: 'MergePolicy', read: readMerge }),
  ...policyRows({ name: 'sharding', title: 'Sharding', shown: 'ShardingPolicy', read: readSharding }),
  ...policyRows({
    name: 'ingestionbatching',
    title: 'IngestionBatching',
    shown: 'IngestionBatchingPolicy',
    read: readBatching,
  }),
  ...unsettable.flatMap(unsettableRows),
  {
    // The parser takes `true` only, which is always so.
    kinds: ['AlterTablePolicyIngestionTime'],
    permission: 'admin',
    columns,
    run: (command, { data, database }) => [
      tableRow('IngestionTimePolicy', data.table(database, command.required('TableName')), always['IngestionTime']),
    ],
  },
];
