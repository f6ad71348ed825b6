import type { Column } from './types.ts';
import type { ViewLookback, ViewWindow } from './view-lookback.ts';

/** What names mean for one cluster. Immutable: a change makes a new `version`, and every cache is keyed by it. */
export interface KqlCatalog {
  readonly version: string;
  /** The host name of its endpoint. */
  readonly cluster: string;
  readonly databases: readonly CatalogDatabase[];
  /** Absent: all that are built may be used. */
  readonly disabledPlugins?: readonly string[];
}

export interface CatalogDatabase {
  readonly name: string;
  readonly tables: readonly CatalogTable[];
  readonly functions: readonly CatalogFunction[];
  readonly materializedViews?: readonly CatalogView[];
  readonly graphs?: readonly CatalogGraph[];
  /** `cluster('c').database('d')` each. */
  readonly entityGroups?: readonly { readonly name: string; readonly entities: readonly string[] }[];
  /** With what only the paths of their files say. */
  readonly externalTables?: readonly Pick<CatalogTable, 'name' | 'columns'>[];
  /** Those of the principal who asks. */
  readonly storedResults?: readonly Pick<CatalogTable, 'name' | 'columns'>[];
}

export interface CatalogTable {
  readonly name: string;
  /** When its records come is not kept. */
  readonly isUntimed?: true;
  readonly columns: readonly Column[];
  readonly docstring?: string;
  readonly folder?: string;
  /** What everybody who reads the table gets instead of its rows. */
  readonly rowLevelSecurity?: RowLevelSecurity;
}

export interface RowLevelSecurity {
  /** In the database of the table, which it alone sees as it is. */
  readonly query: string;
  /** Otherwise it holds where a query asks for it (`set query_force_row_level_security`). */
  readonly isEnabled: boolean;
}

export interface CatalogFunction {
  readonly name: string;
  /** As written, with parentheses: `(n:long=5, T:(a:string))`. */
  readonly parameters: string;
  /** As written, with braces: `{ T | where a > n }`. */
  readonly body: string;
  /** Wildcards and operators over all tables take it in, if it has no parameters. */
  readonly view?: boolean;
  readonly docstring?: string;
  readonly folder?: string;
}

/** A materialized view. Whoever reads it by its name reads what was made so far together with the rows that its source got since. */
export interface CatalogView {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly query: string;
  /** The table, or other materialized view, whose rows it is made of, by the name in the query. */
  readonly source: string;
  /** The columns of what was made so far. */
  readonly stored: readonly Column[];
  readonly docstring?: string;
  readonly folder?: string;
  readonly rowLevelSecurity?: RowLevelSecurity;
  /** Absent: rows of a group become one, however far they are apart. */
  readonly lookback?: ViewLookback;
  /** For whoever makes it: instead of its rows `delta`: the states of the new rows of its source; `merged`: those of the groups that these
   * change, as they are then; `window`: from when and until when the new ones are. For whoever takes records out of it `stored`: its rows as
   * far as they were made. */
  readonly states?: 'delta' | 'merged' | 'stored' | 'window';
  /** With `merged`, of a view with a lookback. */
  readonly window?: ViewWindow;
}

/** A graph that is kept: how it is made, and what was made of it. */
export interface CatalogGraph {
  readonly name: string;
  readonly nodes: readonly CatalogGraphStep[];
  readonly edges: readonly CatalogGraphStep[];
  /** Newest first. */
  readonly snapshots: readonly CatalogGraphSnapshot[];
}

export interface CatalogGraphStep {
  readonly query: string;
  /** Columns of the query: of a node its id, of an edge its source and target. */
  readonly ids: readonly string[];
  readonly labels: readonly string[];
  readonly labelsColumn?: string;
}

export interface CatalogGraphSnapshot {
  readonly name: string;
  readonly nodes: readonly Column[];
  readonly edges: readonly Column[];
}
