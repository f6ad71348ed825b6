import { invariant } from '../../base/invariant.ts';
import { instant } from '../../clock/clock.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { tablesOf } from '../../kql/plan/walk.ts';
import { withoutHidden } from '../../kql/values/obfuscated.ts';
import { formatTimespan, parseTimespan, ticksPerMillisecond, unixEpochTicks } from '../../kql/values/ticks.ts';
import { exportDueOn } from '../catalog/continuous-export.ts';
import type { ContinuousExportDefinition } from '../catalog/continuous-export.ts';
import { ticksOfIngestion } from '../catalog/ingestion-order.ts';
import { isImpersonated } from '../ingest/data-source.ts';
import type { ContinuousExportView } from '../exports/continuous-exports.ts';
import { automatedIdentity } from './automated-identity.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { requireFacts } from './continuous-export-run.ts';
import { destinationOf, exportedColumns } from './export-destination.ts';
import { isTrue } from './export-properties.ts';
import { ticksOf, ticksOrNull } from './instants.ts';
import { requireReadable } from './query-request.ts';
import { requireSameTypes } from './run-export.ts';

const shownColumns =
  'Name: string, ExternalTableName: string, Query: string, ForcedLatency: timespan, IntervalBetweenRuns: timespan, CursorScopedTables: string, ExportProperties: string, LastRunTime: datetime, StartCursor: string, IsDisabled: bool, LastRunResult: string, ExportedTo: datetime, IsRunning: bool';
const artifactColumns = 'Timestamp: datetime, ExternalTableName: string, Path: string, NumRecords: long';
const failureColumns =
  'Timestamp: datetime, OperationId: string, Name: string, LastSuccessRun: datetime, FailureKind: string, Details: string';

const exportProperties = [
  ...(['sizeLimit', 'distributed', 'distribution', 'distributionKind', 'parquetRowGroupSize'] as const),
];
const knownProperties = [
  ...(['intervalBetweenRuns', 'forcedLatency', 'isDisabled', 'managedIdentity'] as const),
  ...exportProperties,
];

const minute = 60_000;
const longestMs = 366 * 24 * 60 * minute;

function span(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const ticks = parseTimespan(text);
  const milliseconds = ticks === undefined ? NaN : Number(ticks / ticksPerMillisecond);
  if (!(milliseconds >= least && milliseconds <= longestMs))
    throw new KqlError(
      'semantic',
      `The property '${name}' is a timespan of at least ${formatTimespan(BigInt(least) * ticksPerMillisecond)}.`,
    );
  return milliseconds;
}

const ticksOfMs = (milliseconds: number | undefined): bigint | null =>
  milliseconds === undefined ? null : BigInt(milliseconds) * ticksPerMillisecond;

async function definition(command: Command, context: CommandContext): Promise<ContinuousExportDefinition> {
  const { caller, database, data } = context;
  const { query, queryText } = command;
  invariant(query, 'the parser gives the query of this command');
  requireReadable(context, query, command.kind);
  const properties = command.properties(knownProperties);
  const identity =
    properties.managedIdentity === undefined
      ? undefined
      : (await automatedIdentity(properties.managedIdentity, context)).objectId;
  const intervalMs = span('intervalBetweenRuns', properties.intervalBetweenRuns, minute);
  if (intervalMs === undefined)
    throw new KqlError('semantic', "A continuous export needs the property 'intervalBetweenRuns'.");
  const forcedLatencyMs = span('forcedLatency', properties.forcedLatency, 0);
  const scoped = command.all('TableName');
  const factTables = scoped.length > 0 ? scoped : [...new Set(tablesOf(query).map(({ table }) => table))];
  const runs = identity === undefined ? {} : { identity };
  requireFacts(query, { factTables, isScoped: scoped.length > 0, ...runs }, context);
  const own = Object.fromEntries(
    exportProperties.flatMap((name) => (properties[name] === undefined ? [] : [[name, properties[name]]])),
  );
  const table = data.externalTable(database, command.required('ExternalTableName'));
  if (table.connections.some(isImpersonated))
    throw new KqlError(
      'notSupported',
      `A continuous export to '${table.name}', which says ';impersonate', needs a managed identity (managedIdentity) to write as, and writing as it is not built: name it in the address of the table (;managed_identity=…).`,
    );
  destinationOf(table, own, context);
  const [result] = query.results;
  requireSameTypes(result?.plan.cols ?? [], exportedColumns(table));
  return {
    ...{ name: command.required('ContinuousExportName'), externalTable: table.name, query: queryText.trim() },
    ...{ factTables, isScoped: scoped.length > 0, intervalMs, properties: own, ...runs },
    ...(forcedLatencyMs !== undefined && { forcedLatencyMs }),
    creator: {
      ...{ objectId: caller.objectId, tenantId: caller.tenantId, displayName: caller.displayName, fqn: caller.fqn },
    },
  };
}

async function put(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const isDisabled = command.properties(knownProperties).isDisabled;
  const made = await context.data.putContinuousExport(
    context.database,
    await definition(command, context),
    isDisabled === undefined ? undefined : isTrue(isDisabled),
  );
  return [rowOf(context, made)];
}

const numbers = ['sizeLimit', 'parquetRowGroupSize'];

const propertiesJson = ({ properties, identity }: ContinuousExportView): string =>
  JSON.stringify({
    ...Object.fromEntries(
      Object.entries(properties).map(([name, value]) => [
        `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
        numbers.includes(name) ? Number(value) : /^(true|false)$/i.test(value) ? isTrue(value) : value,
      ]),
    ),
    ...(identity !== undefined && { ManagedIdentity: identity }),
  });

const rowOf = ({ database }: Pick<CommandContext, 'database'>, one: ContinuousExportView): Row => [
  ...[one.name, one.externalTable, withoutHidden(one.query), ticksOfMs(one.forcedLatencyMs), ticksOfMs(one.intervalMs)],
  JSON.stringify(one.isScoped ? one.factTables.map((table) => `['${database}'].['${table}']`) : []),
  ...[propertiesJson(one), ticksOrNull(one.lastRunOn), String(ticksOfIngestion(one.startCursor)), one.isDisabled],
  ...[one.lastRunResult ?? '', ticksOfIngestion(one.exportedTo), one.isRunning],
];

const nameIn = (command: Command): string =>
  command.optional('ContinuousExportName') ?? command.optional('ContinousExportName') ?? command.required('jobName');

const changed =
  (isDisabled: boolean): CommandRow['run'] =>
  async (command, context) => [
    rowOf(context, await context.data.changeContinuousExport(context.database, nameIn(command), { isDisabled })),
  ];

/** A cursor is a time of ingestion in ticks, as `cursor_current()` gives it. */
async function setCursor(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const text = command.required('cursorValue');
  const ticks = /^\d{1,19}$/.test(text) ? BigInt(text) : -1n;
  if (ticks < unixEpochTicks || ticks > ticksOfIngestion(Number.MAX_SAFE_INTEGER))
    throw new KqlError('semantic', `'${text.slice(0, 100)}' is no database cursor.`);
  const exportedTo = Number((ticks - unixEpochTicks) / 10n);
  return [rowOf(context, await context.data.changeContinuousExport(context.database, nameIn(command), { exportedTo }))];
}

async function drop(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { data, database } = context;
  const found = data.continuousExport(database, nameIn(command));
  await data.dropContinuousExport(database, found.name);
  return [rowOf(context, found)];
}

function artifacts(command: Command, { data, database }: CommandContext): readonly Row[] {
  return data
    .exportHistory(database, nameIn(command))
    .artifacts.map(({ on, externalTable, path, rows }) => [ticksOf(on), externalTable, path, BigInt(rows)]);
}

function failures(command: Command, { data, database }: CommandContext): readonly Row[] {
  const name = nameIn(command);
  return data
    .exportHistory(database, name)
    .failures.map(({ on, operationId, lastSuccessOn, isPartial, details }) => [
      ...[
        ticksOf(on),
        operationId,
        name,
        ticksOrNull(lastSuccessOn),
        isPartial ? 'PartialFailure' : 'Failure',
        details,
      ],
    ]);
}

/** Those that are due and wait for their turn. */
function pending({ data, clock }: CommandContext): readonly Row[] {
  const ingestedTo = Number((data.cursor() - unixEpochTicks) / 10n);
  return data.databases().flatMap(({ name: database }) =>
    data
      .continuousExports(database)
      .filter((one) => !one.isRunning && (exportDueOn(one, ingestedTo) ?? Infinity) <= instant(clock.now()))
      .map((one) => rowOf({ database }, one)),
  );
}

const example =
  '.create-or-alter continuous-export C over (T) to table E with (intervalBetweenRuns=1h, forcedLatency=10m, sizeLimit=104857600) <| T';

/** @see Kusto "Continuous data export overview" and its commands */
export const continuousExportCommands: readonly CommandRow[] = [
  { kinds: { CreateOrAlterContinuousExport: example }, permission: 'admin', columns: shownColumns, run: put },
  {
    kinds: { ShowContinuousExports: '.show continuous-exports' },
    permission: 'metadata',
    columns: shownColumns,
    run: (_command, context) => context.data.continuousExports(context.database).map((one) => rowOf(context, one)),
  },
  {
    kinds: { ShowContinuousExport: '.show continuous-export C' },
    permission: 'metadata',
    columns: shownColumns,
    run: (command, context) => [rowOf(context, context.data.continuousExport(context.database, nameIn(command)))],
  },
  {
    kinds: { ShowContinuousExportExportedArtifacts: '.show continuous-export C exported-artifacts' },
    permission: 'monitor',
    columns: artifactColumns,
    run: artifacts,
  },
  {
    kinds: { ShowContinuousExportFailures: '.show continuous-export C failures' },
    permission: 'monitor',
    columns: failureColumns,
    run: failures,
  },
  {
    kinds: { EnableContinuousExport: '.enable continuous-export C' },
    permission: 'admin',
    columns: shownColumns,
    run: changed(false),
  },
  {
    kinds: { DisableContinuousExport: '.disable continuous-export C' },
    permission: 'admin',
    columns: shownColumns,
    run: changed(true),
  },
  {
    kinds: { SetContinuousExportCursor: ".set continuous-export C cursor to '638000000000000000'" },
    permission: 'admin',
    columns: shownColumns,
    run: setCursor,
  },
  {
    kinds: { DropContinuousExport: '.drop continuous-export C' },
    permission: 'admin',
    columns: shownColumns,
    run: drop,
  },
  {
    kinds: { ShowClusterPendingContinuousExports: '.show cluster pending continuous-exports' },
    permission: 'clusterMonitor',
    columns: shownColumns,
    run: (_command, context) => pending(context),
  },
];
