import type { EntityKind, EntityPrincipal, RoleHolder } from '../../authz/kusto-roles.ts';
import { roleWords } from '../../authz/kusto-roles.ts';
import type { DatabaseView, FunctionView, Policies, TableView } from '../catalog/catalog-view.ts';
import type { ExternalPartition, ExternalTableView } from '../catalog/external-table.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import { hidingTexts, withoutHidden } from '../../kql/values/obfuscated.ts';
import type { CommandContext } from './command-context.ts';
import { shownConnection } from '../catalog/external-table.ts';
import { withHiddenTexts } from './function-commands.ts';
import { shownModel } from './graph-commands.ts';
import { isAllowed } from './permissions.ts';
import { literal, policyScript, securityPolicies } from './policy-script.ts';
import { cslSchema, quotedName } from './schema-text.ts';

/** Of `with (…)`. @see Kusto ".show database schema as csl script", supported options */
export interface ScriptOptions {
  readonly encodingPolicies: boolean;
  readonly securitySettings: boolean;
  readonly ingestionMappings: boolean;
  /** What obfuscated literals of functions and views hide. */
  readonly hiddenTexts: boolean;
}

/** Commands that make a database of the same schema, in an order in which they run, and can run again: tables → functions → what reads them →
 * policies, which may read all of it → who has a role. What proves access to storage is in none of them. */
export function schemaScript(database: DatabaseView, context: CommandContext, options: ScriptOptions): string[] {
  const tables = byName([...database.tables.values()]);
  const functions = byName([...database.functions.values()]);
  const views = sourcesFirst(byName(context.data.materializedViews(database.name)));
  const { externalTables, entityGroups, graphModels } = database;
  return [
    ...tables.flatMap((table) => tableLines(table, options)),
    ...(options.ingestionMappings ? mappingLines(`database ${quotedName(database.name)}`, database) : []),
    ...functions.map((fn) => functionLine(options.hiddenTexts ? fn : withHiddenTexts(fn))),
    ...byName(externalTables).map(externalTableLine),
    ...byName(entityGroups).map(
      ({ name, entities }) => `.create-or-alter entity_group ${quotedName(name)} (${entities.join(', ')})`,
    ),
    ...byName(graphModels).flatMap(({ name, versions }) =>
      versions
        .slice(-1)
        .map(
          ({ model }) =>
            `.create-or-alter graph_model ${quotedName(name)} ${literal(options.hiddenTexts ? model : shownModel(model))}`,
        ),
    ),
    ...views.map((view) => viewLine(view, database, options)),
    ...policyLines(database, tables, views, options),
    ...(options.securitySettings && isAllowed(context, 'monitor', database.name)
      ? principalLines(database, tables, context)
      : []),
  ];
}

const byName = <Named extends { readonly name: string }>(all: readonly Named[]): readonly Named[] =>
  all.toSorted((left, right) => (left.name < right.name ? -1 : 1));

/** A view may be over another one. */
function sourcesFirst(views: readonly ViewRecord[]): readonly ViewRecord[] {
  const waits = (view: ViewRecord, done: readonly ViewRecord[]): boolean =>
    view.view.isOverView && !done.some(({ name }) => name === view.view.source);
  const ordered: ViewRecord[] = [];
  for (let rest = views; rest.length > 0;) {
    const next = rest.filter((view) => !waits(view, ordered));
    // One whose source is not there goes as it is: making it says so.
    ordered.push(...(next.length === 0 ? rest : next));
    rest = rest.filter((view) => !ordered.includes(view));
  }
  return ordered;
}

/** `with (name=value, …)` of those that say something. */
function given(properties: Readonly<Record<string, string | undefined>>): string {
  const texts = Object.entries(properties).flatMap(([name, text]) => (text === undefined ? [] : [`${name}=${text}`]));
  return texts.length === 0 ? '' : ` with (${texts.join(', ')})`;
}

const textOrNone = (text: string): string | undefined => (text === '' ? undefined : literal(text));

function tableLines(table: TableView, options: ScriptOptions): readonly string[] {
  const name = quotedName(table.name);
  const columns = cslSchema(table.columns).replaceAll(',', ', ');
  const texts = given({ folder: textOrNone(table.folder), docstring: textOrNone(table.docstring) });
  const docstrings = table.columns
    .filter(({ docstring }) => docstring !== '')
    .map((column) => `${quotedName(column.name)}: ${literal(column.docstring)}`);
  const encodings = table.columns.flatMap(({ name: column, encoding }) =>
    encoding === undefined ? [] : [`.alter column ${name}.${quotedName(column)} policy encoding type='${encoding}'`],
  );
  return [
    `.create-merge table ${name} (${columns})${texts}`,
    ...(docstrings.length === 0 ? [] : [`.alter-merge table ${name} column-docstrings (${docstrings.join(', ')})`]),
    ...(options.encodingPolicies ? encodings : []),
    ...(options.ingestionMappings ? mappingLines(`table ${name}`, table) : []),
  ];
}

const mappingLines = (owner: string, { mappings }: Pick<TableView, 'mappings'>): readonly string[] =>
  mappings
    .toSorted((left, right) => (`${left.kind} ${left.name}` < `${right.kind} ${right.name}` ? -1 : 1))
    .map(({ kind, name, mapping }) => {
      return `.create-or-alter ${owner} ingestion ${kind} mapping ${literal(name)} ${literal(mapping)}`;
    });

/** The service does not look into functions of scripts either, which may call one another. */
function functionLine({ name, parameters, body, folder, docstring, view }: FunctionView): string {
  const texts = given({
    ...{ folder: textOrNone(folder), docstring: textOrNone(docstring), skipvalidation: literal('true') },
    view: view && 'true',
  });
  return `.create-or-alter function${texts} ${quotedName(name)}${parameters} ${body}`;
}

function partitionText({ name, type, of }: ExternalPartition): string {
  const declared = `${quotedName(name)}:${type}`;
  if (of === undefined) return declared;
  const column = quotedName(of.column);
  const argument = of.argument === undefined ? '' : `, ${of.argument}`;
  return `${declared} = ${of.call === undefined ? column : `${of.call}(${column}${argument})`}`;
}

function externalTableLine(table: ExternalTableView): string {
  const { name, kind, columns, partitions, pathFormat, format, connections, folder, docstring, properties } = table;
  const files =
    kind === 'delta'
      ? 'kind=delta'
      : [
          'kind=storage',
          ...(partitions.length === 0 ? [] : [`partition by (${partitions.map(partitionText).join(', ')})`]),
          ...(pathFormat === '' ? [] : [`pathformat = (${pathFormat})`]),
          `dataformat=${format}`,
        ].join(' ');
  const places = connections.map((connection) => `h@"${shownConnection(connection)}"`);
  const texts = given({
    ...{ folder: textOrNone(folder), docString: textOrNone(docstring) },
    ...Object.fromEntries(Object.entries(properties).map(([property, text]) => [property, literal(text)])),
  });
  const schema = cslSchema(columns).replaceAll(',', ', ');
  return `.create-or-alter external table ${quotedName(name)} (${schema}) ${files} (${places.join(', ')})${texts}`;
}

const isSecured = (policies: Policies | undefined): boolean => policies?.row_level_security?.IsEnabled === true;

/** Said of a view that may show what a table hides, and of that table. */
const allowed = 'allowMaterializedViewsWithoutRowLevelSecurity';

const readBy = ({ view }: ViewRecord): readonly string[] => [view.source, ...view.dimensionTables];

function viewLine(record: ViewRecord, database: DatabaseView, { hiddenTexts }: ScriptOptions): string {
  const { name, view, folder, docstring } = record;
  const { source, isOverView, query, dimensionTables, lookback, lookbackColumn, autoUpdateSchema } = view;
  const shows = readBy(record).some((table) => isSecured(database.tables.get(table)?.policies));
  const texts = given({
    ...{ folder: textOrNone(folder), docString: textOrNone(docstring) },
    lookback: lookback && `timespan(${lookback})`,
    lookback_column: lookbackColumn && literal(lookbackColumn),
    autoUpdateSchema: autoUpdateSchema ? 'true' : undefined,
    dimensionTables: dimensionTables.length === 0 ? undefined : `dynamic(${JSON.stringify(dimensionTables)})`,
    [allowed]: shows ? 'true' : undefined,
  });
  const over = `${isOverView ? 'materialized-view' : 'table'} ${quotedName(source)}`;
  return `.create-or-alter materialized-view${texts} ${quotedName(name)} on ${over} { ${hiddenTexts ? query : withoutHidden(query)} }`;
}

/** Those that commands have set: what the resource manager says of a database is said there. */
function policyLines(
  database: DatabaseView,
  tables: readonly TableView[],
  views: readonly ViewRecord[],
  { securitySettings, hiddenTexts }: ScriptOptions,
): readonly string[] {
  const wanted = (name: keyof Policies): boolean => securitySettings || !securityPolicies.has(name);
  const shown = (policies: Policies): Policies =>
    hiddenTexts ? policies : (JSON.parse(JSON.stringify(policies, hidingTexts)) as Policies);
  return [
    ...policyScript(`database ${quotedName(database.name)}`, shown(database.policies), wanted),
    ...views.flatMap(({ name, policies }) =>
      policyScript(`materialized-view ${quotedName(name)}`, shown(policies), wanted),
    ),
    ...tables.flatMap(({ name, policies }) => {
      const how =
        isSecured(policies) && views.some((view) => readBy(view).includes(name)) ? ` with (${allowed}=true)` : '';
      return policyScript(`table ${quotedName(name)}`, shown(policies), wanted, how);
    }),
  ];
}

const entityWords = {
  ...{ table: 'table', function: 'function', view: 'materialized-view', externalTable: 'external table' },
  graphModel: 'graph_model',
} as const satisfies Record<EntityKind, string>;

/** Of databases, their tables and what else roles are given on. */
function principalLines(
  database: DatabaseView,
  tables: readonly TableView[],
  context: CommandContext,
): readonly string[] {
  const held = context.principals.filter(({ databaseId }) => databaseId === database.databaseId);
  const on = (kind: EntityKind, all: readonly { name: string; principals?: readonly EntityPrincipal[] }[]) =>
    byName(all).flatMap(({ name, principals = [] }) =>
      roleLines(`${entityWords[kind]} ${quotedName(name)}`, principals),
    );
  return [
    ...roleLines(`database ${quotedName(database.name)}`, held),
    ...on('table', tables),
    ...on('function', [...database.functions.values()]),
    ...on('view', [...database.views.values()]),
    ...on('externalTable', database.externalTables),
    ...on('graphModel', database.graphModels),
  ];
}

const roleLines = (place: string, held: readonly (RoleHolder | EntityPrincipal)[]): readonly string[] =>
  held
    .map(({ role, fqn, notes = '' }) => {
      const word = [...roleWords].find(([, one]) => one === role)?.[0];
      return `.add ${place} ${word ?? 'admins'} (${literal(fqn)})${notes === '' ? '' : ` ${literal(notes)}`}`;
    })
    .toSorted();
