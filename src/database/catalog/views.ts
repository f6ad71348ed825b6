import { createHash } from 'node:crypto';
import { madeOnce } from '../../base/made-once.ts';
import type { ViewWindow } from '../../kql/plan/view-lookback.ts';
import type {
  CatalogDatabase,
  CatalogFunction,
  CatalogTable,
  CatalogView,
  KqlCatalog,
  RowLevelSecurity,
} from '../../kql/plan/catalog.ts';
import type { DatabaseView, FunctionView, Policies, TableView, ViewView } from './catalog-view.ts';
import type { ClusterDatabase } from './catalog-view.ts';
import type { ExternalTableView } from './external-table.ts';
import { virtualColumns } from './external-table.ts';
import { catalogGraph } from './graph-models.ts';
import type { CatalogReader, StoredResultRecord } from './image.ts';
import { databaseOf } from './image.ts';
import type { ViewRecord } from './materialized-view.ts';
import { viewsOf } from './materialized-view.ts';
import { lookbackOf } from './view-facts.ts';
import type { TableRecord } from './records.ts';

/** Of the same record the same view: who has seen it in one version of the catalog need not look at it in the next. */
function seenIn<Named extends object, View>(
  view: (record: Named, database: string) => View,
): (record: Named, database: string) => View {
  const views = madeOnce<Named, Map<string, View>>(() => new Map());
  return (record, database) => {
    const known = views(record);
    const made = known.get(database) ?? view(record, database);
    known.set(database, made);
    return made;
  };
}

export const tableView = seenIn((table: TableRecord, database: string): TableView => {
  const { tableId, name, columns, folder, docstring, mappings, policies, principals = [] } = table;
  return { tableId, database, name, columns, folder, docstring, mappings, policies, principals };
});

export function databaseView(reader: CatalogReader, { databaseId, name }: ClusterDatabase): DatabaseView {
  const { functions, mappings, policies, schemaVersion, graphModels = [], ...facts } = databaseOf(reader, databaseId);
  const tables = reader.tablesOf(databaseId).sort((left, right) => (left.name < right.name ? -1 : 1));
  return {
    databaseId,
    name,
    tables: new Map(tables.map((table) => [table.name, tableView(table, name)])),
    functions: new Map(
      [...functions].sort((left, right) => (left.name < right.name ? -1 : 1)).map((fn) => [fn.name, fn]),
    ),
    mappings,
    policies,
    schemaVersion,
    graphModels,
    views: new Map(viewsOf(reader, databaseId).map((view) => [view.name, viewView(view, name)])),
    prettyName: facts.prettyName ?? '',
    entityGroups: facts.entityGroups ?? [],
    externalTables: facts.externalTables ?? [],
  };
}

export const viewView = seenIn((record: ViewRecord, database: string): ViewView => {
  const { tableId, name, folder, docstring, policies, columns, view, principals = [] } = record;
  const { query, source, isOverView, dimensionTables, keys, picks } = view;
  const lookback = lookbackOf(view);
  return {
    ...{ tableId, database, name, folder, docstring, policies, principals },
    ...{ columns: view.columns, query, source, isOverView, dimensionTables, keys, ...(picks && { picks }) },
    ...(lookback && { lookback }),
    stored: columns.map((column) => ({ name: column.name, type: column.type })),
  };
});

export function kqlCatalogOf(
  version: string,
  cluster: string,
  databases: readonly DatabaseView[],
  disabledPlugins: readonly string[] = [],
): KqlCatalog {
  return {
    version,
    cluster,
    ...(disabledPlugins.length === 0 ? {} : { disabledPlugins }),
    databases: databases.map(
      ({ name, tables, functions, graphModels, entityGroups, views, externalTables }): CatalogDatabase => ({
        name,
        tables: [...tables.values()].map(catalogTable),
        functions: [...functions.values()].map(withoutPrincipals),
        ...(graphModels.length === 0 ? {} : { graphs: graphModels.map(graphOf) }),
        ...(externalTables.length === 0 ? {} : { externalTables: externalTables.map(catalogExternalTable) }),
        ...(entityGroups.length === 0 ? {} : { entityGroups }),
        ...(views.size === 0 ? {} : { materializedViews: [...views.values()].map(catalogView) }),
      }),
    ),
  };
}

/** The parser needs no names of places, and no keys to them. */
const catalogExternalTable = madeOnce((table: ExternalTableView): Pick<CatalogTable, 'name' | 'columns'> => ({
  name: table.name,
  columns: [...table.columns, ...virtualColumns(table)],
}));

const catalogTable = madeOnce(({ name, columns, docstring, folder, policies }: TableView): CatalogTable => ({
  ...{ name, docstring, folder },
  columns: columns.map((column) => ({ name: column.name, type: column.type })),
  ...securityOf(policies),
  ...(policies.ingestiontime?.IsEnabled === false && { isUntimed: true }),
}));

const graphOf = madeOnce(catalogGraph);

/** The parser needs no names of people. */
const withoutPrincipals = madeOnce(
  ({ name, parameters, body, view, folder, docstring }: FunctionView): CatalogFunction => ({
    ...{ name, parameters, body, folder, docstring },
    ...(view === undefined ? {} : { view }),
  }),
);

const catalogView = madeOnce((view: ViewView): CatalogView => {
  const { name, columns, query, source, stored, docstring, folder, policies, lookback } = view;
  const facts = { name, columns, query, source, stored, docstring, folder };
  return { ...facts, ...(lookback && { lookback }), ...securityOf(policies) };
});

/** The same names; one view is read as those read it who make it. */
export const withViewStates = (
  catalog: KqlCatalog,
  database: string,
  view: string,
  states: NonNullable<CatalogView['states']>,
  window?: ViewWindow,
): KqlCatalog => ({
  ...catalog,
  version: `${catalog.version} ${states} ${JSON.stringify([database, view, ...(window === undefined ? [] : [window])])}`,
  databases: catalog.databases.map((one) => {
    const { materializedViews = [] } = one;
    if (one.name !== database) return one;
    const reads = { states, ...(window !== undefined && { window }) };
    return { ...one, materializedViews: materializedViews.map((of) => (of.name === view ? { ...of, ...reads } : of)) };
  }),
});

/** The same names, and a view that is not there yet. */
export const withNewView = (
  catalog: KqlCatalog,
  database: string,
  view: ViewView,
  states: NonNullable<CatalogView['states']>,
): KqlCatalog => ({
  ...catalog,
  version: `${catalog.version} new ${view.tableId}`,
  databases: catalog.databases.map((one) =>
    one.name === database
      ? { ...one, materializedViews: [...(one.materializedViews ?? []), { ...catalogView(view), states }] }
      : one,
  ),
});

const securityOf = ({ row_level_security: policy }: Policies): Pick<CatalogTable, 'rowLevelSecurity'> =>
  policy === undefined ? {} : { rowLevelSecurity: { query: policy.Query, isEnabled: policy.IsEnabled } };

/** The same names; row level security that is set holds, though it is disabled. */
export const withForcedSecurity = (catalog: KqlCatalog): KqlCatalog =>
  withSecurity(catalog, 'forced', (security) => ({ ...security, isEnabled: true }));

/** The same names; tables have all their rows, for whoever checks a policy or removes rows for good. */
export const withoutSecurity = (catalog: KqlCatalog): KqlCatalog => withSecurity(catalog, 'open', () => undefined);

function withSecurity(
  catalog: KqlCatalog,
  how: string,
  change: (security: RowLevelSecurity) => RowLevelSecurity | undefined,
): KqlCatalog {
  const changed = <Named extends Pick<CatalogTable, 'rowLevelSecurity'>>(
    entity: Named,
  ): Omit<Named, 'rowLevelSecurity'> & Pick<CatalogTable, 'rowLevelSecurity'> => {
    const { rowLevelSecurity, ...named } = entity;
    if (rowLevelSecurity === undefined) return entity;
    const security = change(rowLevelSecurity);
    return security === undefined ? named : { ...named, rowLevelSecurity: security };
  };
  const isSecured = catalog.databases.some(({ tables, materializedViews = [] }) =>
    [...tables, ...materializedViews].some((table) => table.rowLevelSecurity),
  );
  if (!isSecured) return catalog;
  return {
    ...catalog,
    version: `${catalog.version} ${how}`,
    databases: catalog.databases.map(({ tables, materializedViews, ...database }) => ({
      ...database,
      tables: tables.map((table) => changed(table)),
      ...(materializedViews && { materializedViews: materializedViews.map((view) => changed(view)) }),
    })),
  };
}

/** The same names, and what one principal has stored. */
export function withStoredResults(
  catalog: KqlCatalog,
  stored: readonly (StoredResultRecord & { readonly database: string })[],
): KqlCatalog {
  const ids = createHash('sha256')
    .update(stored.map(({ tableId }) => tableId).join(), 'utf8')
    .digest('base64url');
  return {
    ...catalog,
    version: `${catalog.version} ${ids}`,
    databases: catalog.databases.map((database) => ({
      ...database,
      storedResults: stored
        .filter((record) => record.database === database.name)
        .map(({ name, columns }) => ({
          name,
          columns: columns.map((column) => ({ name: column.name, type: column.type })),
        })),
    })),
  };
}
