import { createHash } from 'node:crypto';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { OperationRecord } from '../catalog/operations.ts';
import type { TableView } from '../catalog/catalog-view.ts';
import { withoutSecurity } from '../catalog/views.ts';
import type { Plan } from '../../kql/plan/plan.ts';
import { tablesOf } from '../../kql/plan/walk.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { translateCondition } from '../../kql/translate-condition.ts';
import { innerText } from '../../kql/values/literal-text.ts';
import { parseDatetime, ticksPerMillisecond, ticksPerSecond, unixEpochTicks } from '../../kql/values/ticks.ts';
import type { Command, CommandRow, Row } from './command.ts';
import { readResult } from './command-pipe.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOf } from './instants.ts';
import { operationOf, runRecorded } from './operation-record.ts';
import { isAllowed } from './permissions.ts';
import { queryRequest } from './query-request.ts';
import { quotedName } from './schema-text.ts';

const purgeColumns =
  'OperationId: guid, DatabaseName: string, TableName: string, ScheduledTime: datetime, Duration: timespan, LastUpdatedOn: datetime, EngineOperationId: string, State: string, StateDetails: string, EngineStartTime: datetime, EngineDuration: timespan, Retries: int, ClientRequestId: string, Principal: string';
const firstStepColumns = 'NumRecordsToPurge: long, EstimatedPurgeExecutionTime: timespan, VerificationToken: string';

const operationName = 'DataPurge';
const predicateMax = 63 * 1024;
const properties = ['noregrets', 'verificationtoken'] as const;

const isCertain = (command: Command): boolean => {
  const { noregrets, verificationtoken } = command.properties(properties);
  return /^(true|1)$/i.test(noregrets ?? '') || verificationtoken !== undefined;
};

/** Says again what the first step said: the table and the predicate. */
function tokenOf(context: CommandContext, table: TableView, predicate: string): string {
  const said = [context.cluster.uri, table.tableId, predicate.trim()];
  return createHash('sha256').update(JSON.stringify(said)).digest('hex');
}

function purgedTable(command: Command, context: CommandContext): TableView {
  const { purgeEnabled, data } = context;
  if (!purgeEnabled) throw new KqlError('notSupported', 'Purge is not enabled on the cluster (enablePurge).');
  return data.table(command.databaseName(context), command.required('TableName'));
}

/** First step: what would go, and the token that the second needs; second step, or `noregrets`: it goes. */
async function purgeRecords(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const table = purgedTable(command, context);
  const predicate = command.raw.trim();
  if (predicate.length > predicateMax)
    throw new KqlError('limits', `A purge predicate has at most ${predicateMax} characters.`);
  const condition = await conditionOf(table, predicate, context);
  if (!isCertain(command))
    return [[await countRows(table, predicate, context), ticksPerSecond, tokenOf(context, table, predicate)]];
  requireToken(command, tokenOf(context, table, predicate));
  const opened = await context.data.sources(context.caller.fqn).open(table.database, table.name);
  const { columns } = opened;
  opened.release();
  const facts = {
    now: ticksOf(context.clock.now()),
    database: table.database,
    cluster: context.cluster.name,
    parameters: new Map(),
  };
  const sql = translateCondition(condition, columns, facts);
  return [await recorded(context, table, () => context.data.purge(table.database, table.name, sql))];
}

async function purgeAll(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const table = purgedTable(command, context);
  if (!isCertain(command))
    return [[await countRows(table, '', context), ticksPerSecond, tokenOf(context, table, 'allrecords')]];
  requireToken(command, tokenOf(context, table, 'allrecords'));
  const work = async (): Promise<number> => {
    const { rowCount } = context.data.tableStatistics(table.database, table.name);
    await context.data.clearTable(table.database, table.name);
    return rowCount;
  };
  return [await recorded(context, table, work)];
}

function requireToken(command: Command, token: string): void {
  const { verificationtoken } = command.properties(properties);
  if (verificationtoken !== undefined && verificationtoken !== token) {
    throw new KqlError('semantic', 'The verification token does not belong to this purge.');
  }
}

async function countRows(table: TableView, predicate: string, context: CommandContext): Promise<bigint> {
  const filter = predicate === '' ? '' : ` | ${predicate.replace(/^\|/, '')}`;
  const text = `${quotedName(table.name)}${filter} | count`;
  const asked = queryRequest(context, text);
  // Row level security decides what is shown; what a law wants removed goes, whoever sees it.
  const request = { ...asked, database: table.database, catalog: withoutSecurity(asked.catalog) };
  const { rows } = await readResult(await context.engine.execute(request));
  const count = rows[0]?.[0];
  return typeof count === 'bigint' ? count : 0n;
}

/** A single `where` over this table alone. @throws KqlError */
async function conditionOf(
  table: TableView,
  predicate: string,
  context: CommandContext,
): Promise<Extract<Plan, { op: 'filter' }>['condition']> {
  const text = `.append ${quotedName(table.name)} <| ${quotedName(table.name)} | ${predicate.replace(/^\|/, '')}`;
  const parsed = await context.engine.parseCommand({
    text,
    database: table.database,
    catalog: withoutSecurity(context.data.kqlCatalog(context.caller.fqn)),
    signal: context.signal,
  });
  const plan = parsed.query?.results[0]?.plan;
  const isPlain =
    parsed.query?.results.length === 1 && tablesOf(parsed.query).length === 1 && parsed.query.lets.length === 0;
  if (plan?.op !== 'filter' || plan.input.op !== 'table' || !isPlain) {
    throw new KqlError('semantic', "A purge predicate is one 'where' over the purged table alone.");
  }
  return plan.condition;
}

async function recorded(context: CommandContext, table: TableView, work: () => Promise<number>): Promise<Row> {
  const operation = {
    ...operationOf({ ...context, database: table.database }, operationName),
    status: statusOf(table.name),
  };
  // What a purge has taken away does not come back with a table that was dropped before it.
  await runRecorded(context, operation, async () => {
    await context.data.forgetDroppedTables(table.database);
    return work();
  });
  const lastUpdatedOn = context.clock.now();
  return purgeRow({ ...operation, lastUpdatedOn, state: 'Completed' }, context.clientRequestId);
}

const statusOf = (table: string): string => `Table: ${table}`;
const tableOfStatus = (status: string): string => (status.startsWith('Table: ') ? status.slice('Table: '.length) : '');

function purgeRow(one: OperationRecord, clientRequestId: string): Row {
  const duration = BigInt(Math.max(0, Math.round(one.lastUpdatedOn - one.startedOn))) * ticksPerMillisecond;
  const table = tableOfStatus(one.status);
  return [
    ...[
      one.operationId,
      one.database,
      table,
      ticksOf(one.startedOn),
      duration,
      ticksOf(one.lastUpdatedOn),
      one.operationId,
    ],
    ...[one.state, table === '' ? one.status : '', ticksOf(one.startedOn), duration, 0, clientRequestId, one.principal],
  ];
}

/** A date in quotes. @throws KqlError `syntax` */
function timeOf(command: Command, name: string): Instant | undefined {
  const text = command.optional(name);
  if (text === undefined) return undefined;
  const ticks = parseDatetime(innerText(text));
  if (ticks === undefined) throw new KqlError('syntax', `'${text.slice(0, 50)}' is not a date.`);
  return instant(Number((ticks - unixEpochTicks) / ticksPerMillisecond));
}

function showPurges(command: Command, context: CommandContext): readonly Row[] {
  const id = command.optional('OperationId')?.toLowerCase();
  const named = command.optional('DatabaseName');
  const database = named === undefined ? undefined : context.data.database(named).name;
  const [from, to] = [timeOf(command, 'From'), timeOf(command, 'To')];
  return context.data
    .operations()
    .filter(({ operation, operationId }) => operation === operationName && (id === undefined || operationId === id))
    .filter((one) => database === undefined || one.database === database)
    .filter(({ startedOn }) => (from === undefined || startedOn >= from) && (to === undefined || startedOn <= to))
    .filter((one) => isAllowed(context, 'admin', one.database))
    .map((one) => purgeRow(one, ''));
}

const columnsOfStep = (command: Command): string => (isCertain(command) ? purgeColumns : firstStepColumns);

/** @see Kusto "Data purge" */
export const purgeCommands: readonly CommandRow[] = [
  {
    kinds: {
      PurgeTableRecords: [
        '.purge table T records in database D with (noregrets="true") <| where A == 1',
        'purge table {TableName} records with <|',
        'purge table {TableName} records in database {DatabaseName} with <|',
        'purge async table {TableName} records in database {DatabaseName} with <|',
      ],
    },
    permission: 'admin',
    columns: columnsOfStep,
    run: purgeRecords,
  },
  {
    kinds: {
      PurgeTableAllRecords: [
        '.purge table T in database D allrecords with (noregrets="true")',
        'purge table {TableName} allrecords with',
        'purge table {TableName} in database {DatabaseName} allrecords with',
      ],
    },
    permission: 'admin',
    columns: columnsOfStep,
    run: purgeAll,
  },
  {
    kinds: {
      ShowPurges: [
        '.show purges',
        'show purges',
        'show purges {OperationId}',
        'show purge {OperationId}',
        'show purges in database {DatabaseName}',
        'show purges from {From}',
        'show purges from {From} in database {DatabaseName}',
        'show purges from {From} to {To}',
        'show purges from {From} to {To} in database {DatabaseName}',
      ],
    },
    permission: 'anyone',
    columns: purgeColumns,
    run: showPurges,
  },
];
