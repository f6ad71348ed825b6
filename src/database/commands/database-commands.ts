import { hasKustoRight } from '../../authz/kusto-roles.ts';
import type { DatabaseView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { accessById, isAllowed, requirePermission } from './permissions.ts';
import { databasePolicies, policyText } from './policy-json.ts';
import { principalsJson } from './principal-commands.ts';

const databaseColumns =
  'DatabaseName: string, PersistentStorage: string, Version: string, IsCurrent: bool, DatabaseAccessMode: string, PrettyName: string, ReservedSlot1: bool, DatabaseId: guid, InTransitionTo: string, SuspensionState: string';
const detailColumns =
  'DatabaseName: string, PersistentStorage: string, Version: string, IsCurrent: bool, DatabaseAccessMode: string, PrettyName: string, AuthorizedPrincipals: string, RetentionPolicy: string, MergePolicy: string, ReservedSlot1: string, CachingPolicy: string, ShardingPolicy: string, StreamingIngestionPolicy: string, IngestionBatchingPolicy: string, TotalSize: real, DatabaseId: guid, InTransitionTo: string';
const identityColumns =
  'DatabaseName: string, PersistentStorage: string, Version: string, IsCurrent: bool, DatabaseAccessMode: string, PrettyName: string, CurrentUserIsUnrestrictedViewer: bool, DatabaseId: guid, InTransitionTo: string';
const policyColumns =
  'DatabaseName: string, PersistentStorage: string, Version: string, IsCurrent: bool, DatabaseAccessMode: string, PrettyName: string, DatabaseId: guid, AuthorizedPrincipals: string, RetentionPolicy: string, MergePolicy: string, CachingPolicy: string, ShardingPolicy: string, StreamingIngestionPolicy: string, IngestionBatchingPolicy: string';
/** `v1.N` */
export const versionOf = ({ schemaVersion }: DatabaseView): string => `v1.${schemaVersion}`;

/** Name to access mode, as all of these tables begin. */
function head(database: DatabaseView, context: CommandContext): Row {
  const isCurrent = database.name.toLowerCase() === context.database.toLowerCase();
  return [database.name, '', versionOf(database), isCurrent, database.accessMode ?? 'ReadWrite', database.prettyName];
}

/** All that the caller may know of. */
export const visibleDatabases = (context: CommandContext): readonly DatabaseView[] =>
  context.data.databases().filter(({ name }) => isAllowed(context, 'list', name));

const databaseRow = (database: DatabaseView, context: CommandContext): Row => [
  ...head(database, context),
  null,
  database.databaseId,
  '',
  '',
];

/** The version of their schema is known to the leader alone. */
const followedRows = (context: CommandContext): Row[] =>
  (context.followed ?? [])
    .filter(({ name, roles }) => hasKustoRight({ clusterRoles: [], databases: [{ name, roles }] }, 'list', name))
    .map(({ name, databaseId }) => {
      const isCurrent = name.toLowerCase() === context.database.toLowerCase();
      return [name, '', '', isCurrent, 'ReadOnlyFollowing', '', null, databaseId, '', ''];
    });

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
  const roles = accessById(context.databases, database.databaseId)?.roles ?? [];
  const unrestricted = roles.includes('UnrestrictedViewer');
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
export function namedDatabases(command: Command, context: CommandContext): readonly DatabaseView[] {
  const names = [...command.all('DatabaseName'), ...command.all('databaseName')];
  if (names.length === 0) return visibleDatabases(context).filter(({ name }) => isAllowed(context, 'metadata', name));
  return names.map((name) => {
    const database = context.data.database(name);
    requirePermission(context, 'metadata', database.name, command.kind);
    return database;
  });
}

export const oneDatabase = (command: Command, context: CommandContext): DatabaseView =>
  context.data.database(command.databaseName(context));

const dataColumns =
  'DatabaseName: string, PersistentStorage: string, Version: string, IsCurrent: bool, DatabaseAccessMode: string, PrettyName: string, DatabaseId: guid, OriginalSize: real, ExtentSize: real, CompressedSize: real, IndexSize: real, RowCount: long, HotOriginalSize: real, HotExtentSize: real, HotCompressedSize: real, HotIndexSize: real, HotRowCount: long';

/** An index of its own is in no extent; how much of the original was hot is not counted. */
function dataRow(database: DatabaseView, context: CommandContext): Row {
  const all = [...database.tables.keys()].map((table) => context.data.tableStatistics(database.name, table));
  const sum = (of: (one: (typeof all)[number]) => number): number => all.reduce((total, one) => total + of(one), 0);
  const [bytes, hot] = [sum(({ extentBytes }) => extentBytes), sum(({ hotExtentBytes }) => hotExtentBytes)];
  return [
    ...[...head(database, context), database.databaseId],
    ...[sum(({ originalBytes }) => originalBytes), bytes, bytes, 0, BigInt(sum(({ rowCount }) => rowCount))],
    ...[null, hot, hot, 0, BigInt(sum(({ hotRowCount }) => hotRowCount))],
  ];
}

const prettyNameMax = 1_024;

async function setPrettyName(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { name } = oneDatabase(command, context);
  const prettyName = command.kind === 'DropDatabasePrettyName' ? '' : command.required('PrettyName');
  if (prettyName.length > prettyNameMax) throw dataError('InvalidEntityName', prettyName.slice(0, 100));
  await context.data.changeFacts(name, (held) => ({ ...held, prettyName }));
  return [[name, prettyName, 'Complete']];
}

/** @see Kusto ".show databases" */
export const databaseCommands: readonly CommandRow[] = [
  {
    kinds: { ShowClusterDatabases: ['.show databases', 'show databases', 'show cluster databases'] },
    parsed: true,
    permission: 'anyone',
    columns: databaseColumns,
    run: (_command, context) => [
      ...visibleDatabases(context).map((database) => databaseRow(database, context)),
      ...followedRows(context),
    ],
  },
  {
    kinds: { ShowDatabase: ['.show database', 'show database'] },
    parsed: true,
    permission: 'metadata',
    columns: databaseColumns,
    run: (command, context) => [databaseRow(oneDatabase(command, context), context)],
  },
  {
    kinds: { ShowClusterDatabasesDetails: '.show cluster databases details' },
    permission: 'anyone',
    columns: detailColumns,
    run: (command, context) => namedDatabases(command, context).map((database) => detailRow(database, context)),
  },
  {
    kinds: { ShowDatabaseDetails: ['.show database D details', 'show database {DatabaseName} details'] },
    permission: 'metadata',
    columns: detailColumns,
    run: (command, context) => [detailRow(oneDatabase(command, context), context)],
  },
  {
    kinds: { ShowClusterDatabasesIdentity: '.show cluster databases identity' },
    permission: 'anyone',
    columns: identityColumns,
    run: (_command, context) => visibleDatabases(context).map((database) => identityRow(database, context)),
  },
  {
    kinds: { ShowDatabaseIdentity: ['.show database D identity', 'show database {DatabaseName} identity'] },
    permission: 'metadata',
    columns: identityColumns,
    run: (command, context) => [identityRow(oneDatabase(command, context), context)],
  },
  {
    kinds: { ShowClusterDatabasesDataStats: '.show databases datastats' },
    permission: 'anyone',
    columns: dataColumns,
    run: (command, context) => namedDatabases(command, context).map((database) => dataRow(database, context)),
  },
  {
    kinds: {
      AlterDatabasePrettyName: ".alter database D prettyname 'What people call it'",
      DropDatabasePrettyName: '.drop database D prettyname',
    },
    permission: 'admin',
    columns: 'DatabaseName: string, PrettyName: string, Status: string',
    run: setPrettyName,
  },
  {
    kinds: { ShowClusterDatabasesPolicies: '.show cluster databases policies' },
    permission: 'anyone',
    columns: policyColumns,
    run: (command, context) => namedDatabases(command, context).map((database) => policyRow(database, context)),
  },
  {
    kinds: { ShowDatabasePolicies: ['.show database D policies', 'show database {DatabaseName} policies'] },
    permission: 'metadata',
    columns: policyColumns,
    run: (command, context) => [policyRow(oneDatabase(command, context), context)],
  },
];
