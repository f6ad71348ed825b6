import type { DatabaseView } from '../catalog/catalog-view.ts';
import type { Command, CommandRow, Row } from './command.ts';
import { namedDatabases, oneDatabase, versionOf } from './database-commands.ts';
import { clrTypes, cslSchema, databaseJson, quotedName } from './schema-text.ts';

const schemaColumns =
  'DatabaseName: string, TableName: string, ColumnName: string, ColumnType: string, IsDefaultTable: bool, IsDefaultColumn: bool, PrettyName: string, Version: string, Folder: string, DocString: string';

/** One row for the database, one for each table, one for each column. */
function schemaRows(database: DatabaseView): Row[] {
  const rows: Row[] = [[database.name, '', '', '', false, false, '', versionOf(database), '', '']];
  for (const table of database.tables.values()) {
    rows.push([database.name, table.name, '', '', false, false, '', '', table.folder, table.docstring]);
    for (const { name, type, docstring } of table.columns) {
      rows.push([database.name, table.name, name, clrTypes[type], false, false, '', '', '', docstring]);
    }
  }
  return rows;
}

function schemaJson(databases: readonly DatabaseView[]): string {
  return JSON.stringify({
    Databases: Object.fromEntries(databases.map((database) => [database.name, databaseJson(database)])),
  });
}

/** `if_later_than "v1.2"`: nothing when the client has this version already. */
function isNews(command: Command, database: DatabaseView): boolean {
  const known = /^v?(\d+)\.(\d+)$/.exec(command.optional('Version') ?? '');
  return (
    known === null || Number(known[1]) < 1 || (Number(known[1]) === 1 && Number(known[2]) < database.schemaVersion)
  );
}

function scriptOf(database: DatabaseView): string[] {
  const texts = (folder: string, docstring: string, view?: true): string => {
    const given = [
      ...(folder === '' ? [] : [`folder=${JSON.stringify(folder)}`]),
      ...(docstring === '' ? [] : [`docstring=${JSON.stringify(docstring)}`]),
      ...(view === undefined ? [] : ['view=true']),
    ];
    return given.length === 0 ? '' : ` with (${given.join(', ')})`;
  };
  return [
    ...[...database.tables.values()].map((table) => {
      const after = texts(table.folder, table.docstring);
      return `.create-merge table ${quotedName(table.name)} (${cslSchema(table.columns).replaceAll(',', ', ')})${after}`;
    }),
    ...[...database.functions.values()].map((fn) => {
      return `.create-or-alter function${texts(fn.folder, fn.docstring, fn.view)} ${quotedName(fn.name)}${fn.parameters} ${fn.body}`;
    }),
  ];
}

/** Tables and functions alike, as editors want them. */
const entityRows = (database: DatabaseView): Row[] => [
  ...[...database.tables.values()].map(({ name, docstring, folder, columns }): Row => [
    ...[database.name, 'Table', name, docstring, folder, '', '', cslSchema(columns), null],
  ]),
  ...[...database.functions.values()].map(({ name, docstring, folder, parameters, body }): Row => [
    ...[database.name, 'Function', name, docstring, folder, parameters, body, '', null],
  ]),
];

/** @see Kusto ".show database schema" */
export const schemaCommands: readonly CommandRow[] = [
  {
    kinds: { ShowDatabasesSchema: ['.show databases schema', 'show databases schema'] },
    parsed: true,
    permission: 'anyone',
    columns: schemaColumns,
    run: (command, context) => namedDatabases(command, context).flatMap(schemaRows),
  },
  {
    kinds: { ShowDatabaseSchema: '.show database D schema' },
    permission: 'metadata',
    columns: schemaColumns,
    run: (command, context) => {
      const database = oneDatabase(command, context);
      return isNews(command, database) ? schemaRows(database) : [];
    },
  },
  {
    kinds: { ShowDatabasesSchemaAsJson: ['.show databases schema as json', 'show databases schema as json'] },
    parsed: true,
    permission: 'anyone',
    columns: 'DatabaseSchema: string',
    run: (command, context) => [[schemaJson(namedDatabases(command, context))]],
  },
  {
    kinds: { ShowDatabaseSchemaAsJson: '.show database D schema as json' },
    permission: 'metadata',
    columns: 'DatabaseSchema: string',
    run: (command, context) => {
      const database = oneDatabase(command, context);
      return isNews(command, database) ? [[schemaJson([database])]] : [];
    },
  },
  {
    kinds: { ShowDatabaseSchemaAsCslScript: '.show database D schema as csl script' },
    permission: 'metadata',
    columns: 'DatabaseSchemaScript: string',
    run: (command, context) => scriptOf(oneDatabase(command, context)).map((line) => [line]),
  },
  {
    kinds: { ShowDatabaseCslSchema: '.show database D cslschema' },
    permission: 'metadata',
    columns: 'TableName: string, Schema: string, DatabaseName: string, Folder: string, DocString: string',
    run: (command, context) =>
      [...oneDatabase(command, context).tables.values()].map((table) => [
        ...[table.name, cslSchema(table.columns), table.database, table.folder, table.docstring],
      ]),
  },
  {
    kinds: { ShowDatabasesEntities: '.show databases entities' },
    permission: 'anyone',
    columns:
      'DatabaseName: string, EntityType: string, EntityName: string, DocString: string, Folder: string, CslInputSchema: string, Content: string, CslOutputSchema: string, Properties: dynamic',
    run: (command, context) => namedDatabases(command, context).flatMap(entityRows),
  },
  {
    kinds: { ShowSchema: '.show schema' },
    permission: 'anyone',
    columns: 'ClusterSchema: string',
    run: (command, context) => [[schemaJson(namedDatabases(command, context))]],
  },
];
