import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { AppendRequest } from '../ingest/ingest-request.ts';
import type { ExtentView } from '../catalog/catalog-view.ts';
import { DataError, entityExists } from '../catalog/data-error.ts';
import type { Program } from '../../kql/plan/plan.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { RowStatement } from '../../kql/query-engine.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { commandProgram } from './command-program.ts';
import { ingestedBy } from './ingestion-failure.ts';
import { creationTimeOf, tagsOf } from '../ingest/extent-properties.ts';
import { isIngestedAlready, noExtent } from './ingest-properties.ts';
import { operationIdColumns, operationOf, runRecorded, startRecorded, stoppable } from './operation-record.ts';
import { ownPrincipals, requirePermission } from './permissions.ts';
import { queryRequest, requireReadable } from './query-request.ts';

export const extentColumns =
  'ExtentId: guid, OriginalSize: long, ExtentSize: long, ColumnSize: long, IndexSize: long, RowCount: long';

const modes = {
  SetTable: { operation: 'TableSet', replace: false, existing: 'refused', missing: 'created' },
  AppendTable: { operation: 'TableAppend', replace: false, existing: 'used', missing: 'refused' },
  SetOrAppendTable: { operation: 'TableSetOrAppend', replace: false, existing: 'used', missing: 'created' },
  SetOrReplaceTable: { operation: 'TableSetOrReplace', replace: true, existing: 'used', missing: 'created' },
} as const;
type Mode = (typeof modes)[keyof typeof modes];

const knownProperties = [
  'tags',
  'creationTime',
  'extend_schema',
  'recreate_schema',
  'persistDetails',
  'ingestIfNotExists',
  'distributed',
  'folder',
  'docstring',
  'policy_ingestiontime',
] as const;
type Properties = Partial<Record<(typeof knownProperties)[number], string>>;

const isTrue = (text: string | undefined): boolean => text?.toLowerCase() === 'true';

function modeOf(kind: string): Mode {
  const found = Object.entries(modes).find(([name]) => name === kind)?.[1];
  invariant(found, 'rows of this family have a mode each');
  return found;
}

/** To add rows takes less than to make a table, and to replace the rows of one takes its administrator. */
function requireMode(mode: Mode, exists: boolean, table: string, command: Command, context: CommandContext): void {
  const { database, data } = context;
  if (exists && mode.existing === 'refused') throw entityExists('Table', table);
  if (!exists && mode.missing === 'refused') data.table(database, table);
  if (!exists) requirePermission(context, 'create', database, command.kind);
  else requirePermission(context, mode.replace ? 'tableAdmin' : 'tableIngest', database, command.kind, table);
}

async function append(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const mode = modeOf(command.kind);
  const table = command.required('TableName');
  const properties: Properties = command.properties(knownProperties);
  const exists = context.data.database(context.database).tables.has(table);
  requireMode(mode, exists, table, command, context);
  if (isTrue(properties.recreate_schema) && !mode.replace)
    throw new KqlError('notSupported', `The property 'recreate_schema' is not supported in ${command.kind}.`);
  const { query } = command;
  invariant(query, 'the parser gives the query of these commands');
  requireReadable(context, query, command.kind);
  if (exists && isIngestedAlready(properties.ingestIfNotExists, table, context)) return [emptyRow];
  const operation = operationOf(context, mode.operation);
  const work = (outer: CommandContext) => (): Promise<Row> => stoppable(outer, operation, (within) => appended(within));
  const appended = async (within: CommandContext): Promise<Row> => {
    try {
      return await runAppend(query, command, mode, table, properties, within);
    } catch (error) {
      // Another command has made the table since this one began; now it is one to append to.
      if (exists || mode.existing === 'refused' || !isEntityExists(error)) throw error;
      requireMode(mode, true, table, command, context);
      if (isIngestedAlready(properties.ingestIfNotExists, table, within)) return emptyRow;
      return runAppend(query, command, mode, table, properties, within);
    }
  };
  if (command.has('async')) {
    // Work that goes on after the answer does not end with the request.
    const detached = { ...context, signal: undefined };
    return startRecorded(context, operation, work(detached), detailsOf(properties));
  }
  return [await runRecorded(context, operation, work(context), detailsOf(properties))];
}

const isEntityExists = (error: unknown): boolean => error instanceof DataError && error.code === 'EntityExists';

/** For `.show operation details`, when they are asked for. */
const detailsOf = ({ persistDetails }: Properties) =>
  isTrue(persistDetails) ? (row: Row) => JSON.stringify([row.map((value) => String(value))]) : undefined;

async function runAppend(
  query: Program,
  command: Command,
  mode: Mode,
  table: string,
  properties: Properties,
  context: CommandContext,
): Promise<Row> {
  const { data, database, engine } = context;
  const { text, queryText } = command;
  const source = commandProgram(context, 'query', { text, program: query });
  const statement = onlyOne(await engine.prepareRows(source, queryRequest(context, queryText)));
  try {
    const change = tableChange(table, statement.columns, properties, context);
    const tags = tagsOf(properties.tags);
    const creationTime = creationTimeOf(properties.creationTime);
    const { extent } = await data.append({
      database,
      table,
      rows: { kind: 'statement', statement },
      replace: mode.replace,
      by: ingestedBy(context, mode.operation),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
      ...(change === undefined ? {} : { change }),
      ...(tags.length === 0 ? {} : { tags }),
      ...(creationTime === undefined ? {} : { creationTime }),
    });
    return extentRow(extent);
  } finally {
    statement.close();
  }
}

function onlyOne([statement, ...others]: readonly [RowStatement, ...RowStatement[]]): RowStatement {
  if (others.length === 0) return statement;
  statement.close();
  throw new KqlError('semantic', 'The query of this command must have exactly one result.');
}

/** Checks that the rows fit the table that is there: by position and type.
 * @returns what the commit is to do to the table; undefined: nothing */
function tableChange(
  name: string,
  columns: readonly Column[],
  properties: Properties,
  context: CommandContext,
): AppendRequest['change'] {
  const { data, database } = context;
  if (columns.some((column) => column.name.includes('$')))
    throw new KqlError('semantic', 'Names of columns must not contain $.');
  const { folder, docstring } = properties;
  const texts = { ...(folder === undefined ? {} : { folder }), ...(docstring === undefined ? {} : { docstring }) };
  const table = data.database(database).tables.get(name);
  if (table === undefined) {
    const isUntimed = properties.policy_ingestiontime?.toLowerCase() === 'false';
    const policies = isUntimed ? { policies: { ingestiontime: { IsEnabled: false } } } : {};
    return { how: 'create', schema: { columns, ...texts, ...policies, ...ownPrincipals(context) } };
  }
  if (isTrue(properties.recreate_schema)) {
    requirePermission(context, 'tableAdmin', database, 'AlterTable', name);
    return { how: 'recreate', schema: { columns } };
  }
  const added = columns.slice(table.columns.length);
  if (added.length > 0 && isTrue(properties.extend_schema)) {
    requirePermission(context, 'tableAdmin', database, 'AlterMergeTable', name);
    requireSameTypes(columns.slice(0, table.columns.length), table.columns);
    return { how: 'extend', schema: { columns: added } };
  }
  requireSameTypes(columns, table.columns);
  return undefined;
}

function requireSameTypes(query: readonly Column[], table: readonly Column[]): void {
  if (query.length === table.length && query.every(({ type }, index) => type === table[index]?.type)) return;
  const list = (columns: readonly Column[]): string => columns.map(({ type }) => `'${type}'`).join(',');
  throw new KqlError(
    'semantic',
    `Query schema does not match table schema. QuerySchema=(${list(query)}), TableSchema=(${list(table)}).`,
  );
}

const emptyRow: Row = [noExtent, 0n, 0n, 0n, 0n, 0n];

function extentRow(extent: ExtentView | undefined): Row {
  if (extent === undefined) return emptyRow;
  const bytes = BigInt(extent.extentBytes);
  const extentId: Guid = extent.extentId;
  return [extentId, BigInt(extent.originalBytes), bytes, bytes, 0n, BigInt(extent.rowCount)];
}

/** @see Kusto "Ingest from query" */
export const appendCommands: readonly CommandRow[] = [
  {
    kinds: {
      SetTable: '.set T <| range A from 1 to 10 step 1',
      AppendTable: '.append T <| print A = 1, B = "one"',
      SetOrAppendTable: '.set-or-append T <| range A from 1 to 10 step 1',
      SetOrReplaceTable: '.set-or-replace T <| print A = 1, B = "one"',
    },
    permission: 'anyone',
    columns: (command) => (command.has('async') ? operationIdColumns : extentColumns),
    run: append,
  },
];
