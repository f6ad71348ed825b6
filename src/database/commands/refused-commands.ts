import { KqlError } from '../../kql/plan/kql-error.ts';

/** Commands that are not here though clients send them. Others are refused by their name alone. */
interface RefusedRow {
  /** Names of the official parser, or our own where it knows no such command. */
  readonly kinds: readonly string[];
  /** How the one command of the row is read without the parser, as in rows of commands. */
  readonly patterns?: readonly string[];
  /** Why, and what to do instead. */
  readonly why: string;
}

const notQueued = 'queued ingestion is not built; use streaming ingestion (a streaming client), or .ingest inline';
const rolesOf = (scope: string): string =>
  `roles are assigned through the resource manager (principalAssignments of the ${scope})`;
const asQueries = '.show queries tells the queries of this process, .show operations what was changed';

export const refusedCommands: readonly RefusedRow[] = [
  {
    kinds: ['GetIngestionResources'],
    patterns: ['get ingestion resources with', 'show ingestion resources with'],
    why: notQueued,
  },
  { kinds: ['GetKustoIdentityToken'], patterns: ['get kusto identity token with'], why: notQueued },
  { kinds: ['ShowExportContainers'], patterns: ['show export containers'], why: 'export is not built' },
  {
    kinds: ['RefreshDatabaseTableCache'],
    patterns: ['refresh database {DatabaseName} table {TableName} cache ingestionbatchingpolicy'],
    why: 'nothing is batched: queued ingestion is not built',
  },
  {
    kinds: ['ClearDatabaseCacheQueryResults'],
    patterns: ['clear database cache queryresults', 'clear database {DatabaseName} cache query_results'],
    why: 'results of queries are not cached',
  },
  {
    kinds: ['IngestIntoTable'],
    why: 'data is not fetched from other hosts; send it with streaming ingestion, or .ingest inline',
  },
  {
    kinds: ['CreateDatabase', 'AttachDatabase'],
    why: 'databases are created through the resource manager (Microsoft.Kusto/clusters/databases)',
  },
  {
    kinds: ['DetachDatabase'],
    why: 'databases are deleted through the resource manager (Microsoft.Kusto/clusters/databases)',
  },
  { kinds: ['AddDatabaseRole', 'DropDatabaseRole', 'SetDatabaseRole'], why: rolesOf('database') },
  { kinds: ['AddClusterRole', 'DropClusterRole', 'SetClusterRole'], why: rolesOf('cluster') },
  {
    kinds: ['AddTableRole', 'DropTableRole', 'SetTableRole', 'AddFunctionRole', 'DropFunctionRole', 'SetFunctionRole'],
    why: 'roles are given on databases and on the cluster, through the resource manager',
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
  { kinds: ['ShowPrincipalAccess'], why: '.show principal roles tells the roles of a principal' },
  { kinds: ['ShowCommands', 'ShowCommandsAndQueries'], why: asQueries },
  { kinds: ['AlterColumnType'], why: 'it would lose the data of the column; add another column instead' },
  {
    kinds: ['CancelPurge'],
    patterns: ['cancel purge {OperationId}', 'cancel all purges', 'cancel all purges in database {DatabaseName}'],
    why: 'a purge is done when its command is answered',
  },
  { kinds: ['ShowExternalTables', 'ShowExternalTablesDetails'], why: 'external tables are not built' },
  { kinds: ['ShowMaterializedViews', 'ShowMaterializedViewsDetails'], why: 'materialized views are not built' },
  { kinds: ['ShowContinuousExports'], why: 'continuous export is not built' },
  { kinds: ['ShowEntityGroups'], why: 'stored entity groups are not built' },
  { kinds: ['DeleteTableRecords'], why: 'soft delete is not built; .purge removes records for good' },
];

/** @param kind the parser's name; undefined when it knows no such command
 * @param name its first words, as the client wrote them */
export function refusalOf(kind: string | undefined, name: string): KqlError {
  if (kind === undefined) return new KqlError('notSupported', `The management command '${name}' is not known.`);
  const why = refusedCommands.find(({ kinds }) => kinds.includes(kind))?.why;
  const reason = why === undefined ? '' : `: ${why}`;
  return new KqlError('notSupported', `The management command '${name}' (${kind}) is not supported${reason}.`);
}
