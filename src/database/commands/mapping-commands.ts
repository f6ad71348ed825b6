import type { MappingKind, MappingView } from '../catalog/catalog-view.ts';
import { mappingKinds } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOf } from './instants.ts';
import { visibleDatabases } from './database-commands.ts';

export const tableMappingColumns =
  'Name: string, Kind: string, Mapping: string, LastUpdatedOn: datetime, Database: string, Table: string';
const databaseColumns = 'Name: string, Kind: string, Mapping: string, LastUpdatedOn: datetime, Database: string';

export const kindNames = {
  ...{ csv: 'Csv', json: 'Json', parquet: 'Parquet', avro: 'Avro', orc: 'Orc', w3clogfile: 'W3CLogFile' },
} as const satisfies Record<MappingKind, string>;

const tableRow = (one: MappingView, database: string, table: string): Row => [...databaseRow(one, database), table];
const databaseRow = (one: MappingView, database: string): Row => [
  ...[one.name, kindNames[one.kind], one.mapping, ticksOf(one.lastUpdatedOn), database],
];

/** @throws DataError for a kind that ingestion does not read */
function mappingKind(text: string): MappingKind {
  const kind = mappingKinds.find((one) => one === text.toLowerCase());
  if (kind === undefined) throw dataError('FormatNotSupported', text.slice(0, 50));
  return kind;
}

/** Filters by kind and name, as far as the command gives them; newest first. */
function chosen(mappings: readonly MappingView[], command: Command): readonly MappingView[] {
  const kind = command.optional('MappingKind');
  const name = command.optional('MappingName');
  return [...mappings]
    .filter(
      (one) => (kind === undefined || one.kind === mappingKind(kind)) && (name === undefined || one.name === name),
    )
    .sort((left, right) => right.lastUpdatedOn - left.lastUpdatedOn);
}

const modeOf = (kind: string): 'create' | 'createOrAlter' | 'alter' =>
  kind.startsWith('CreateOrAlter') ? 'createOrAlter' : kind.startsWith('Create') ? 'create' : 'alter';

async function put(command: Command, context: CommandContext, table: string | undefined): Promise<MappingView> {
  const database = command.databaseName(context);
  const name = command.required('MappingName');
  const kind = mappingKind(command.required('MappingKind'));
  // There is room for many more mappings than the service has, so the oldest need not go.
  command.properties(['removeOldestIfRequired']);
  await context.data.putMapping(
    database,
    table,
    { name, kind, mapping: command.required('MappingFormat') },
    modeOf(command.kind),
  );
  const owner = table === undefined ? context.data.database(database) : context.data.table(database, table);
  const made = owner.mappings.find((one) => one.name === name && one.kind === kind);
  if (made === undefined) throw dataError('MappingNotFound', name);
  return made;
}

/** @returns what was dropped: a mapping of that name, of one kind when it is given */
async function drop(
  command: Command,
  context: CommandContext,
  table: string | undefined,
): Promise<readonly MappingView[]> {
  const database = command.databaseName(context);
  const owner = table === undefined ? context.data.database(database) : context.data.table(database, table);
  const dropped = chosen(owner.mappings, command);
  if (dropped.length === 0) throw dataError('MappingNotFound', command.required('MappingName').slice(0, 200));
  for (const { kind, name } of dropped) await context.data.dropMapping(database, table, kind, name);
  return dropped;
}

/** @see Kusto "Ingestion mappings" */
export const mappingCommands: readonly CommandRow[] = [
  {
    kinds: {
      CreateTableIngestionMapping: `.create table T ingestion json mapping "M" '[{"column":"A","path":"$.a"}]'`,
      CreateOrAlterTableIngestionMapping: `.create-or-alter table T ingestion json mapping "M" '[{"column":"A","path":"$.a"}]'`,
      AlterTableIngestionMapping: `.alter table T ingestion json mapping "M" '[{"column":"A","path":"$.a"}]'`,
    },
    permission: 'tableIngest',
    columns: tableMappingColumns,
    run: async (command, context) => {
      const table = command.required('TableName');
      return [tableRow(await put(command, context, table), context.database, table)];
    },
  },
  {
    kinds: {
      CreateDatabaseIngestionMapping: `.create database D ingestion csv mapping "M" '[{"column":"A","Ordinal":0}]'`,
      CreateOrAlterDatabaseIngestionMapping: `.create-or-alter database D ingestion csv mapping "M" '[{"column":"A","Ordinal":0}]'`,
      AlterDatabaseIngestionMapping: `.alter database D ingestion csv mapping "M" '[{"column":"A","Ordinal":0}]'`,
    },
    permission: 'ingest',
    columns: databaseColumns,
    run: async (command, context) => {
      const { name } = context.data.database(command.databaseName(context));
      return [databaseRow(await put(command, context, undefined), name)];
    },
  },
  {
    kinds: { ShowTableIngestionMappings: '.show table T ingestion mappings' },
    permission: 'metadata',
    columns: tableMappingColumns,
    run: (command, { data, database }) => {
      const table = data.table(database, command.required('TableName'));
      return chosen(table.mappings, command).map((one) => tableRow(one, table.database, table.name));
    },
  },
  {
    kinds: { ShowTableIngestionMapping: '.show table T ingestion json mapping "M"' },
    permission: 'metadata',
    columns: tableMappingColumns,
    run: (command, { data, database }) => {
      const table = data.table(database, command.required('TableName'));
      const found = chosen(table.mappings, command);
      if (found.length === 0) throw dataError('MappingNotFound', command.required('MappingName').slice(0, 200));
      return found.map((one) => tableRow(one, table.database, table.name));
    },
  },
  {
    kinds: { ShowDatabaseIngestionMappings: '.show database D ingestion mappings' },
    permission: 'metadata',
    columns: databaseColumns,
    run: (command, context) => {
      const database = context.data.database(command.databaseName(context));
      return chosen(database.mappings, command).map((one) => databaseRow(one, database.name));
    },
  },
  {
    kinds: { ShowIngestionMappings: '.show ingestion mappings' },
    permission: 'anyone',
    columns: tableMappingColumns,
    run: (command, context) =>
      visibleDatabases(context).flatMap((database) => [
        ...chosen(database.mappings, command).map((one) => tableRow(one, database.name, '')),
        ...[...database.tables.values()].flatMap((table) =>
          chosen(table.mappings, command).map((one) => tableRow(one, database.name, table.name)),
        ),
      ]),
  },
  {
    kinds: {
      DropTableIngestionMapping: [
        '.drop table T ingestion json mapping "M"',
        'drop table {TableName} ingestion mapping {MappingName}',
      ],
    },
    permission: 'tableIngest',
    columns: tableMappingColumns,
    run: async (command, context) => {
      const table = command.required('TableName');
      return (await drop(command, context, table)).map((one) => tableRow(one, context.database, table));
    },
  },
  {
    kinds: { DropDatabaseIngestionMapping: '.drop database D ingestion csv mapping "M"' },
    permission: 'ingest',
    columns: databaseColumns,
    run: async (command, context) => {
      const { name } = context.data.database(command.databaseName(context));
      return (await drop(command, context, undefined)).map((one) => databaseRow(one, name));
    },
  },
];
