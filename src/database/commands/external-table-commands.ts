import { invariant } from '../../base/invariant.ts';
import type { ExternalPartition, ExternalTableView } from '../catalog/external-table.ts';
import { shownConnection } from '../catalog/external-table.ts';
import { namesIdentity } from '../ingest/data-source.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { recorded } from './export-commands.ts';
import { destinationOf } from './export-destination.ts';
import { isTrue } from './export-properties.ts';
import { definition, withDeltaSchema } from './external-table-definition.ts';
import { operationIdColumns } from './operation-record.ts';
import { ownPrincipals, requirePermission } from './permissions.ts';
import { requireReadable } from './query-request.ts';
import { targetIn } from './run-export.ts';
import { clrTypes, cslSchema } from './schema-text.ts';

const tableColumns =
  'TableName: string, TableType: string, Folder: string, DocString: string, Properties: string, ConnectionStrings: dynamic, Partitions: dynamic, PathFormat: string';
const changedColumns =
  'TableName: string, TableType: string, Folder: string, DocString: string, Schema: string, Properties: string';
const schemaColumns = 'TableName: string, Schema: string, DatabaseName: string, Folder: string, DocString: string';
const exportedColumns = 'ExternalTableName: string, Path: string, NumRecords: long, SizeInBytes: long';

const functionNames: Readonly<Record<string, string>> = {
  startofday: 'StartOfDay',
  startofweek: 'StartOfWeek',
  startofmonth: 'StartOfMonth',
  startofyear: 'StartOfYear',
  bin: 'Bin',
};

const partitionJson = ({ name, of }: ExternalPartition, ordinal: number): object => ({
  ...(of?.call === 'hash' ? { Mod: Number(of.argument) } : {}),
  ...(of?.call === undefined || of.call === 'hash'
    ? {}
    : { Function: functionNames[of.call.toLowerCase()] ?? of.call }),
  ...{ Name: name, ColumnName: of?.column ?? null, Ordinal: ordinal },
});

function propertiesJson({ format, properties }: ExternalTableView): string {
  const { compressed, compressionType, fileExtension, includeHeaders, encoding, namePrefix } = properties;
  return JSON.stringify({
    Format: `${format.slice(0, 1).toUpperCase()}${format.slice(1).toLowerCase()}`,
    ...{
      Compressed: isTrue(compressed),
      CompressionType: compressionType ?? null,
      FileExtension: fileExtension ?? null,
    },
    ...{ IncludeHeaders: includeHeaders ?? 'None', Encoding: encoding ?? null, NamePrefix: namePrefix ?? null },
  });
}

const tableType = ({ kind }: ExternalTableView): string => (kind === 'delta' ? 'Delta' : 'Blob');

const tableRow = (table: ExternalTableView): Row => [
  ...[table.name, tableType(table), table.folder, table.docstring, propertiesJson(table)],
  JSON.stringify(table.connections.map(shownConnection)),
  ...[JSON.stringify(table.partitions.map(partitionJson)), table.pathFormat],
];

const columnsJson = ({ columns }: ExternalTableView): object[] =>
  columns.map(({ name, type }) => ({ Name: name, Type: clrTypes[type], CslType: type, DocString: '' }));

const modes = {
  CreateStorageExternalTable: 'create',
  AlterStorageExternalTable: 'alter',
  CreateOrAlterStorageExternalTable: 'createOrAlter',
} as const;

async function put(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const mode = Object.entries(modes).find(([kind]) => kind === command.kind)?.[1];
  invariant(mode, 'rows of this family have a mode each');
  const { data, database } = context;
  const table = definition(command, context);
  const exists = data.externalTables(database).some(({ name }) => name === table.name);
  if (exists || mode === 'alter') requirePermission(context, 'externalTableAdmin', database, command.kind, table.name);
  else requirePermission(context, 'create', database, command.kind);
  // Whoever reads the table then does so as that identity.
  if (table.connections.some(namesIdentity)) requirePermission(context, 'clusterAdmin', database, command.kind);
  // Addresses that lead nowhere are refused where they are written.
  for (const connection of table.connections) targetIn(context, connection, 'ExternalTable');
  const whole = table.kind === 'delta' ? await withDeltaSchema(table, context) : table;
  const made = await data.putExternalTable(database, { ...whole, ...ownPrincipals(context) }, mode);
  if (mode === 'create') return [tableRow(made)];
  const schema = JSON.stringify(made.columns.map(({ name, type }) => ({ Name: name, CslType: type })));
  return [[made.name, tableType(made), made.folder, made.docstring, schema, propertiesJson(made)]];
}

function schemaRow(command: Command, { data, database }: CommandContext): Row {
  const table = data.externalTable(database, command.required('ExternalTableName'));
  const json = (): string =>
    JSON.stringify({
      ...{ Name: table.name, Folder: table.folder, DocString: table.docstring, OrderedColumns: columnsJson(table) },
    });
  return [table.name, command.has('json') ? json() : cslSchema(table.columns), database, table.folder, table.docstring];
}

async function drop(command: Command, { data, database }: CommandContext): Promise<readonly Row[]> {
  const name = command.required('ExternalTableName');
  const found = data.externalTables(database).find((one) => one.name === name);
  if (found === undefined && command.has('ifexists')) return [];
  await data.dropExternalTable(database, name);
  return found === undefined ? [] : [tableRow(found)];
}

const exportProperties = [
  ...(['sizeLimit', 'parquetRowGroupSize', 'distribution', 'distributed', 'persistDetails'] as const),
];

async function exportToTable(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { data, database } = context;
  const table = data.externalTable(database, command.required('ExternalTableName'));
  const { query, queryText, text } = command;
  invariant(query, 'the parser gives the query of this command');
  requireReadable(context, query, command.kind);
  const properties = command.properties(exportProperties);
  const work = { text, query, queryText, ...destinationOf(table, properties, context) };
  return recorded(command, context, work, properties.persistDetails, exportedColumns, (blob) => [
    ...[table.name, blob.path, BigInt(blob.rows), BigInt(blob.bytes)],
  ]);
}

const example = (verb: string): string =>
  `.${verb} external table E (A: long, B: string) kind=storage dataformat=csv (h@'https://account.blob.core.windows.net/box;secretKey') with (folder="F")`;

/** @see Kusto "Create and alter Azure Storage external tables", ".show external tables", ".export to an external table" */
export const externalTableCommands: readonly CommandRow[] = [
  {
    kinds: { CreateStorageExternalTable: example('create') },
    permission: 'metadata',
    columns: tableColumns,
    run: put,
  },
  {
    kinds: {
      AlterStorageExternalTable: example('alter'),
      CreateOrAlterStorageExternalTable: example('create-or-alter'),
    },
    permission: 'metadata',
    columns: changedColumns,
    run: put,
  },
  {
    kinds: { ShowExternalTables: ['.show external tables', 'show external tables'] },
    parsed: true,
    permission: 'metadata',
    columns: tableColumns,
    run: (_command, { data, database }) => data.externalTables(database).map(tableRow),
  },
  {
    kinds: { ShowExternalTable: ['.show external table E', 'show external table {ExternalTableName}'] },
    parsed: true,
    permission: 'metadata',
    columns: tableColumns,
    run: (command, { data, database }) => [
      tableRow(data.externalTable(database, command.required('ExternalTableName'))),
    ],
  },
  {
    kinds: {
      ShowExternalTableSchema: '.show external table E schema as json',
      ShowExternalTableCslSchema: '.show external table E cslschema',
    },
    permission: 'metadata',
    columns: schemaColumns,
    run: (command, context) => [schemaRow(command, context)],
  },
  {
    kinds: {
      DropExternalTable: [
        '.drop external table E',
        'drop external table {ExternalTableName}',
        'drop external table {ExternalTableName} ifexists',
      ],
    },
    permission: 'externalTableAdmin',
    columns: tableColumns,
    run: drop,
  },
  {
    kinds: { ExportToExternalTable: '.export to table E <| print A = 1, B = "one"' },
    permission: 'externalTableAdmin',
    columns: (command) => (command.has('async') ? operationIdColumns : exportedColumns),
    run: exportToTable,
  },
];
