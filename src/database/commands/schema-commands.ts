import type { DatabaseView } from '../catalog/catalog-view.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { namedDatabases, oneDatabase, versionOf } from './database-commands.ts';
import { requirePermission } from './permissions.ts';
import { schemaScript } from './schema-script.ts';
import type { SchemaKind } from './schema-text.ts';
import { clrTypes, cslSchema, databaseJson, schemaKinds } from './schema-text.ts';
import { boolOf } from './view-properties.ts';

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

function schemaJson(command: Command, databases: readonly DatabaseView[]): string {
  const wanted = wantedKinds(command);
  return JSON.stringify({
    Databases: Object.fromEntries(databases.map((database) => [database.name, databaseJson(database, wanted)])),
  });
}

/** `if_later_than "v1.2"`: nothing when the client has this version already. */
function isNews(command: Command, database: DatabaseView): boolean {
  const known = /^v?(\d+)\.(\d+)$/.exec(command.optional('Version') ?? '');
  return (
    known === null || Number(known[1]) < 1 || (Number(known[1]) === 1 && Number(known[2]) < database.schemaVersion)
  );
}

const scriptOptions = [
  ...(['IncludeEncodingPolicies', 'IncludeSecuritySettings', 'IncludeIngestionMappings'] as const),
  'ShowObfuscatedStrings',
] as const;

function scriptOf(command: Command, context: CommandContext): readonly string[] {
  const given = command.properties(scriptOptions);
  const isOn = (name: (typeof scriptOptions)[number], otherwise: boolean): boolean =>
    boolOf(name, given[name]) ?? otherwise;
  const database = oneDatabase(command, context);
  if (isOn('ShowObfuscatedStrings', false)) {
    requirePermission(context, 'admin', database.name, command.kind);
    if (database.externalTables.length > 0)
      throw new KqlError(
        'notSupported',
        'ShowObfuscatedStrings is not supported in a database with external tables: what proves access is never shown.',
      );
  }
  return schemaScript(database, context, {
    hiddenTexts: isOn('ShowObfuscatedStrings', false),
    encodingPolicies: isOn('IncludeEncodingPolicies', true),
    securitySettings: isOn('IncludeSecuritySettings', true),
    ingestionMappings: isOn('IncludeIngestionMappings', true),
  });
}

/** None named: all. */
function wantedKinds(command: Command): (kind: SchemaKind) => boolean {
  const given = command.properties(schemaKinds);
  const named = schemaKinds.filter((kind) => boolOf(kind, given[kind]) === true);
  return (kind) => Object.keys(given).length === 0 || named.includes(kind);
}

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
    run: (command, context) => [[schemaJson(command, namedDatabases(command, context))]],
  },
  {
    kinds: { ShowDatabaseSchemaAsJson: '.show database D schema as json' },
    permission: 'metadata',
    columns: 'DatabaseSchema: string',
    run: (command, context) => {
      const database = oneDatabase(command, context);
      return isNews(command, database) ? [[schemaJson(command, [database])]] : [];
    },
  },
  {
    kinds: { ShowDatabaseSchemaAsCslScript: '.show database D schema as csl script' },
    permission: 'metadata',
    columns: 'DatabaseSchemaScript: string',
    run: (command, context) => scriptOf(command, context).map((line) => [line]),
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
    kinds: { ShowSchema: '.show schema' },
    permission: 'anyone',
    columns: 'ClusterSchema: string',
    run: (command, context) => [[schemaJson(command, namedDatabases(command, context))]],
  },
];
