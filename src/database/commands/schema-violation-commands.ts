import { DataError } from '../catalog/data-error.ts';
import type { DatabaseView, MappingView, TableView, ViewView } from '../catalog/catalog-view.ts';
import { withoutSecurity } from '../catalog/views.ts';
import { parseMapping } from '../ingest/ingestion-mapping.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { quotedName } from './schema-text.ts';
import { checkRowLevelSecurity } from './security-policies.ts';
import { requireRuns } from './update-policy-commands.ts';

/** What is checked of an entity, one after the other. */
interface Check {
  readonly kind: string;
  readonly name: string;
  readonly property: string;
  readonly run: () => Promise<unknown>;
}

const ofTable = (table: TableView, context: CommandContext): readonly Check[] => {
  const { name, policies } = table;
  const security = policies.row_level_security;
  return [
    ...table.mappings.map((mapping) => ofMapping(mapping, 'Table', name, table)),
    ...(security?.IsEnabled === true
      ? [
          {
            ...{ kind: 'Table', name, property: 'RowLevelSecurityPolicy' },
            run: () => checkRowLevelSecurity(security, table, context),
          },
        ]
      : []),
    ...(policies.update ?? [])
      .filter(({ IsEnabled }) => IsEnabled)
      .map((policy) => ({
        ...{ kind: 'Table', name, property: 'UpdatePolicy' },
        run: () => requireRuns(policy, table, true, context),
      })),
  ];
};

/** A column that is not there is no reason to refuse a record, but its values get lost. */
const ofMapping = (mapping: MappingView, kind: string, name: string, table?: TableView): Check => ({
  ...{ kind, name, property: `IngestionMapping '${mapping.name}'` },
  run: () => {
    const missing = parseMapping(mapping.kind, mapping.mapping).find(
      ({ column }) => table?.columns.some((own) => own.name === column) === false,
    );
    if (missing === undefined) return Promise.resolve();
    const text = `The mapping names the column '${missing.column}', which the table '${name}' does not have.`;
    return Promise.reject(new KqlError('semantic', text));
  },
});

function ofView(view: ViewView, { tables, views }: DatabaseView, compile: (text: string) => Promise<unknown>): Check {
  return {
    ...{ kind: 'MaterializedView', name: view.name, property: '' },
    run: async () => {
      const isThere = view.isOverView ? views.has(view.source) : tables.has(view.source);
      const kind = view.isOverView ? 'MaterializedView' : 'Table';
      if (!isThere) throw new KqlError('semantic', `Entity ID '${view.source}' of kind '${kind}' was not found.`);
      await compile(view.query);
    },
  };
}

/** Whatever is defined in a database and means nothing any more. */
async function violations(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const database = context.data.database(command.databaseName(context));
  const inDatabase = { ...context, database: database.name };
  const catalog = withoutSecurity(context.data.kqlCatalog());
  const compile = (text: string): Promise<unknown> =>
    context.engine.programOf({ text, database: database.name, catalog }).compile([]);
  const checks: readonly Check[] = [
    ...[...database.functions.values()].map(({ name, parameters, body }) => ({
      ...{ kind: 'Function', name, property: '' },
      run: () => compile(`let ${quotedName(name)} = ${parameters} ${body};\nprint 1`),
    })),
    ...[...database.views.values()].map((view) => ofView(view, database, compile)),
    ...[...database.tables.values()].flatMap((table) => ofTable(table, inDatabase)),
    ...database.mappings.map((mapping) => ofMapping(mapping, 'Database', database.name)),
  ];
  const rows: Row[] = [];
  for (const { kind, name, property, run } of checks) {
    context.signal?.throwIfAborted();
    try {
      await run();
    } catch (error) {
      const isTold =
        error instanceof DataError || (error instanceof KqlError && !/^(internal|cancelled)$/.test(error.code));
      if (!isTold) throw error;
      rows.push([kind, name, property, error.message]);
    }
  }
  return rows;
}

/** @see Kusto ".show database schema violations" */
export const schemaViolationCommands: readonly CommandRow[] = [
  {
    kinds: { ShowDatabaseSchemaViolations: '.show database D schema violations' },
    permission: 'metadata',
    columns: 'EntityKind: string, EntityName: string, Property: string, Reason: string',
    run: violations,
  },
];
