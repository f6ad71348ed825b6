import { KqlError } from '../../kql/plan/kql-error.ts';

/** Commands that are not here though clients send them, each by name. */
interface RefusedRow {
  /** Names of the official parser, or our own where it knows no such command. */
  readonly kinds: readonly string[];
  /** How the one command of the row is read without the parser, as in rows of commands. */
  readonly patterns?: readonly string[];
  /** How texts of the one command begin that the parser does not read to their end. */
  readonly begins?: readonly string[];
  /** Why, and what to do instead. */
  readonly why: string;
}

export const refusedCommands: readonly RefusedRow[] = [
  {
    kinds: ['CreateDatabase', 'AttachDatabase'],
    why: 'databases are created through the resource manager (Microsoft.Kusto/clusters/databases)',
  },
  {
    kinds: ['DetachDatabase'],
    why: 'databases are deleted through the resource manager (Microsoft.Kusto/clusters/databases)',
  },
  {
    kinds: ['AddClusterRole', 'DropClusterRole', 'SetClusterRole'],
    // The parser knows this role in no command.
    begins: ['add', 'drop', 'set'].map((verb) => `${verb} cluster multidatabaseadmins`),
    why: 'roles on the cluster are assigned through the resource manager alone (principalAssignments of the cluster)',
  },
  {
    kinds: ['AlterFollowerClusterConfiguration'],
    why: 'what is followed, and with whose principals, is said through the resource manager (attachedDatabaseConfigurations)',
  },
  {
    kinds: ['AlterFollowerDatabaseChildEntities'],
    why: 'which tables are shared is said through the resource manager (tableLevelSharingProperties of attachedDatabaseConfigurations)',
  },
  {
    kinds: ['DropFollowerDatabases'],
    why: 'databases are detached through the resource manager (attachedDatabaseConfigurations)',
  },
  {
    kinds: ['ShowExtentColumnStorageStats', 'ShowTableColumnStatitics', 'ShowTablesColumnStatistics'],
    why: 'what a column takes is told by .show table T data statistics',
  },
  {
    kinds: ['SetAccess'],
    why: 'a database is written to unless it follows a leader, which the resource manager says (attachedDatabaseConfigurations)',
  },
  {
    kinds: [
      ...['EnableDatabaseMaintenanceMode', 'DisableDatabaseMaintenanceMode', 'SetClusterMaintenanceMode'],
      ...['EnableDatabaseStreamingIngestionMaintenanceMode', 'DisableDatabaseStreamingIngestionMaintenanceMode'],
    ],
    why: "maintenance is the service's own; a cluster is stopped and started through the resource manager",
  },
  {
    kinds: ['ShowDatabaseKeyVaultSecrets', 'ReplaceDatabaseKeyVaultSecrets'],
    why: 'databases keep no secrets of vaults',
  },
  { kinds: ['ShowPrincipalAccess'], why: '.show principal roles tells the roles of a principal' },
  {
    kinds: ['CancelPurge'],
    patterns: ['cancel purge {OperationId}', 'cancel all purges', 'cancel all purges in database {DatabaseName}'],
    why: 'a purge is done when its command is answered',
  },
];

/** Others that the parser knows, by what their names have in common. The first that fits counts. */
interface RefusedFamily {
  readonly named: RegExp;
  /** As `begins` of a row. */
  readonly begins?: readonly string[];
  readonly why: string;
}

export const refusedFamilies: readonly RefusedFamily[] = [
  {
    named: /MaterializedView/,
    begins: ['show materialized view'],
    why: 'of materialized views it is not built',
  },
  { named: /QueryAcceleration/, why: 'query acceleration is not built' },
  { named: /SqlExternalTable/, why: 'external tables over databases (kind=sql) are not built; kind=storage is' },
  {
    named: /ExternalTable(Star)?PolicyRowLevelSecurity/,
    why: 'external tables have no row level security policies',
  },
  {
    named: /ExternalTable/,
    begins: ['create external table', 'create-or-alter external table', 'alter external table', 'show external table'],
    why: 'of external tables, this is not built',
  },
  { named: /^Export/, begins: ['export async to sql', 'export to sql'], why: 'rows are exported to storage only' },
  {
    named: /Mirroring/,
    begins: [
      ...['alter table {TableName} policy mirroring', 'show database {DatabaseName} operations mirroring-statistics'],
      'show table {TableName} operations mirroring-statistics',
    ],
    why: 'tables are not mirrored',
  },
  {
    named: /DupNext/,
    begins: ['dup-next-ingest', 'dup-next-failed-ingest'],
    why: 'rows are ingested once; what is queued is not kept for a second time',
  },
  { named: /^TableShuffle/, why: 'extents are merged when they are due' },
  { named: /RowStore|RowId|Shard(s?Group|Make|Drop)|ExtentContainer|ExtentsMetadata/, why: 'storage is another here' },
  { named: /Fabric/, why: 'there is no Fabric here' },
  {
    named: /ClusterPolicyMultiDatabaseAdmins$/,
    why: 'nobody documents the members of this policy; roles on the cluster are assigned through the resource manager',
  },
  {
    named: /ClusterPolicy/,
    why: 'of policies of the cluster, this one is not built',
  },
  { named: /GraphModel|GraphPolicy|GraphStar|GraphSnapshots?Show/, why: 'of graph models, this is not built' },
  { named: /ColumnPolicy|PolicyEncoding/, why: 'columns have no policies' },
  {
    named: /Diagnostics|Thread|Mem|Tcp|Pools|Concurrency|Cache|Callouts/,
    why: 'the processes of the service are not here',
  },
  { named: /Policy/, why: 'this policy is not built' },
];

const notBuilt = 'it is not built';

/** @param kind the parser's name @returns why it is refused */
export const reasonOf = (kind: string): string =>
  refusedCommands.find(({ kinds }) => kinds.includes(kind))?.why ??
  refusedFamilies.find(({ named }) => named.test(kind))?.why ??
  notBuilt;

/** To the service it is a text that does not parse, of which it says nothing more; the text stands behind it.
 * @see https://github.com/Azure/azure-kusto-python/issues/171 */
export const unknownCommand = (): KqlError => new KqlError('syntax', '');

/** @param kind the parser's name; undefined when it knows no such command
 * @param name its first words, as the client wrote them */
export function refusalOf(kind: string | undefined, name: string): KqlError {
  if (kind === undefined) return unknownCommand();
  return new KqlError(
    'notSupported',
    `The management command '${name}' (${kind}) is not supported: ${reasonOf(kind)}.`,
  );
}

/** @param text of a command that the parser could not read to its end
 * @param name its first words
 * @returns undefined unless it begins as one that is not built does */
export function refusalOfText(text: string, name: string): KqlError | undefined {
  const found = [...refusedCommands, ...refusedFamilies].find(({ begins = [] }) =>
    begins.some((words) => begin(words).test(text)),
  );
  return found && new KqlError('notSupported', `The management command '${name}' is not supported: ${found.why}.`);
}

const begin = (words: string): RegExp =>
  new RegExp(
    `^\\s*(?://[^\\n]*\\n\\s*)*\\.${words
      .split(' ')
      .map((word) => (word.startsWith('{') ? '\\S+' : word))
      .join('\\s+')}(?![\\w-])`,
    'i',
  );
