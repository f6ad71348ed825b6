import { invariant } from '../../base/invariant.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import { isExternal } from '../../kql/plan/external-data.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Program } from '../../kql/plan/plan.ts';
import { quotedName } from '../../kql/plan/quoted.ts';
import { viewTable } from '../../kql/plan/hidden-tables.ts';
import { withRecordPlaces } from '../../kql/plan/record-rows.ts';
import { tablesOf } from '../../kql/plan/walk.ts';
import { withViewStates } from '../catalog/views.ts';
import { tagsOf } from '../ingest/extent-properties.ts';
import type { ChangeStatements, RowChange, RowChangeRequest } from '../ingest/row-changes.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { ingestedBy } from './ingestion-failure.ts';
import { noExtent } from './ingest-properties.ts';
import { operationIdColumns, recordedOrStarted } from './operation-record.ts';
import { requirePermission } from './permissions.ts';
import { isAsync, isTrue } from './queried-extents.ts';
import { queryRequest, requireReadable } from './query-request.ts';

const deletedColumns = 'OriginalExtentId: guid, ResultExtentId: guid, RecordsMatchPredicate: long';
const updatedColumns = 'Table: string, Action: string, ExtentId: guid, RowCount: long';

/** As the documentation of `.update` has it. */
const updatedMax = 5_000_000;

/** What one of these commands does. */
interface Change {
  readonly command: Command;
  readonly operation: string;
  /** Whose results are the records that go, and what comes. */
  readonly text: string;
  readonly request: Omit<RowChangeRequest, 'prepare' | 'by' | 'signal' | 'database' | 'whatIf'>;
  readonly isUpdate: boolean;
  readonly whatIf: boolean;
  /** The materialized view that records go from. */
  readonly view?: string;
  readonly rows: (change: RowChange) => readonly Row[];
}

/** With `whatif` nothing is recorded, since nothing is done. */
async function run(change: Change, context: CommandContext): Promise<readonly Row[]> {
  const { command, whatIf, rows } = change;
  // What is wrong with the query is said before anything is begun.
  await compiled(change, context);
  if (whatIf) return rows(await changeRows(change, context));
  const columns = change.isUpdate ? updatedColumns : deletedColumns;
  return recordedOrStarted(context, change.operation, isAsync(command), columns, async (within) =>
    rows(await changeRows(change, within)),
  );
}

const changeRows = ({ request, whatIf, ...change }: Change, context: CommandContext): Promise<RowChange> =>
  context.data.changeRows({
    ...request,
    ...{ database: context.database, whatIf, signal: context.signal },
    by: ingestedBy(context, change.operation),
    prepare: async (tables): Promise<ChangeStatements> => {
      const { engine } = context;
      const program = await compiled({ request, whatIf, ...change }, context);
      const queried = { ...queryRequest(context, change.text, tables), catalog: catalogOf(change, context) };
      const [gone, added] = await engine.prepareRows({ compile: () => Promise.resolve(program) }, queried);
      return { gone, ...(added === undefined ? {} : { added }), close: () => gone.close() };
    },
  });

/** Of a materialized view the rows that were made so far stand for it: records of its source stay. */
function catalogOf({ view, text }: Pick<Change, 'view' | 'text'>, context: CommandContext): KqlCatalog {
  const { catalog } = queryRequest(context, text);
  return view === undefined ? catalog : withViewStates(catalog, context.database, view, 'stored');
}

/** @throws KqlError for queries that these commands do not take */
async function compiled(change: Change, context: CommandContext): Promise<Program> {
  const { command, text, request, isUpdate, view } = change;
  const { engine, database } = context;
  const catalog = catalogOf(change, context);
  const program = await engine.programOf({ text, database, catalog }).compile([]);
  const count = isUpdate && request.moved === undefined ? 2 : 1;
  if (program.results.length !== count)
    throw new KqlError('semantic', 'The query of this command must have no results but those that it names.');
  requireReadable(context, program, command.kind);
  for (const one of tablesOf(program)) requireTaken(one, context, isUpdate ? undefined : request.table, view);
  return withRecordPlaces(program, 0, {
    ...{ database, table: request.table, title: view ?? request.table, joined: isUpdate },
  });
}

/** @param only the one table that may be read; absent: all of the database */
function requireTaken(
  { database, table }: { readonly database: string; readonly table: string },
  context: CommandContext,
  only: string | undefined,
  title = only,
): void {
  if (isExternal(table)) throw new KqlError('semantic', 'The query of this command cannot read external data.');
  if (database !== context.database || (only !== undefined && table !== only))
    throw new KqlError(
      'semantic',
      only === undefined
        ? `The queries of this command read the database '${context.database}' alone.`
        : `The query of this command reads the table '${title}' alone.`,
    );
}

/** Places in the query are those in the command. */
const placed = ({ text, raw }: Command): string => ' '.repeat(text.length - raw.length) + raw;

function deleteRecords(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { whatif } = command.properties(['whatif']);
  const { name: table } = context.data.table(context.database, command.required('TableName'));
  const change: Change = {
    ...{ command, operation: 'TableRecordsDelete', text: placed(command), request: { table } },
    ...{ isUpdate: false, whatIf: isTrue(whatif), rows: deletedRows },
  };
  return run(change, context);
}

const deletedRows: Change['rows'] = ({ replaced }) =>
  replaced.map(({ extentId, result, goneCount }) => [extentId, result ?? null, BigInt(goneCount)]);

/** Rows of the source that came already are taken in before, so that none of them brings back what goes. */
async function deleteViewRecords(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { data, database } = context;
  const { whatif } = command.properties(['whatif']);
  const { name: view } = data.materializedView(database, command.required('MaterializedViewName'));
  const change: Change = {
    ...{ command, operation: 'MaterializedViewRecordsDelete', text: placed(command), view },
    ...{ request: { table: viewTable(view, 'materialized') }, isUpdate: false, whatIf: isTrue(whatif) },
    rows: deletedRows,
  };
  await compiled(change, context);
  await data.materialize(database, view);
  return run(change, context);
}

function update(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { data, database } = context;
  const { whatif, extentTagsToMove } = command.properties(['whatif', 'distributed', 'extentTagsToMove']);
  const { name: table } = data.table(database, command.required('TableName'));
  const moved = command.optional('SourceTableName');
  const appended = command.optional('AppendIdentifier');
  invariant((moved === undefined) !== (appended === undefined), 'either is said');
  if (moved === undefined && extentTagsToMove !== undefined)
    throw new KqlError('semantic', "The property 'extentTagsToMove' is for updates that move extents.");
  if (moved === table) throw new KqlError('semantic', 'Extents are moved from another table.');
  const from = moved === undefined ? undefined : data.table(database, moved).name;
  if (from !== undefined) requirePermission(context, 'tableAdmin', database, command.kind, from);
  const tags = extentTagsToMove === undefined ? undefined : tagsOf(extentTagsToMove);
  const results = [command.required('DeleteIdentifier'), ...(appended === undefined ? [] : [appended])];
  const change: Change = {
    ...{ command, operation: 'TableUpdate', isUpdate: true, whatIf: isTrue(whatif) },
    text: `${placed(command).replace(/[\s;]+$/, '')};\n${results.map(quotedName).join(';\n')}`,
    request: {
      ...{ table, goneMax: updatedMax },
      ...(from === undefined ? {} : { moved: { table: from, ...(tags === undefined ? {} : { tags }) } }),
    },
    rows: ({ replaced, created }) => [
      ...replaced.map(({ extentId, goneCount }): Row => [table, 'Delete', extentId, BigInt(goneCount)]),
      ...created.map(({ extentId, rowCount }): Row => [table, 'Create', extentId ?? noExtent, BigInt(rowCount)]),
    ],
  };
  return run(change, context);
}

/** @see Kusto ".delete table records", ".delete materialized-view records", ".update table" */
export const rowChangeCommands: readonly CommandRow[] = [
  {
    kinds: {
      DeleteTableRecords: [
        '.delete table T records <| T | where A == 1',
        'delete table {TableName} records with <|',
        'delete async table {TableName} records with <|',
      ],
    },
    permission: 'admin',
    columns: (command) => (isAsync(command) ? operationIdColumns : deletedColumns),
    run: deleteRecords,
  },
  {
    kinds: {
      DeleteMaterializedViewRecords: [
        '.delete materialized-view V records <| V | where A == 1',
        'delete materialized-view {MaterializedViewName} records with <|',
        'delete async materialized-view {MaterializedViewName} records with <|',
      ],
    },
    permission: 'admin',
    columns: (command) => (isAsync(command) ? operationIdColumns : deletedColumns),
    run: deleteViewRecords,
  },
  {
    kinds: {
      TableDataUpdate: [
        '.update table T delete D append A <| let D = T | where A == 1; let A = D | extend B = "one"',
        'update table {TableName} delete {DeleteIdentifier} append {AppendIdentifier} with <|',
        'update async table {TableName} delete {DeleteIdentifier} append {AppendIdentifier} with <|',
        'update table {TableName} delete {DeleteIdentifier} move {SourceTableName} with <|',
        'update async table {TableName} delete {DeleteIdentifier} move {SourceTableName} with <|',
      ],
    },
    permission: 'tableAdmin',
    columns: (command) => (isAsync(command) ? operationIdColumns : updatedColumns),
    run: update,
  },
];
