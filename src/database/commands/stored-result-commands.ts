import { invariant } from '../../base/invariant.ts';
import type { ExtentView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { StoredResultView } from '../catalog/stored-result.ts';
import { storedMsMax } from '../catalog/stored-result.ts';
import type { Program } from '../../kql/plan/plan.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { innerText } from '../../kql/values/literal-text.ts';
import { parseTimespan, ticksPerMillisecond } from '../../kql/values/ticks.ts';
import type { Command, CommandRow, CommandTable, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { readResult, rowsMax, stringLiteral } from './command-pipe.ts';
import { commandProgram } from './command-program.ts';
import { ticksOf } from './instants.ts';
import { operationIdColumns, operationOf, startRecorded } from './operation-record.ts';
import { isAllowed } from './permissions.ts';
import { queryRequest, requireReadable } from './query-request.ts';

const viewColumns =
  'StoredQueryResultId: guid, Name: string, DatabaseName: string, PrincipalIdentity: string, SizeInBytes: long, RowCount: long, CreatedOn: datetime, ExpiresOn: datetime';

/** `distributed` says how the work is spread over nodes: here is one. */
const knownProperties = ['expiresAfter', 'previewCount', 'distributed'] as const;

async function set(command: Command, context: CommandContext): Promise<readonly Row[] | CommandTable> {
  const name = command.required('StoredQueryResultName');
  const { query } = command;
  invariant(query, 'the parser gives the query of these commands');
  if (command.has('ifnotexists'))
    throw new KqlError('notSupported', `'ifnotexists' is not supported in ${command.kind}.`);
  const properties = command.properties(knownProperties);
  const expiresAfterMs = expiresAfterOf(properties.expiresAfter);
  const previewCount = previewCountOf(properties.previewCount);
  requireReadable(context, query, command.kind);
  if (command.has('async')) {
    // Work that goes on after the answer does not end with the request.
    const detached = { ...context, signal: undefined };
    return startRecorded(context, operationOf(context, command.kind), () =>
      store(command, query, name, expiresAfterMs, detached),
    );
  }
  const { extents } = await store(command, query, name, expiresAfterMs, context);
  const rowCount = sum(extents, ({ rowCount: rows }) => rows);
  if (previewCount === 0 && rowCount > rowsMax)
    throw new KqlError(
      'limits',
      `All ${rowCount} rows are stored, but a command answers at most ${rowsMax}: read them with stored_query_result(), or let the command answer fewer with previewCount.`,
    );
  const take = previewCount === 0 ? '' : ` | take ${previewCount}`;
  const text = `stored_query_result(${stringLiteral(name)})${take}`;
  return readResult(await context.engine.execute(queryRequest(context, text)));
}

const sum = (extents: readonly ExtentView[], value: (extent: ExtentView) => number): number =>
  extents.reduce((total, extent) => total + value(extent), 0);

/** Only the first result of a query is stored. */
async function store(
  command: Command,
  query: Program,
  name: string,
  expiresAfterMs: number,
  context: CommandContext,
): Promise<StoredResultView> {
  const { data, database, engine, caller } = context;
  const { text, queryText } = command;
  const source = commandProgram(context, 'query', { text, program: query });
  const [statement] = await engine.prepareRows(source, queryRequest(context, queryText));
  try {
    return await data.storeResult({
      database,
      name,
      principal: caller.fqn,
      rows: { kind: 'statement', statement },
      expiresAfterMs,
      existing: command.kind === 'StoredQueryResultSetOrReplace' ? 'replaced' : 'refused',
    });
  } finally {
    statement.close();
  }
}

function expiresAfterOf(text: string | undefined): number {
  if (text === undefined) return storedMsMax;
  const ticks = parseTimespan(innerText(text));
  if (ticks === undefined) throw new KqlError('semantic', `The property 'expiresAfter' is not a timespan.`);
  const milliseconds = Number(ticks / ticksPerMillisecond);
  if (milliseconds <= 0 || milliseconds > storedMsMax)
    throw new KqlError('semantic', `The property 'expiresAfter' must be more than 0 and at most 24 hours.`);
  return milliseconds;
}

/** How many rows are answered where nobody says how many. @see Kusto ".set stored_query_result command", previewCount */
const previewRows = 10_000;

/** 0: all rows. */
function previewCountOf(text: string | undefined): number {
  if (text === undefined) return previewRows;
  const digits = innerText(text);
  if (!/^\d{1,10}$/.test(digits) || Number(digits) > 2 ** 31 - 1)
    throw new KqlError('semantic', `The property 'previewCount' is not a number of rows.`);
  return Number(digits);
}

/** Administrators and monitors of the database know of all, others of their own. */
function visible({ data, database, caller }: CommandContext, all: boolean): readonly StoredResultView[] {
  return data.storedResults(database).filter(({ principal }) => all || principal === caller.fqn);
}

function own(command: Command, context: CommandContext): StoredResultView {
  const name = command.required('StoredQueryResultName');
  const found = visible(context, false).find((stored) => stored.name === name);
  if (found === undefined) throw dataError('StoredResultNotFound', name.slice(0, 200));
  return found;
}

async function drop(context: CommandContext, dropped: readonly StoredResultView[]): Promise<readonly Row[]> {
  await context.data.dropStoredResults(dropped.map(({ storedResultId }) => storedResultId));
  return dropped.map(viewRow);
}

const viewRow = (stored: StoredResultView): Row => [
  ...[stored.storedResultId, stored.name, stored.database, stored.principal],
  ...[
    BigInt(sum(stored.extents, ({ extentBytes }) => extentBytes)),
    BigInt(sum(stored.extents, ({ rowCount }) => rowCount)),
    ticksOf(stored.createdOn),
    ticksOf(stored.expiresOn),
  ],
];

/** As `.show` writes it; the tenant may be left out. */
const isPrincipal = (fqn: string, asked: string): boolean =>
  fqn.toLowerCase() === asked.toLowerCase() || fqn.toLowerCase().startsWith(`${asked.toLowerCase()};`);

/** @see Kusto "Stored query results" */
export const storedResultCommands: readonly CommandRow[] = [
  {
    kinds: {
      StoredQueryResultSet: '.set stored_query_result R <| T | count',
      StoredQueryResultSetOrReplace: '.set-or-replace stored_query_result R <| T | count',
    },
    permission: 'read',
    columns: (command) => (command.has('async') ? operationIdColumns : ''),
    run: set,
  },
  {
    kinds: { StoredQueryResultsShow: '.show stored_query_results' },
    permission: 'metadata',
    columns: viewColumns,
    run: (command, context) => {
      const name = command.optional('StoredQueryResultName');
      return visible(context, isAllowed(context, 'monitor', context.database))
        .filter((stored) => name === undefined || stored.name === name)
        .map(viewRow);
    },
  },
  {
    kinds: { StoredQueryResultShowSchema: '.show stored_query_result R schema' },
    permission: 'read',
    columns: 'StoredQueryResult: string, Schema: string',
    run: (command, context) => {
      const { name, columns } = own(command, context);
      return [[name, JSON.stringify(columns.map((column) => ({ Column: column.name, Type: column.type })))]];
    },
  },
  {
    kinds: { StoredQueryResultDrop: '.drop stored_query_result R' },
    permission: 'read',
    columns: viewColumns,
    run: (command, context) => drop(context, [own(command, context)]),
  },
  {
    kinds: { StoredQueryResultsDrop: '.drop stored_query_results by user "aaduser=…"' },
    permission: 'admin',
    columns: viewColumns,
    run: (command, context) => {
      const principal = command.required('Principal');
      return drop(
        context,
        visible(context, true).filter((stored) => isPrincipal(stored.principal, principal)),
      );
    },
  },
];
