import type { DatabaseView, TableView } from '../catalog/catalog-view.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOrNull } from './instants.ts';
import { effectivePolicies, policyText } from './policy-json.ts';
import { principalsJson } from './principal-commands.ts';
import { clrTypes } from './schema-text.ts';
import { tableRow } from './table-commands.ts';

const detailColumns = [
  'TableName: string, DatabaseName: string, Folder: string, DocString: string, TotalExtents: long, TotalExtentSize: real',
  'TotalOriginalSize: real, TotalRowCount: long, HotExtents: long, HotExtentSize: real, HotOriginalSize: real, HotRowCount: long',
  'AuthorizedPrincipals: string, RetentionPolicy: string, CachingPolicy: string, ShardingPolicy: string, MergePolicy: string',
  'StreamingIngestionPolicy: string, IngestionBatchingPolicy: string, MinExtentsCreationTime: datetime',
  'MaxExtentsCreationTime: datetime, RowOrderPolicy: string, TableId: guid',
].join(', ');

function detailRow(table: TableView, database: DatabaseView, context: CommandContext): Row {
  const statistics = context.data.tableStatistics(database.name, table.name);
  const policies = effectivePolicies(table, database, context);
  const hotShare = statistics.extentBytes === 0 ? 0 : statistics.hotExtentBytes / statistics.extentBytes;
  return [
    ...tableRow(table),
    BigInt(statistics.extentCount),
    statistics.extentBytes,
    statistics.originalBytes,
    BigInt(statistics.rowCount),
    BigInt(statistics.hotExtentCount),
    statistics.hotExtentBytes,
    Math.round(statistics.originalBytes * hotShare),
    BigInt(statistics.hotRowCount),
    principalsJson(database.databaseId, context),
    policyText(policies.retention),
    policyText(policies.caching),
    policyText(policies.sharding),
    policyText(policies.merge),
    policyText(policies.streamingingestion),
    policyText(policies.ingestionbatching),
    ticksOrNull(statistics.minCreatedOn),
    ticksOrNull(statistics.maxCreatedOn),
    'null',
    table.tableId,
  ];
}

/** The tables it names, each of which must exist, or all. */
function namedTables(command: Command, { data, database }: CommandContext): readonly TableView[] {
  const names = command.all('TableName');
  return names.length === 0
    ? [...data.database(database).tables.values()]
    : names.map((name) => data.table(database, name));
}

/** @see Kusto ".show tables", ".show table details" */
export const showTableCommands: readonly CommandRow[] = [
  {
    kinds: { ShowTables: ['.show tables', 'show tables'] },
    parsed: true,
    permission: 'metadata',
    columns: 'TableName: string, DatabaseName: string, Folder: string, DocString: string',
    run: (command, context) => namedTables(command, context).map(tableRow),
  },
  {
    kinds: {
      ShowTablesDetails: ['.show tables details', 'show tables details'],
      ShowTableDetails: ['.show table T details', 'show table {TableName} details'],
    },
    parsed: true,
    permission: 'metadata',
    columns: detailColumns,
    run: (command, context) => {
      const database = context.data.database(context.database);
      return namedTables(command, context).map((table) => detailRow(table, database, context));
    },
  },
  {
    kinds: { ShowTable: '.show table T' },
    permission: 'metadata',
    columns:
      'AttributeName: string, AttributeType: string, ExtentSize: long, CompressionRatio: real, IndexSize: long, IndexSizePercent: real, OriginalSize: long, AttributeId: guid, SharedIndexSize: long, StorageEngineVersion: string',
    run: (command, { data, database }) => {
      const table = data.table(database, command.required('TableName'));
      // Sizes are told by .show table data statistics, which reads for that.
      return table.columns.map(({ name, type }) => [
        name,
        clrTypes[type],
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        '',
      ]);
    },
  },
];
