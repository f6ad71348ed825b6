import { KqlError } from '../../kql/plan/kql-error.ts';

/** Why some commands are not here, and what to do instead. Others are refused by their name alone. */
export const refusalReasons: Readonly<Record<string, string>> = {
  GetIngestionResources:
    'queued ingestion is not built; use streaming ingestion (a streaming client), or .ingest inline',
  GetKustoIdentityToken:
    'queued ingestion is not built; use streaming ingestion (a streaming client), or .ingest inline',
  ShowExportContainers: 'export is not built',
  RefreshDatabaseTableCache: 'nothing is batched: queued ingestion is not built',
  IngestIntoTable: 'data is not fetched from other hosts; send it with streaming ingestion, or .ingest inline',
  CreateDatabase: 'databases are created through the resource manager (Microsoft.Kusto/clusters/databases)',
  AttachDatabase: 'databases are created through the resource manager (Microsoft.Kusto/clusters/databases)',
  DetachDatabase: 'databases are deleted through the resource manager (Microsoft.Kusto/clusters/databases)',
  AddDatabaseRole: 'roles are assigned through the resource manager (principalAssignments of the database)',
  DropDatabaseRole: 'roles are assigned through the resource manager (principalAssignments of the database)',
  SetDatabaseRole: 'roles are assigned through the resource manager (principalAssignments of the database)',
  AddClusterRole: 'roles are assigned through the resource manager (principalAssignments of the cluster)',
  DropClusterRole: 'roles are assigned through the resource manager (principalAssignments of the cluster)',
  SetClusterRole: 'roles are assigned through the resource manager (principalAssignments of the cluster)',
  AddTableRole: 'roles are given on databases and on the cluster, through the resource manager',
  DropTableRole: 'roles are given on databases and on the cluster, through the resource manager',
  SetTableRole: 'roles are given on databases and on the cluster, through the resource manager',
  AddFunctionRole: 'roles are given on databases and on the cluster, through the resource manager',
  DropFunctionRole: 'roles are given on databases and on the cluster, through the resource manager',
  SetFunctionRole: 'roles are given on databases and on the cluster, through the resource manager',
  ShowPrincipalAccess: '.show principal roles tells the roles of a principal',
  ShowCommands: '.show queries tells the queries of this process, .show operations what was changed',
  ShowCommandsAndQueries: '.show queries tells the queries of this process, .show operations what was changed',
  AlterColumnType: 'it would lose the data of the column; add another column instead',
  CancelPurge: 'a purge is done when its command is answered',
  ShowExternalTables: 'external tables are not built',
  ShowExternalTablesDetails: 'external tables are not built',
  ShowMaterializedViews: 'materialized views are not built',
  ShowMaterializedViewsDetails: 'materialized views are not built',
  ShowContinuousExports: 'continuous export is not built',
  ShowEntityGroups: 'stored entity groups are not built',
  DeleteTableRecords: 'soft delete is not built; .purge removes records for good',
};

/** @param kind the parser's name; undefined when it knows no such command
 * @param name its first words, as the client wrote them */
export function refusalOf(kind: string | undefined, name: string): KqlError {
  const reason =
    kind === undefined ? undefined : Object.hasOwn(refusalReasons, kind) ? refusalReasons[kind] : undefined;
  const what =
    kind === undefined
      ? `The management command '${name}' is not known`
      : `The management command '${name}' (${kind}) is not supported`;
  return new KqlError('notSupported', `${what}${reason === undefined ? '' : `: ${reason}`}.`);
}
