import type { CommandRow } from './command.ts';

/** Kinds of entities that cannot be made here, so that there are none: tools that list everything get empty lists, with the real columns.
 * The commands that would make them are refused by name. */
const lists: Readonly<Record<string, string>> = {
  ShowExternalTables:
    'TableName: string, TableType: string, Folder: string, DocString: string, Properties: string, ConnectionStrings: dynamic, Partitions: dynamic, PathFormat: string',
  ShowExternalTablesDetails: 'TableName: string, QueryAccelerationPolicy: string, QueryAccelerationState: string',
  ShowMaterializedViews:
    'Name: string, SourceTable: string, Query: string, MaterializedTo: datetime, LastRun: datetime, LastRunResult: string, IsHealthy: bool, IsEnabled: bool, Folder: string, DocString: string, AutoUpdateSchema: bool, EffectiveDateTime: datetime, Lookback: timespan, LookbackColumn: string',
  ShowMaterializedViewsDetails:
    'MaterializedViewName: string, DatabaseName: string, Folder: string, DocString: string, TotalExtents: long, TotalExtentSize: real, TotalOriginalSize: real, TotalRowCount: long, HotExtents: long, HotExtentSize: real, HotOriginalSize: real, HotRowCount: long, AuthorizedPrincipals: string, RetentionPolicy: string, CachingPolicy: string, ShardingPolicy: string, MergePolicy: string, MinExtentsCreationTime: datetime, MaxExtentsCreationTime: datetime',
  ShowContinuousExports:
    'Name: string, ExternalTableName: string, Query: string, ForcedLatency: timespan, IntervalBetweenRuns: timespan, CursorScopedTables: string, ExportProperties: string, LastRunTime: datetime, StartCursor: string, IsDisabled: bool, LastRunResult: string, ExportedTo: datetime, IsRunning: bool',
  ShowEntityGroups: 'Name: string, Entities: string',
};

export const emptyCommands: readonly CommandRow[] = Object.entries(lists).map(([kind, columns]) => ({
  kinds: [kind],
  permission: 'metadata',
  columns,
  run: () => [],
}));
