import type { UpkeepProblem } from '../extents/upkeep.ts';
import type { NativeValue } from '../../kql/sql/native.ts';
import type { CommandRow } from './command.ts';
import type { CommandContext, RequestView } from './command-context.ts';
import { ticksOf } from './instants.ts';

/** One name is there twice, as in the official parser. */
const columns =
  'IsHealthy: bool, EnvironmentDescription: string, IsScaleOutRequired: bool, MachinesTotal: int, MachinesOffline: int, NodeLastRestartedOn: datetime, AdminLastElectedOn: datetime, ExtentsTotal: int, DiskColdAllocationPercentage: int, InstancesTargetBasedOnDataCapacity: int, TotalOriginalDataSize: real, TotalExtentSize: real, IngestionsLoadFactor: real, IngestionsInProgress: long, IngestionsSuccessRate: real, MergesInProgress: long, BuildVersion: string, BuildTime: datetime, ClusterDataCapacityFactor: real, IsDataWarmingRequired: bool, DataWarmingLastRunOn: datetime, MergesSuccessRate: real, NotHealthyReason: string, IsAttentionRequired: bool, AttentionRequiredReason: string, ProductVersion: string, FailedIngestOperations: int, FailedMergeOperations: int, MaxExtentsInSingleTable: int, TableWithMaxExtents: string, MergesLoadFactor: double, WarmExtentSize: real, NumberOfDatabases: int, PurgeExtentsRebuildLoadFactor: real, PurgeExtentsRebuildInProgress: long, PurgesInProgress: long, RowStoreLocalStorageCapacityFactor: real, ExportsLoadFactor: real, ExportsInProgress: long, PendingContinuousExports: long, MaxContinuousExportLatenessMinutes: long, RowStoreSealsInProgress: long, IsRowStoreUnhealthy: bool, MachinesSuspended: int, DataPartitioningLoadFactor: real, DataPartitioningOperationsInProgress: long, MinPartitioningPercentageInSingleTable: real, TableWithMinPartitioningPercentage: string, V3DataCapacityFactor: real, MaterializedViewsInProgress: long, DataPartitioningOperationsInProgress: real, IngestionCapacityUtilization: real, ShardsWarmingStatus: string, ShardsWarmingTemperature: real, ShardsWarmingDetails: string, StoredQueryResultsInProgress: long, HotDataDiskSpaceUsage: real, MirroringOperationsLoadFactor: real, MirroringOperationsInProgress: long, QueryAccelerationLoadFactor: real, QueryAccelerationInProgress: long, QueryAccelerationCapacityUtilization: real, GraphSnapshotsLoadFactor: real, GraphSnapshotsInProgress: long';
const names = columns.split(', ').map((column) => column.slice(0, column.indexOf(':')));

/** Nothing of the kind ever goes on here. */
const never = [
  ...['PendingContinuousExports', 'ExportsInProgress', 'MaterializedViewsInProgress', 'MirroringOperationsInProgress'],
  ...['DataPartitioningOperationsInProgress', 'QueryAccelerationInProgress', 'RowStoreSealsInProgress'],
];

/** What is not measured is null. @see Kusto "Check the health of a cluster" */
export const diagnosticsCommands: readonly CommandRow[] = [
  {
    kinds: { ShowDiagnostics: '.show diagnostics' },
    permission: 'clusterMonitor',
    columns,
    run: async (_command, context) => {
      const values = valuesOf(context, (await context.requests.list?.()) ?? []);
      return [names.map((name, index) => (names.indexOf(name) === index ? (values[name] ?? null) : null))];
    },
  },
];

function valuesOf(
  { data, cluster }: CommandContext,
  requests: readonly RequestView[],
): Readonly<Record<string, NativeValue>> {
  const databases = data.databases();
  const tables = databases.flatMap(({ name, tables: views }) =>
    [...views.keys()].map((table) => ({ table, statistics: data.tableStatistics(name, table) })),
  );
  const sum = (of: (one: (typeof tables)[number]['statistics']) => number): number =>
    tables.reduce((total, { statistics }) => total + of(statistics), 0);
  const largest = tables.reduce<(typeof tables)[number] | undefined>(
    (most, one) => (one.statistics.extentCount > (most?.statistics.extentCount ?? 0) ? one : most),
    undefined,
  );
  const underWay = requests.filter(({ ended }) => ended === undefined);
  const problems = data.upkeepProblems();
  const reason = problems.map((problem) => reasonOf(problem, databases)).join('; ');
  return {
    ...Object.fromEntries(never.map((name) => [name, 0n])),
    // Rows that cannot be read are a matter for whoever owns them; the cluster serves all others.
    IsHealthy: true,
    NotHealthyReason: '',
    IsAttentionRequired: problems.length > 0,
    AttentionRequiredReason: reason,
    EnvironmentDescription: JSON.stringify({ Cluster: cluster.name, Product: 'Kustody', Version: cluster.version }),
    IsScaleOutRequired: false,
    MachinesTotal: 1,
    MachinesOffline: 0,
    MachinesSuspended: 0,
    NodeLastRestartedOn: ticksOf(cluster.startedAt),
    AdminLastElectedOn: ticksOf(cluster.startedAt),
    ExtentsTotal: sum(({ extentCount }) => extentCount),
    TotalOriginalDataSize: sum(({ originalBytes }) => originalBytes),
    TotalExtentSize: sum(({ extentBytes }) => extentBytes),
    WarmExtentSize: sum(({ hotExtentBytes }) => hotExtentBytes),
    IngestionsInProgress: BigInt(underWay.filter(({ kind }) => kind === 'ingestion').length),
    BuildVersion: cluster.version,
    BuildTime: ticksOf(cluster.builtAt),
    ProductVersion: `Kustody ${cluster.version}`,
    FailedMergeOperations: problems.filter(({ step }) => step === 'merge' || step === 'flush').length,
    MaxExtentsInSingleTable: largest?.statistics.extentCount ?? 0,
    TableWithMaxExtents: largest?.table ?? '',
    NumberOfDatabases: databases.length,
    IsDataWarmingRequired: false,
    IsRowStoreUnhealthy: false,
  };
}

/** Whoever may read this may know the names of tables. */
function reasonOf(
  { step, table, error, times, unreadableExtents }: UpkeepProblem,
  databases: ReturnType<CommandContext['data']['databases']>,
): string {
  const database = databases.find(({ databaseId }) => databaseId === table?.databaseId);
  const name = [...(database?.tables ?? [])].find(([, view]) => view.tableId === table?.tableId)?.[0];
  const where = table === undefined ? '' : ` of table ${database?.name ?? ''}.${name ?? table.tableId}`;
  const what = unreadableExtents === undefined ? '' : `, ${unreadableExtents} extents do not open`;
  return `upkeep step '${step}'${where} failed ${times} times: ${error}${what}`;
}
