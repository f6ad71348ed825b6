import type { CatalogGraph, CatalogView, RowLevelSecurity } from '../../../../plan/catalog.ts';
import type { Plan, Program, ProgramResult, SharedTable } from '../../../../plan/plan.ts';
import type { EngineFunctions } from '../../binder/engine-functions.ts';
import type { GlobalState, LanguageSymbol } from '../../language/language.ts';
import { toArray } from '../../language/language.ts';
import type { Visitors } from './visit.ts';

/** What the builder asks about a catalog and an engine: its graph models, which databases it has, and which functions there are. */
export interface KeptGraphs {
  readonly functions: EngineFunctions;
  /** A plugin that may not be used on this cluster. */
  isDisabled(plugin: string): boolean;
  find(database: string, name: string): CatalogGraph | undefined;
  /** A stored entity group. */
  entities(database: string, name: string): readonly string[] | undefined;
  /** What a stored table has instead of its rows. */
  security(database: string, table: string): RowLevelSecurity | undefined;
  materialized(database: string, name: string): CatalogView | undefined;
  /** The query of a stored view. */
  view(database: string, name: string): string | undefined;
  /** The state to bind the queries of its steps with. @param withViews see `StateOf` */
  state(database: string, withViews?: boolean): GlobalState;
  /** @param from a database of the catalog @returns false for what the binder made up for a name that it does not know */
  hasDatabase(from: string, symbol: LanguageSymbol): boolean;
}

export interface StoredTable {
  readonly database: string;
  readonly table: string;
}

/** What is read of a view: all of it; what was made so far; or that, unless it is older than so many ticks. */
export type ViewReading = 'whole' | 'materialized' | { readonly maxAge: bigint };

/** What is built of a text so far. */
export interface Draft {
  readonly lets: SharedTable[];
  readonly options: Record<string, string | boolean | number | null>;
  readonly parameters: Program['parameters'][number][];
  readonly results: ProgramResult[];
  readonly database: string;
  /** The tables of that database. */
  readonly tables: readonly LanguageSymbol[];
  /** Columns that the binder adds and the engine does not show. */
  readonly implicitColumns: Set<string>;
  readonly keptGraphs: KeptGraphs;
  readonly functions: EngineFunctions;
  readonly visitors: Visitors;
  /** The table whose row level security this is the query of: it reads the rows themselves. */
  readonly secures?: StoredTable & { readonly reading: ViewReading };
  /** Materialized views that this is in the queries of, from the outermost. */
  readonly views: readonly string[];
  /** The source of the innermost of them, and the name of its new rows. `isAlone`: what another view will have is not asked for. */
  readonly source?: StoredTable & { readonly as: string; readonly isAlone: boolean };
  /** What fuzzy unions of the text do without, and why: each once. */
  readonly warnings: Set<string>;
  /** The first table whose columns are known only when it is opened. */
  untold?: Plan;
  /** Calls inlined so far: a bound on what one text can unfold to. */
  inlined: number;
  /** Nodes of expressions that names stood for so far: another. */
  unfolded: number;
}

/** The opening of that table alone, which tells its columns: with them the text is compiled again, and before that nothing else of it counts. */
export const untoldProgram = ({ untold, parameters, options }: Draft): Program | undefined =>
  untold && { parameters, options, lets: [], results: [{ name: 'PrimaryResult', plan: untold }] };

/** Inlining and nesting are bounded, whatever the text. */
export const inliningLimit = 5_000;

export const newDraft = (database: string, graphs: KeptGraphs, visitors: Visitors): Draft => ({
  lets: [],
  options: {},
  parameters: [],
  results: [],
  database,
  tables: toArray(graphs.state(database).Database.Tables),
  implicitColumns: new Set(),
  views: [],
  warnings: new Set(),
  inlined: 0,
  unfolded: 0,
  keptGraphs: graphs,
  functions: graphs.functions,
  visitors,
});

/** What a query that another one stands for has in common with it. */
export const partOf = ({
  lets,
  options,
  secures,
  views,
  source,
}: Draft): Pick<Draft, 'lets' | 'options' | 'secures' | 'views' | 'source'> => ({
  lets,
  views,
  options: { ...options },
  ...(secures && { secures }),
  ...(source && { source }),
});
