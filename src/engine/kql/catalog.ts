import type { Column } from './types.ts';

/** What names mean for one cluster. Immutable: a change makes a new `version`, and every cache is keyed by it. */
export interface KqlCatalog {
  readonly version: string;
  readonly cluster: string;
  readonly databases: readonly CatalogDatabase[];
}

export interface CatalogDatabase {
  readonly name: string;
  readonly tables: readonly CatalogTable[];
  readonly functions: readonly CatalogFunction[];
  readonly materializedViews?: readonly CatalogView[];
  /** Those of the principal who asks. */
  readonly storedResults?: readonly Pick<CatalogTable, 'name' | 'columns'>[];
}

export interface CatalogTable {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly docstring?: string;
  readonly folder?: string;
}

export interface CatalogFunction {
  readonly name: string;
  /** As written, with parentheses: `(n:long=5, T:(a:string))`. */
  readonly parameters: string;
  /** As written, with braces: `{ T | where a > n }`. */
  readonly body: string;
  readonly docstring?: string;
  readonly folder?: string;
}

export interface CatalogView {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly query: string;
  readonly docstring?: string;
}
