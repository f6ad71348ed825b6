import type { DatabaseView, FunctionView, TableView } from '../catalog/catalog-view.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Column, KqlType } from '../../kql/plan/types.ts';
import { isKqlType } from '../../kql/plan/types.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { namedDatabases } from './database-commands.ts';
import { asAllowed } from './function-commands.ts';
import type { FunctionParameter } from './schema-text.ts';
import { cslSchema, parametersOf, quotedName } from './schema-text.ts';
import { readableCatalog } from './readable-catalog.ts';
import { boolOf } from './view-properties.ts';

/** `resolveFunctionSchema` is what the page lists, `resolveFunctionsSchema` what its example and clients send. */
const options = ['showObfuscatedStrings', 'resolveFunctionSchema', 'resolveFunctionsSchema'] as const;

interface Shown {
  readonly hiddenTexts: boolean;
  readonly outputSchemas: boolean;
}

function shownBy(command: Command): Shown {
  const given = command.properties(options);
  const [hiddenTexts = false, ...resolved] = options.map((name) => boolOf(name, given[name]) ?? false);
  return { hiddenTexts, outputSchemas: resolved.includes(true) };
}

/** Of each kind alike, as editors want them. */
async function entityRows(database: DatabaseView, shown: Shown, context: CommandContext): Promise<Row[]> {
  const ofTable =
    (type: string) =>
    ({ name, docstring, folder, columns }: Pick<TableView, 'name' | 'docstring' | 'folder'> & SomeColumns): Row => [
      ...[database.name, type, name, docstring, folder, '', '', cslSchema(columns), null],
    ];
  const functions: Row[] = [];
  for (const fn of database.functions.values()) {
    const { name, docstring, folder, parameters, body } = asAllowed(fn, shown.hiddenTexts, context, database.name);
    const output = shown.outputSchemas ? await outputSchema(fn, database, context) : '';
    functions.push([...[database.name, 'Function', name, docstring, folder, parameters, body, output, null]]);
  }
  return [
    ...[...database.tables.values()].map(ofTable('Table')),
    ...[...database.views.values()].map(ofTable('MaterializedView')),
    ...database.externalTables.map(ofTable('ExternalTable')),
    ...functions,
    ...database.entityGroups.map(({ name, entities }): Row => [
      ...[database.name, 'EntityGroup', name, '', '', '', `[${entities.join(', ')}]`, '', null],
    ]),
  ];
}

interface SomeColumns {
  readonly columns: readonly Column[];
}

/** Any value of the type that a function may be called with: its columns follow from types. */
const anyValue: Readonly<Record<KqlType, string>> = {
  ...{ bool: 'true', int: 'int(1)', long: '1', real: '1.0', decimal: 'decimal(1)', string: "'a'" },
  ...{ datetime: 'datetime(2000-01-01)', timespan: '1s', guid: `guid(${'1'.repeat(8)}-0000-0000-0000-000000000000)` },
  dynamic: 'dynamic(null)',
};

/** The columns of what a function gives. Empty for one that gives a value, that takes tables of any columns, or that means nothing as it stands. */
async function outputSchema(fn: FunctionView, database: DatabaseView, context: CommandContext): Promise<string> {
  context.signal?.throwIfAborted();
  const values = parametersOf(fn.parameters).map(valueFor);
  if (values.includes(undefined)) return '';
  // Of what the caller may not read, its columns are not told either.
  const catalog = readableCatalog({ ...context, database: database.name });
  const text = `${quotedName(fn.name)}(${values.join(', ')}) | take 1`;
  try {
    const program = await context.engine.programOf({ text, database: database.name, catalog }).compile([]);
    return cslSchema(program.results[0]?.plan.cols ?? []);
  } catch (error) {
    if (error instanceof KqlError && !/^(internal|cancelled)$/.test(error.code)) return '';
    throw error;
  }
}

function valueFor({ type, columns }: FunctionParameter): string | undefined {
  if (columns === undefined) return isKqlType(type) ? anyValue[type] : undefined;
  const isWhole = columns.length > 0 && columns.every((column) => isKqlType(column.type));
  return isWhole ? `(datatable(${columns.map(({ name, type: of }) => `${name}:${of}`).join(', ')})[])` : undefined;
}

/** @see Kusto ".show databases entities" */
export const entityCommands: readonly CommandRow[] = [
  {
    kinds: { ShowDatabasesEntities: '.show databases entities' },
    permission: 'anyone',
    columns:
      'DatabaseName: string, EntityType: string, EntityName: string, DocString: string, Folder: string, CslInputSchema: string, Content: string, CslOutputSchema: string, Properties: dynamic',
    run: async (command, context) => {
      const shown = shownBy(command);
      const rows: Row[] = [];
      for (const database of namedDatabases(command, context))
        rows.push(...(await entityRows(database, shown, context)));
      return rows;
    },
  },
];
