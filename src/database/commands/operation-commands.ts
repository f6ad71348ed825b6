import type { IngestionFailure, OperationRecord } from '../catalog/operations.ts';
import { ticksPerMillisecond } from '../../kql/values/ticks.ts';
import type { Command, CommandRow, CommandTable, Row } from './command.ts';
import type { CommandContext, RequestView } from './command-context.ts';
import { pluginShapes } from '../../kql/plan/row-settings.ts';
import { commandTypeOf } from './command-type.ts';
import { ticksOf } from './instants.ts';
import { detailsTable } from './operation-record.ts';
import { isAllowed, requirePermission } from './permissions.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { dataError } from '../catalog/data-error.ts';
import { defaultGroup } from '../catalog/workload-group.ts';
import { extentColumns } from './append-commands.ts';
import { node } from './node.ts';

const operationColumns =
  'OperationId: guid, Operation: string, NodeId: string, StartedOn: datetime, LastUpdatedOn: datetime, Duration: timespan, State: string, Status: string, RootActivityId: guid, ShouldRetry: bool, Database: string, Principal: string, User: string, AdminEpochStartTime: datetime, VirtualCluster: string';
const failureColumns =
  'OperationId: guid, Database: string, Table: string, FailedOn: datetime, IngestionSourcePath: string, Details: string, FailureKind: string, RootActivityId: guid, OperationKind: string, OriginatesFromUpdatePolicy: bool, ErrorCode: string, Principal: string, ShouldRetry: bool, User: string, IngestionProperties: string';
const dataOperationColumns =
  'Timestamp: datetime, Database: string, Table: string, ClientActivityId: string, OperationKind: string, OriginalSize: long, ExtentSize: long, RowCount: long, Duration: timespan, TotalCpu: timespan, ExtentCount: long, Principal: string, Properties: string';
const queryColumns =
  'ClientActivityId: string, Text: string, Database: string, StartedOn: datetime, LastUpdatedOn: datetime, Duration: timespan, State: string, RootActivityId: guid, User: string, FailureReason: string, TotalCpu: timespan, CacheStatistics: dynamic, Application: string, MemoryPeak: long, ScannedExtentsStatistics: dynamic, Principal: string, ClientRequestProperties: dynamic, ResultSetStatistics: dynamic, WorkloadGroup: string, OverallQueryStats: string, VirtualCluster: string';
const runningColumns =
  'ClientActivityId: string, Text: string, Database: string, StartedOn: datetime, LastUpdatedOn: datetime, Duration: timespan, State: string, RootActivityId: guid, User: string, FailureReason: string, TotalCpu: timespan, CacheStatistics: dynamic, Application: string, MemoryPeak: long, ScannedEventStatistics: dynamic, Pricipal: string, ClientRequestProperties: dynamic, ResultSetStatistics: dynamic, WorkloadGroup: string';

const commandColumns =
  'ClientActivityId: string, CommandType: string, Text: string, Database: string, StartedOn: datetime, LastUpdatedOn: datetime, Duration: timespan, State: string, RootActivityId: guid, User: string, FailureReason: string, Application: string, Principal: string, TotalCpu: timespan, ResourcesUtilization: dynamic, ClientRequestProperties: dynamic, WorkloadGroup: string, VirtualCluster: string';
const commandAndQueryColumns =
  'ClientActivityId: string, CommandType: string, Text: string, Database: string, StartedOn: datetime, LastUpdatedOn: datetime, Duration: timespan, State: string, FailureReason: string, RootActivityId: guid, User: string, Application: string, Principal: string, ClientRequestProperties: dynamic, TotalCpu: timespan, MemoryPeak: long, CacheStatistics: dynamic, ScannedExtentsStatistics: dynamic, ResultSetStatistics: dynamic, WorkloadGroup: string, VirtualCluster: string';

const operationRow = (one: OperationRecord, context: CommandContext): Row => [
  ...[one.operationId, one.operation, node, ticksOf(one.startedOn), ticksOf(one.lastUpdatedOn)],
  BigInt(Math.max(0, Math.round(one.lastUpdatedOn - one.startedOn))) * ticksPerMillisecond,
  ...[one.state, one.status, one.rootActivityId, one.shouldRetry, one.database, one.principal, one.user],
  ...[ticksOf(context.cluster.startedAt), ''],
];

const failureRow = (one: IngestionFailure): Row => [
  ...[
    one.operationId,
    one.database,
    one.table,
    ticksOf(one.failedOn),
    one.sourcePath ?? '',
    one.details,
    one.failureKind,
    one.rootActivityId,
  ],
  ...[
    one.operationKind,
    one.originatesFromUpdatePolicy ?? false,
    one.errorCode,
    one.principal,
    one.shouldRetry,
    one.user,
    one.properties ?? '',
  ],
];

/** One's own, and everything in databases that one monitors. */
export const maySee = (
  context: CommandContext,
  { database, principal }: { readonly database: string; readonly principal: string },
): boolean => principal === context.caller.fqn || isAllowed(context, 'monitor', database);

function operations(command: Command, context: CommandContext): readonly Row[] {
  const ids = command.all('OperationId').map((id) => id.toLowerCase());
  return context.data
    .operations()
    .filter((one) => maySee(context, one) && (ids.length === 0 || ids.includes(one.operationId)))
    .map((one) => operationRow(one, context));
}

/** What an operation has answered with, where it was to be kept. */
function operationDetails(command: Command, context: CommandContext): readonly Row[] | CommandTable {
  const id = command.required('OperationId').toLowerCase();
  const found = context.data.operations().find((one) => one.operationId === id && maySee(context, one));
  if (found === undefined) throw dataError('OperationNotFound', id.slice(0, 200));
  if (found.details === undefined)
    throw new KqlError(
      'semantic',
      `The operation '${id}' has no details: it has not completed, or not with persistDetails=true.`,
    );
  const table = detailsTable(found.details);
  if (table !== undefined) return table;
  const rows = JSON.parse(found.details) as readonly (readonly string[])[];
  return rows.map(([extentId = '', ...sizes]) => [extentId, ...sizes.map(BigInt)]);
}

function failures(command: Command, context: CommandContext): readonly Row[] {
  const id = command.optional('OperationId')?.toLowerCase();
  return context.data
    .ingestionFailures()
    .filter((one) => maySee(context, one) && (id === undefined || id === '' || one.operationId === id))
    .map(failureRow);
}

/** Extents that were added, by whom and at what cost. */
function dataOperations(_command: Command, context: CommandContext): readonly Row[] {
  const { data } = context;
  const names = new Map(data.databases().map(({ databaseId, name }) => [databaseId, name]));
  return data.dataOperations().flatMap((one): Row[] => {
    const database = names.get(one.databaseId);
    if (database === undefined || !maySee(context, { database, principal: one.principal })) return [];
    const sizes = [one.originalBytes, one.extentBytes, one.rowCount].map(BigInt);
    const durations = [one.milliseconds, one.cpuMs].map((ms) => (ms === undefined ? null : durationOf(ms)));
    return [
      [
        ...[ticksOf(one.at), database, one.table, one.clientActivityId, one.operation, ...sizes, ...durations],
        ...[BigInt(one.extentCount), one.principal, one.properties === undefined ? '' : JSON.stringify(one.properties)],
      ],
    ];
  });
}

const durationOf = (milliseconds: number): bigint => BigInt(Math.round(milliseconds * 1000)) * 10n;

/** Whoever may see them: what is under way, and the last ones that have ended. */
async function requestsOf(context: CommandContext): Promise<readonly RequestView[]> {
  const { requests } = context;
  if (requests.list === undefined) throw new KqlError('notSupported', 'Queries are not listed on this cluster.');
  return (await requests.list()).filter((one) => maySee(context, one));
}

const queries = async (context: CommandContext): Promise<readonly RequestView[]> =>
  (await requestsOf(context)).filter((one) => one.kind === 'query');

/** Commands are shown once they have ended. */
const ended = async (context: CommandContext): Promise<readonly RequestView[]> =>
  (await requestsOf(context)).filter((one) => one.ended !== undefined);

const typeOf = ({ kind, text }: RequestView): string => (kind === 'query' ? 'Query' : commandTypeOf(text));

const groupOf = ({ workloadGroup = defaultGroup }: RequestView): string => workloadGroup;

/** Where several requests run at once, what processors do is counted for each alike. */
const cpuOf = ({ ended }: RequestView): bigint | null => (ended?.cpuMs === undefined ? null : durationOf(ended.cpuMs));

/** Memory is not measured. */
function commandRow(one: RequestView, context: CommandContext): Row {
  const [, ...times] = timesOf(one, context);
  return [
    ...[one.clientRequestId, typeOf(one), ...times],
    ...[one.application, one.principal, cpuOf(one), null, null, groupOf(one), ''],
  ];
}

function commandOrQueryRow(one: RequestView, context: CommandContext): Row {
  const [, ...times] = timesOf(one, context);
  const [until, failureAt] = [6, 8]; // the state is the last that both orders begin with
  return [
    ...[
      one.clientRequestId,
      typeOf(one),
      ...times.slice(0, until),
      ...times.slice(failureAt),
      ...times.slice(until, failureAt),
    ],
    ...[one.application, one.principal, null, cpuOf(one), null, null, null, null, groupOf(one), ''],
  ];
}

/** What all lists of requests have in common, in the order of `.show queries`. */
function timesOf(one: RequestView, context: CommandContext): Row {
  const until = one.ended?.on ?? context.clock.now();
  const milliseconds = one.ended?.milliseconds ?? until - one.startedOn;
  return [
    ...[one.clientRequestId, one.text, one.database, ticksOf(one.startedOn), ticksOf(until)],
    BigInt(Math.max(0, Math.round(milliseconds * 1000))) * 10n,
    ...[one.ended?.state ?? 'InProgress', one.activityId, one.user, one.ended?.failure ?? ''],
  ];
}

const queryRow = (one: RequestView, context: CommandContext): Row => [
  ...timesOf(one, context),
  ...[cpuOf(one), null, one.application, null, null, one.principal, null, null, groupOf(one)],
];

const pluginRows = (disabled: readonly string[]): readonly Row[] =>
  [...pluginShapes].toSorted().map((name) => [name, !disabled.includes(name)]);

/** @see Kusto ".show operations", ".show ingestion failures", ".show queries", ".cancel query" */
export const operationCommands: readonly CommandRow[] = [
  {
    kinds: { ShowOperations: ['.show operations', 'show operations {OperationId}', 'show operations'] },
    parsed: true,
    permission: 'anyone',
    columns: operationColumns,
    run: operations,
  },
  {
    kinds: {
      ShowOperationDetails: [
        '.show operation 703c50e3-e15f-4033-92bf-bec799fcc383 details',
        'show operation {OperationId} details',
      ],
    },
    permission: 'anyone',
    columns: extentColumns,
    run: operationDetails,
  },
  {
    kinds: { ShowIngestionFailures: '.show ingestion failures' },
    permission: 'anyone',
    columns: failureColumns,
    run: failures,
  },
  {
    kinds: { ShowDataOperations: '.show data operations' },
    permission: 'anyone',
    columns: dataOperationColumns,
    run: dataOperations,
  },
  {
    kinds: { ShowQueries: '.show queries' },
    permission: 'anyone',
    columns: queryColumns,
    run: async (_command, context) => (await queries(context)).map((one) => [...queryRow(one, context), '', '']),
  },
  {
    kinds: { ShowRunningQueries: '.show running queries' },
    permission: 'anyone',
    columns: runningColumns,
    run: async (_command, context) =>
      (await queries(context)).flatMap((one) => (one.ended === undefined ? [queryRow(one, context)] : [])),
  },
  {
    kinds: { ShowCommands: '.show commands' },
    permission: 'anyone',
    columns: commandColumns,
    run: async (_command, context) =>
      (await ended(context)).flatMap((one) => (one.kind === 'query' ? [] : [commandRow(one, context)])),
  },
  {
    kinds: { ShowCommandsAndQueries: '.show commands-and-queries' },
    permission: 'anyone',
    columns: commandAndQueryColumns,
    run: async (_command, context) => (await ended(context)).map((one) => commandOrQueryRow(one, context)),
  },
  {
    kinds: { ShowPlugins: ['.show plugins', 'show plugins'] },
    permission: 'metadata',
    columns: 'PluginName: string, IsEnabled: bool',
    run: (_command, { data }) => pluginRows(data.clusterSettings().disabledPlugins),
  },
  {
    kinds: {
      EnablePlugin: ['.enable plugin autocluster', 'enable plugin {name}'],
      DisablePlugin: ['.disable plugin autocluster', 'disable plugin {name}'],
    },
    permission: 'clusterAdmin',
    columns: 'PluginName: string, IsEnabled: bool',
    run: async (command, { data }) => {
      const name = command.required('name');
      if (!pluginShapes.has(name))
        throw new KqlError('notSupported', `The plugin '${name.slice(0, 100)}' is not supported.`);
      const { disabledPlugins } = await data.changeClusterSettings((held) => {
        const others = held.disabledPlugins.filter((one) => one !== name);
        return { ...held, disabledPlugins: command.kind === 'DisablePlugin' ? [...others, name] : others };
      });
      return pluginRows(disabledPlugins).filter(([plugin]) => plugin === name);
    },
  },
  {
    kinds: { ClearRemoteClusterDatabaseSchema: ".clear cache remote-schema cluster('c').database('D')" },
    permission: 'anyone',
    columns: 'NodeId: string, Status: string',
    // Schemas of other clusters are asked for anew by each query.
    run: (command, context) => {
      requirePermission(context, 'metadata', context.database, command.kind);
      return [['0', `Cache cleared for database ${command.required('databaseName')}`]];
    },
  },
  {
    kinds: { CancelQuery: ['.cancel query "my-client-request-id"', 'cancel query {ClientRequestId} with'] },
    permission: 'anyone',
    columns: 'ClientRequestId: string, Status: string',
    run: async (command, context) => {
      const id = command.required('ClientRequestId');
      // Whoever reads the log of requests finds it in the command itself.
      command.properties(['reason']);
      const mayAll = context.clusterRoles.includes('AllDatabasesAdmin');
      const count = await context.requests.cancel(id, mayAll ? undefined : context.caller.fqn);
      return [[id, count > 0 ? 'Cancelled' : 'NotFound']];
    },
  },
];
