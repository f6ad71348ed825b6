import type { TableView } from '../catalog/catalog-view.ts';
import type { TableSchema } from '../catalog/schema.ts';
import { dataError, entityExists } from '../catalog/data-error.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { columnPath } from './column-path.ts';
import { ownPrincipals, requirePermission } from './permissions.ts';
import { clrTypes, columnType, cslSchema } from './schema-text.ts';
import { splitCommand } from './words.ts';

const schemaColumns = 'TableName: string, Schema: string, DatabaseName: string, Folder: string, DocString: string';
const tableColumns = 'TableName: string, DatabaseName: string, Folder: string, DocString: string';
const columnColumns = 'EntityName: string, DataType: string, Policy: string';

const schemaJson = (table: TableView): string =>
  JSON.stringify({
    Name: table.name,
    OrderedColumns: table.columns.map(({ name, type }) => ({ Name: name, Type: clrTypes[type], CslType: type })),
  });
const schemaRow = (table: TableView): Row => [
  table.name,
  schemaJson(table),
  table.database,
  table.folder,
  table.docstring,
];
export const tableRow = (table: TableView): Row => [table.name, table.database, table.folder, table.docstring];

/** The tables that a command lists with their columns; `with (folder, docstring)` holds for all of them. */
function schemasOf(command: Command): TableSchema[] {
  const texts = command.properties(['docstring', 'folder']);
  const tables: { readonly name: string; readonly columns: Column[] }[] = [];
  let column: string | undefined;
  for (const leaf of command.leaves) {
    const text = typeof leaf.value === 'string' ? leaf.value : leaf.text;
    if (leaf.name === 'TableName') tables.push({ name: text, columns: [] });
    else if (leaf.name === 'ColumnName') column = text;
    else if (leaf.name === 'ColumnType' && column !== undefined)
      tables.at(-1)?.columns.push({ name: column, type: columnType(text) });
  }
  return tables.map((table) => ({ ...table, ...texts }));
}

async function createTables(command: Command, context: CommandContext): Promise<readonly TableView[]> {
  return context.data.createTables(context.database, owned(schemasOf(command), context));
}

const owned = (schemas: readonly TableSchema[], context: CommandContext): readonly TableSchema[] =>
  schemas.map((schema) => ({ ...schema, ...ownPrincipals(context) }));

/** A table that exists already is somebody's: to add columns to it takes more than to create one. */
async function mergeTables(command: Command, context: CommandContext): Promise<readonly TableView[]> {
  const { data, database } = context;
  const schemas = schemasOf(command);
  for (const { name } of schemas)
    if (data.database(database).tables.has(name))
      requirePermission(context, 'tableAdmin', database, command.kind, name);
  return data.createMergeTables(database, owned(schemas, context));
}

async function createLike(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { data, database } = context;
  const source = data.table(database, command.required('TableName'));
  const name = command.required('NewTableName');
  const given = command.properties(['docstring', 'folder']);
  if (data.database(database).tables.has(name) && !command.has('ifnotexists')) throw entityExists('Table', name);
  const columns = source.columns.map((column) => ({ name: column.name, type: column.type }));
  const schema = { name, columns, folder: source.folder, docstring: source.docstring, ...given };
  return (await data.createTables(database, owned([schema], context))).map(schemaRow);
}

function onlySchema(command: Command): TableSchema {
  const [schema] = schemasOf(command);
  if (schema === undefined) throw new KqlError('syntax', 'The command names no table.');
  return schema;
}

/** New name → column, all of one table. */
async function renameColumns(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const paths = command.all('ColumnName').map((text) => columnPath(text, context));
  const names = command.all('NewColumnName');
  const [first] = paths;
  if (
    first === undefined ||
    paths.some(({ table, database }) => table !== first.table || database !== first.database)
  ) {
    throw new KqlError('notSupported', 'Renaming columns of several tables in one command is not supported.');
  }
  requirePermission(context, 'tableAdmin', first.database, command.kind, first.table);
  const renames = paths.map(({ column }, index) => ({ from: column, to: names[index] ?? column }));
  const table = await context.data.renameColumns(first.database, first.table, renames);
  return table.columns
    .filter(({ name }) => names.includes(name))
    .map(({ name, type }) => [`[${table.database}].[${table.name}].[${name}]`, clrTypes[type], '']);
}

async function dropColumn(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const named = command.optional('TableName');
  const { database, table, column } =
    named === undefined
      ? columnPath(command.required('ColumnName'), context)
      : { database: context.database, table: named, column: command.required('ColumnName') };
  requirePermission(context, 'tableAdmin', database, command.kind, table);
  return [schemaRow(await context.data.dropColumns(database, table, [column], command.has('ifexists')))];
}

async function alterColumnType(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { database, table, column } = columnPath(command.required('ColumnName'), context);
  requirePermission(context, 'tableAdmin', database, command.kind, table);
  const type = columnType(command.required('ColumnType'));
  const changed = await context.data.changeColumnType(database, table, column, type);
  return [[`[${changed.database}].[${changed.name}].[${column}]`, clrTypes[type], '']];
}

/** @returns the tables that remain, as the service does */
async function dropTables(command: Command, { data, database }: CommandContext): Promise<readonly Row[]> {
  await data.dropTables(database, command.all('TableName'), command.has('ifexists'));
  return [...data.database(database).tables.values()].map((table) => [table.name, table.database]);
}

async function renameTables(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { data, database } = context;
  const rest = command.leaves.find(({ name }) => name === 'Renames');
  const given = rest && command.text.slice(rest.start, rest.end);
  const to = command.all('NewTableName');
  const renames =
    given === undefined
      ? command.all('TableName').map((from, index) => ({ from, to: to[index] ?? from }))
      : renamesOf(given);
  if (given !== undefined)
    for (const { from } of renames) requirePermission(context, 'tableAdmin', database, command.kind, from);
  return (await data.renameTables(database, renames)).map(tableRow);
}

/** `NewName = OldName [ifexists], …`, which the parser does not read to its end. @throws KqlError `syntax` */
function renamesOf(text: string): { readonly from: string; readonly to: string; readonly ifExists: boolean }[] {
  const words = splitCommand(`.${text}`) ?? [];
  const renames: { from: string; to: string; ifExists: boolean }[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const [to, equals, from] = words.slice(at, at + 3);
    at += 3;
    const ifExists = words[at]?.text.toLowerCase() === 'ifexists';
    if (ifExists) at += 1;
    const isEnd = at === words.length || words[at]?.text === ',';
    if (to?.kind !== 'word' || equals?.text !== '=' || from?.kind !== 'word' || !isEnd)
      throw new KqlError('syntax', 'Tables are renamed as NewName = OldName [ifexists], and so on.');
    renames.push({ from: from.value ?? from.text, to: to.value ?? to.text, ifExists });
  }
  return renames;
}

async function columnDocstrings(command: Command, { data, database }: CommandContext): Promise<readonly Row[]> {
  const names = command.all('ColumnName');
  const texts = command.all('DocString');
  const table = data.table(database, command.required('TableName'));
  const missing = names.find((name) => !table.columns.some((column) => column.name === name));
  if (missing !== undefined) throw dataError('ColumnNotFound', missing.slice(0, 200));
  const docstrings = Object.fromEntries(names.map((name, index) => [name, texts[index] ?? '']));
  const merge = command.kind === 'AlterMergeTableColumnDocStrings';
  return [schemaRow(await data.setColumnDocstrings(database, table.name, docstrings, merge))];
}

/** @see Kusto "Tables management" */
export const tableCommands: readonly CommandRow[] = [
  {
    kinds: { CreateTable: '.create table T (A: long, B: string)' },
    permission: 'create',
    columns: schemaColumns,
    run: async (command, context) => (await createTables(command, context)).map(schemaRow),
  },
  {
    kinds: { CreateTables: '.create tables T (A: long), U (B: string)' },
    permission: 'create',
    columns: tableColumns,
    run: async (command, context) => (await createTables(command, context)).map(tableRow),
  },
  {
    kinds: { CreateTableBasedOnAnother: '.create table U based-on T' },
    permission: 'create',
    columns: schemaColumns,
    run: createLike,
  },
  {
    kinds: { CreateMergeTable: '.create-merge table T (A: long, C: real)' },
    permission: 'create',
    columns: schemaColumns,
    run: async (command, context) => (await mergeTables(command, context)).map(schemaRow),
  },
  {
    kinds: { CreateMergeTables: '.create-merge tables T (A: long), U (B: string)' },
    permission: 'create',
    columns: tableColumns,
    run: async (command, context) => (await mergeTables(command, context)).map(tableRow),
  },
  {
    kinds: { AlterTable: '.alter table T (A: long, B: string)' },
    permission: 'tableAdmin',
    columns: schemaColumns,
    run: async (command, { data, database }) => [schemaRow(await data.alterTable(database, onlySchema(command)))],
  },
  {
    kinds: { AlterMergeTable: '.alter-merge table T (C: real)' },
    permission: 'tableAdmin',
    columns: schemaColumns,
    run: async (command, { data, database }) => [schemaRow(await data.alterMergeTable(database, onlySchema(command)))],
  },
  {
    kinds: {
      AlterTableDocString: '.alter table T docstring "What it holds"',
      AlterTableFolder: '.alter table T folder "Raw"',
    },
    permission: 'tableAdmin',
    columns: schemaColumns,
    run: async (command, { data, database }) => {
      const docstring = command.optional('Documentation');
      const text = docstring === undefined ? { folder: command.required('Folder') } : { docstring };
      return [schemaRow(await data.setTableText(database, command.required('TableName'), text))];
    },
  },
  {
    kinds: {
      AlterTableColumnDocStrings: '.alter table T column-docstrings (A: "What it is")',
      AlterMergeTableColumnDocStrings: '.alter-merge table T column-docstrings (A: "What it is")',
    },
    permission: 'tableAdmin',
    columns: schemaColumns,
    run: columnDocstrings,
  },
  {
    kinds: {
      RenameTable: '.rename table T to U',
      RenameTables: ['.rename tables T = U, U = T', 'rename tables {...Renames}'],
    },
    permission: 'tableAdmin',
    columns: tableColumns,
    run: renameTables,
  },
  {
    kinds: { DropTable: '.drop table T ifexists', DropTables: '.drop tables (T, U) ifexists' },
    permission: 'tableAdmin',
    columns: 'TableName: string, DatabaseName: string',
    run: dropTables,
  },
  {
    kinds: { DropColumn: ['.drop column T.A', 'drop column {TableName} . {ColumnName} ifexists'] },
    permission: 'anyone',
    columns: schemaColumns,
    run: dropColumn,
  },
  {
    kinds: { AlterColumnType: '.alter column T.A type = string' },
    permission: 'anyone',
    columns: columnColumns,
    run: alterColumnType,
  },
  {
    kinds: { DropTableColumns: '.drop table T columns (A, B)' },
    permission: 'tableAdmin',
    columns: schemaColumns,
    run: async (command, { data, database }) => [
      schemaRow(await data.dropColumns(database, command.required('TableName'), command.all('ColumnName'), false)),
    ],
  },
  {
    kinds: { RenameColumn: '.rename column T.A to B', RenameColumns: '.rename columns B = T.A' },
    permission: 'anyone',
    columns: columnColumns,
    run: renameColumns,
  },
  {
    kinds: { ShowTableCslSchema: ['.show table T cslschema', 'show table {TableName} cslschema'] },
    parsed: true,
    permission: 'metadata',
    columns: schemaColumns,
    run: (command, { data, database }) => {
      const table = data.table(database, command.required('TableName'));
      return [[table.name, cslSchema(table.columns), table.database, table.folder, table.docstring]];
    },
  },
  {
    kinds: { ShowTableSchemaAsJson: '.show table T schema as json' },
    permission: 'metadata',
    columns: schemaColumns,
    run: (command, { data, database }) => [schemaRow(data.table(database, command.required('TableName')))],
  },
];
