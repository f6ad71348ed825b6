import type { DatabaseView } from '../catalog/catalog-view.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { isAllowed, requirePermission } from './permissions.ts';
import { databasePolicies, policyText } from './policy-json.ts';
import { principalsJson } from './principal-commands.ts';
import { clrTypes, cslSchema, databaseJson, quotedName } from './schema-text.ts';

const databaseColumns =
  'DatabaseName: string, PersistentStorage: string, Version: string, IsCurrent: bool, DatabaseAccessMode: string, PrettyName: string, ReservedSlot1: bool, DatabaseId: guid, InTransitionTo: string, SuspensionState: string';
const detailColumns =
  'DatabaseName: string, PersistentStorage: string, Version: string, IsCurrent: bool, DatabaseAccessMode: string, PrettyName: string, AuthorizedPrincipals: string, RetentionPolicy: string, MergePolicy: string, ReservedSlot1: string, CachingPolicy: string, ShardingPolicy: string, StreamingIngestionPolicy: string, IngestionBatchingPolicy: string, TotalSize: real, DatabaseId: guid, InTransitionTo: string';
const identityColumns =
  'DatabaseName: string, PersistentStorage: string, Version: string, IsCurrent: bool, DatabaseAccessMode: string, PrettyName: string, CurrentUserIsUnrestrictedViewer: bool, DatabaseId: guid, InTransitionTo: string';
const policyColumns =
  'DatabaseName: string, PersistentStorage: string, Version: string, IsCurrent: bool, DatabaseAccessMode: string, PrettyName: string, DatabaseId: guid, AuthorizedPrincipals: string, RetentionPolicy: string, MergePolicy: string, CachingPolicy: string, ShardingPolicy: string, StreamingIngestionPolicy: string, IngestionBatchingPolicy: string';
const schemaColumns =
  'DatabaseName: string, TableName: string, ColumnName: string, ColumnType: string, IsDefaultTable: bool, IsDefaultColumn: bool, PrettyName: string, Version: string, Folder: string, DocString: string';

const versionOf = ({ schemaVersion }: DatabaseView): string => `v1.${schemaVersion}`;

/** Name to access mode, as all of these tables begin. */
function head(database: DatabaseView, context: CommandContext): Row {
  const isCurrent = database.name.toLowerCase() === context.database.toLowerCase();
  return [database.name, '', versionOf(database), isCurrent, 'ReadWrite', ''];
}

/** All that the caller may know of. */
export const visibleDatabases = (context: CommandContext): readonly DatabaseView[] =>
  context.data
    .databases()
    .filter(({ name }) => isAllowed(context, 'metadata', name) || isAllowed(context, 'ingest', name));

const databaseRow = (database: DatabaseView, context: CommandContext): Row => [
  ...head(database, context),
  null,
  database.databaseId,
  '',
  '',
];

function detailRow(database: DatabaseView, context: CommandContext): Row {
  const policies = databasePolicies(database, context);
  const sizes = [...database.tables.keys()].map(
    (table) => context.data.tableStatistics(database.name, table).extentBytes,
  );
  return [
    ...head(database, context),
    principalsJson(database.databaseId, context),
    policyText(policies.retention),
    policyText(policies.merge),
    '',
    policyText(policies.caching),
    policyText(policies.sharding),
    policyText(policies.streamingingestion),
    policyText(policies.ingestionbatching),
    sizes.reduce((sum, size) => sum + size, 0),
    database.databaseId,
    '',
  ];
}

function identityRow(database: DatabaseView, context: CommandContext): Row {
  const roles = context.databases.find(({ databaseId }) => databaseId === database.databaseId)?.roles ?? [];
  const unrestricted = roles.includes('UnrestrictedViewer') || isAllowed(context, 'admin', database.name);
  return [...head(database, context), unrestricted, database.databaseId, ''];
}

function policyRow(database: DatabaseView, context: CommandContext): Row {
  const policies = databasePolicies(database, context);
  const { retention, merge, caching, sharding, streamingingestion, ingestionbatching } = policies;
  return [
    ...head(database, context),
    database.databaseId,
    principalsJson(database.databaseId, context),
    ...[retention, merge, caching, sharding, streamingingestion, ingestionbatching].map(policyText),
  ];
}

/** Those that the command names, each of which the caller must be allowed to see, or all that he may. */
function namedDatabases(command: Command, context: CommandContext): readonly DatabaseView[] {
  const names = [...command.all('DatabaseName'), ...command.all('databaseName')];
  if (names.length === 0) return visibleDatabases(context).filter(({ name }) => isAllowed(context, 'metadata', name));
  return names.map((name) => {
    const database = context.data.database(name);
    requirePermission(context, 'metadata', database.name, command.kind);
    return database;
  });
}

/** One row for the database, one for each table, one for each column. */
function schemaRows(database: DatabaseView): Row[] {
  const rows: Row[] = [[database.name, '', '', '', false, false, '', versionOf(database), '', '']];
  for (const table of database.tables.values()) {
    rows.push([database.name, table.name, '', '', false, false, '', '', table.folder, table.docstring]);
    for (const { name, type, docstring } of table.columns) {
      rows.push([database.name, table.name, name, clrTypes[type], false, false, '', '', '', docstring]);
    }
  }
  return rows;
}

const one = (command: Command, context: CommandContext): DatabaseView =>
  context.data.database(command.databaseName(context));

function schemaJson(databases: readonly DatabaseView[]): string {
  return JSON.stringify({
    Databases: Object.fromEntries(databases.map((database) => [database.name, databaseJson(database)])),
  });
}

/** `if_later_than "v1.2"`: nothing when the client has this version already. */
function isNews(command: Command, database: DatabaseView): boolean {
  const known = /^v?(\d+)\.(\d+)$/.exec(command.optional('Version') ?? '');
  return (
    known === null || Number(known[1]) < 1 || (Number(known[1]) === 1 && Number(known[2]) < database.schemaVersion)
  );
}

function scriptOf(database: DatabaseView): string[] {
  const texts = (folder: string, docstring: string): string => {
    const given = [
      ...(folder === '' ? [] : [`folder=${JSON.stringify(folder)}`]),
      ...(docstring === '' ? [] : [`docstring=${JSON.stringify(docstring)}`]),
    ];
    return given.length === 0 ? '' : ` with (${given.join(', ')})`;
  };
  return [
    ...[...database.tables.values()].map((table) => {
      const after = texts(table.folder, table.docstring);
      return `.create-merge table ${quotedName(table.name)} (${cslSchema(table.columns).replaceAll(',', ', ')})${after}`;
    }),
    ...[...database.functions.values()].map((fn) => {
      return `.create-or-alter function${texts(fn.folder, fn.docstring)} ${quotedName(fn.name)}${fn.parameters} ${fn.body}`;
    }),
  ];
}

/** @see Kusto ".show databases", ".show database schema" */
export const databaseCommands: readonly CommandRow[] = [
  {
    kinds: ['ShowClusterDatabases'],
    permission: 'anyone',
    columns: databaseColumns,
    run: (_command, context) => visibleDatabases(context).map((database) => databaseRow(database, context)),
  },
  {
    kinds: ['ShowDatabase'],
    permission: 'metadata',
    columns: databaseColumns,
    run: (command, context) => [databaseRow(one(command, context), context)],
  },
  {
    kinds: ['ShowClusterDatabasesDetails'],
    permission: 'anyone',
    columns: detailColumns,
    run: (command, context) => namedDatabases(command, context).map((database) => detailRow(database, context)),
  },
  {
    kinds: ['ShowDatabaseDetails'],
    permission: 'metadata',
    columns: detailColumns,
    run: (command, context) => [detailRow(one(command, context), context)],
  },
  {
    kinds: ['ShowClusterDatabasesIdentity'],
    permission: 'anyone',
    columns: identityColumns,
    run: (_command, context) => visibleDatabases(context).map((database) => identityRow(database, context)),
  },
  {
    kinds: ['ShowDatabaseIdentity'],
    permission: 'metadata',
    columns: identityColumns,
    run: (command, context) => [identityRow(one(command, context), context)],
  },
  {
    kinds: ['ShowClusterDatabasesPolicies'],
    permission: 'anyone',
    columns: policyColumns,
    run: (command, context) => namedDatabases(command, context).map((database) => policyRow(database, context)),
  },
  {
    kinds: ['ShowDatabasePolicies'],
    permission: 'metadata',
    columns: policyColumns,
    run: (command, context) => [policyRow(one(command, context), context)],
  },
  {
    kinds: ['ShowDatabasesSchema'],
    permission: 'anyone',
    columns: schemaColumns,
    run: (command, context) => namedDatabases(command, context).flatMap(schemaRows),
  },
  {
    kinds: ['ShowDatabaseSchema'],
    permission: 'metadata',
    columns: schemaColumns,
    run: (command, context) => {
      const database = one(command, context);
      return isNews(command, database) ? schemaRows(database) : [];
    },
  },
  {
    kinds: ['ShowDatabasesSchemaAsJson'],
    permission: 'anyone',
    columns: 'DatabaseSchema: string',
    run: (command, context) => [[schemaJson(namedDatabases(command, context))]],
  },
  {
    kinds: ['ShowDatabaseSchemaAsJson'],
    permission: 'metadata',
    columns: 'DatabaseSchema: string',
    run: (command, context) => {
      const database = one(command, context);
      return isNews(command, database) ? [[schemaJson([database])]] : [];
    },
  },
  {
    kinds: ['ShowDatabaseSchemaAsCslScript'],
    permission: 'metadata',
    columns: 'DatabaseSchemaScript: string',
    run: (command, context) => scriptOf(one(command, context)).map((line) => [line]),
  },
  {
    kinds: ['ShowDatabaseCslSchema'],
    permission: 'metadata',
    columns: 'TableName: string, Schema: string, DatabaseName: string, Folder: string, DocString: string',
    run: (command, context) =>
      [...one(command, context).tables.values()].map((table) => [
        ...[table.name, cslSchema(table.columns), table.database, table.folder, table.docstring],
      ]),
  },
  {
    kinds: ['ShowSchema'],
    permission: 'anyone',
    columns: 'ClusterSchema: string',
    run: (command, context) => [[schemaJson(namedDatabases(command, context))]],
  },
];
