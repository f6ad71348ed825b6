import { invariant } from '../../../../base/invariant.ts';
import { madeOnce } from '../../../../base/made-once.ts';
import { KqlError } from '../../../plan/kql-error.ts';
import type {
  CatalogDatabase,
  CatalogFunction,
  CatalogGraph,
  CatalogGraphStep,
  CatalogTable,
  CatalogView,
  KqlCatalog,
} from '../../../plan/catalog.ts';
import type { Column } from '../../../plan/types.ts';
import { columnSymbol, columnSymbols } from './symbols.ts';
import type { EngineFunctions } from './engine-functions.ts';
import { withEngineFunctions } from './engine-functions.ts';
import { withExtraPlugins } from './extra-plugins.ts';
import type { GlobalState } from '../language/language.ts';
import { languagePackage, symbolKind } from '../language/language.ts';
import { quotedName } from '../../../plan/quoted.ts';

const quotedSchema = (columns: readonly Column[]): string =>
  `(${columns.map((column) => `${quotedName(column.name)}:${column.type}`).join(', ')})`;

/** The properties of a graph that was made are those of its newest snapshot. */
function graphSymbol({ name, nodes, edges, snapshots }: CatalogGraph): unknown {
  const made = (columns: readonly Column[]): readonly string[] => [
    `datatable${quotedSchema(columns.filter((column) => !column.name.startsWith('$')))} []`,
  ];
  const queries = (steps: readonly CatalogGraphStep[]): readonly string[] => steps.map(({ query }) => query);
  const [newest] = snapshots;
  return new (languagePackage().Symbols.GraphModelSymbol.$ctor1)(
    name,
    newest ? made(newest.edges) : queries(edges),
    newest ? made(newest.nodes) : queries(nodes),
    snapshots.map((snapshot) => snapshot.name),
  );
}

/** Symbols are as immutable as what they are made of, which catalogs share: making them is dearer than all else about a new catalog. */
const symbolsOf = {
  table: madeOnce(({ name, columns }: CatalogTable): unknown => {
    const { TableSymbol } = languagePackage().Symbols;
    return new TableSymbol.$ctor4(name, columns.map(columnSymbol));
  }),
  view: madeOnce(({ name, columns, query, docstring = '' }: CatalogView): unknown => {
    const { MaterializedViewSymbol } = languagePackage().Symbols;
    return new MaterializedViewSymbol.$ctor3(name, quotedSchema(columns), query, docstring);
  }),
  graph: madeOnce(graphSymbol),
  externalTable: madeOnce(({ name, columns }: Pick<CatalogTable, 'name' | 'columns'>): unknown => {
    const { ExternalTableSymbol, TableSymbol } = languagePackage().Symbols;
    return new ExternalTableSymbol.ctor(new TableSymbol.$ctor4(name, columns.map(columnSymbol)));
  }),
  storedResult: madeOnce(({ name, columns }: Pick<CatalogTable, 'name' | 'columns'>): unknown => {
    const { StoredQueryResultSymbol } = languagePackage().Symbols;
    return new StoredQueryResultSymbol.$ctor1(name, columns.map(columnSymbol));
  }),
  fn: madeOnce(({ name, parameters, body, docstring = '' }: CatalogFunction): unknown => {
    const { FunctionSymbol } = languagePackage().Symbols;
    return new FunctionSymbol.$ctor16(name, parameters, body, docstring);
  }),
} as const;

function entityGroupSymbol({ name, entities }: NonNullable<CatalogDatabase['entityGroups']>[number]): unknown {
  return new (languagePackage().Symbols.EntityGroupSymbol.$ctor3)(name, `[${entities.join(', ')}]`);
}

/** @param views that wildcards take in: tables by the names of functions */
function databaseSymbol(database: CatalogDatabase, views: readonly unknown[] = []): unknown {
  const { Symbols } = languagePackage();
  return new Symbols.DatabaseSymbol.ctor(database.name, [
    ...views,
    ...database.tables.map(symbolsOf.table),
    ...(database.materializedViews ?? []).map(symbolsOf.view),
    ...(database.graphs ?? []).map(symbolsOf.graph),
    // The binder looks at what is in them once, so a catalog has its own.
    ...(database.entityGroups ?? []).map(entityGroupSymbol),
    ...(database.externalTables ?? []).map(symbolsOf.externalTable),
    ...(database.storedResults ?? []).map(symbolsOf.storedResult),
    ...database.functions.map(symbolsOf.fn),
  ]);
}

/** A function that wildcards, search and find take in as they do tables. */
export const isStoredView = ({ view, parameters }: CatalogFunction): boolean =>
  view === true && /^\(\s*\)$/.test(parameters.trim());

/** What stands between the braces. */
export const queryOfView = ({ body }: CatalogFunction): string => body.trim().replace(/^\{/, '').replace(/\}$/, '');

/** @returns undefined for one whose query means nothing, or is no table */
function viewSymbol(view: CatalogFunction, state: GlobalState): unknown {
  const { KustoCode, Symbols } = languagePackage();
  const type = KustoCode.ParseAndAnalyze(queryOfView(view), state).ResultType;
  if (!type || symbolKind(type) !== 'TableSymbol') return undefined;
  return new Symbols.TableSymbol.$ctor4(view.name, columnSymbols(type));
}

/** Overloads are numbered in the JavaScript build; a new release may number them anew. */
export function assertConstructors(): void {
  const { Symbols } = languagePackage();
  const probe = new Symbols.TableSymbol.$ctor4('probe', [columnSymbol({ name: 'c', type: 'long' })]) as {
    readonly Name: string;
  };
  const stored = new Symbols.StoredQueryResultSymbol.$ctor1('probe', []) as { readonly Name: string };
  invariant(
    probe.Name === 'probe' && stored.Name === 'probe',
    'the language package has the constructors of version 12.4.1',
  );
}

/** Fields of a state that hold its lists by name or kind, and what they are made of. */
const lookups = {
  functionsMap: 'Functions',
  aggregatesMap: 'Aggregates',
  pluginMap: 'PlugIns',
  operatorMap: 'Operators',
  commandMap: 'ServerKind',
} as const;

/** Each state makes them anew when it is first asked, though no catalog changes what they are made of. */
function withLookupsOf(base: GlobalState, state: GlobalState): GlobalState {
  const [from, to] = [base, state] as unknown as [Record<string, unknown>, Record<string, unknown>];
  base.GetFunction('');
  base.GetAggregate('');
  base.GetPlugIn('');
  base.GetOperator(0);
  base.GetCommand('');
  for (const [lookup, of] of Object.entries(lookups)) if (to[of] === from[of]) to[lookup] ??= from[lookup];
  return state;
}

/** @param withViews stored views are tables, too. Their own queries see none of them so. Default: true */
export type StateOf = (
  catalog: KqlCatalog,
  functions: EngineFunctions,
  database: string,
  withViews?: boolean,
) => GlobalState;

/** Keeps the bound state of each catalog as long as that is there, one per current database. */
export function stateCache(): StateOf {
  const byCatalog = new WeakMap<KqlCatalog, Map<string, GlobalState>>();
  // What no catalog changes, made once: it is far dearer than a catalog's own part.
  const bases = new WeakMap<EngineFunctions, GlobalState>();
  const baseOf = (functions: EngineFunctions): GlobalState => {
    const known = bases.get(functions);
    if (known) return known;
    const made = withEngineFunctions(withExtraPlugins(languagePackage().GlobalState.Default), functions);
    bases.set(functions, made);
    return made;
  };
  const stateOf: StateOf = (catalog, functions, database, withViews = true) => {
    const states = byCatalog.get(catalog) ?? new Map<string, GlobalState>();
    byCatalog.set(catalog, states);
    const key = JSON.stringify([database, withViews]);
    const known = states.get(key);
    if (known) return known;
    const stateWith = (databaseOf: (entry: CatalogDatabase) => unknown): GlobalState => {
      const symbols = new Map(catalog.databases.map((entry) => [entry.name, databaseOf(entry)]));
      const current = symbols.get(database);
      if (current === undefined) throw new KqlError('semantic', `Database '${database}' could not be found.`);
      const cluster = new (languagePackage().Symbols.ClusterSymbol.ctor)(catalog.cluster, [...symbols.values()]);
      const base = baseOf(functions);
      return withLookupsOf(base, base.WithCluster(cluster).WithDatabase(current));
    };
    const state = stateWith((entry) => {
      const views = withViews ? entry.functions.filter(isStoredView) : [];
      if (views.length === 0) return databaseSymbol(entry);
      const without = stateOf(catalog, functions, entry.name, false);
      return databaseSymbol(
        entry,
        views.flatMap((view) => viewSymbol(view, without) ?? []),
      );
    });
    states.set(key, state);
    return state;
  };
  return stateOf;
}
