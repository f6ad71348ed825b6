import type { Column } from './types.ts';

/** What `externaldata` reads: plans name it as a table, by what no table can be called. */
export interface ExternalData {
  /** As they stand in the query, with what is secret. */
  readonly sources: readonly string[];
  readonly columns: readonly Column[];
  /** Of `with (…)`, names in lower case. */
  readonly properties: Readonly<Record<string, string>>;
}

/** A partition of external files: a column of its own, or made of one. */
export interface InlinePartition {
  readonly name: string;
  readonly type: string;
  /** Absent: the column is in the paths alone. */
  readonly of?: { readonly column: string; readonly call?: string; readonly argument?: string };
}

/** What `inline_external_table` reads: an external table that the query itself defines. */
export interface InlineExternalTable {
  readonly kind: 'storage' | 'delta';
  /** Of the operator, in every compilation of its query. */
  readonly place: string;
  /** Absent: the log of the Delta table tells them, and they are told to the binder. */
  readonly columns?: readonly Column[];
  /** Storage connection strings as they stand in the query, with what is secret. */
  readonly sources: readonly string[];
  /** As written; of a Delta table `parquet`. */
  readonly format: string;
  readonly partitions: readonly InlinePartition[];
  /** As written between the parentheses. */
  readonly pathFormat: string;
  /** Of `with (…)`, names in lower case. */
  readonly properties: Readonly<Record<string, string>>;
}

/** What `external_table()` reads: plans name it so, too. */
export interface ExternalTableName {
  /** Of the external table. */
  readonly name: string;
  /** Of the mapping by which its files are read. */
  readonly mapping?: string;
}

const dataPrefix = 'external_data/';
const inlinePrefix = 'inline_external_table/';
const tablePrefix = 'external_table/';

export const externalData = (data: ExternalData): string => `${dataPrefix}${JSON.stringify(data)}`;
export const inlineExternalTable = (table: InlineExternalTable): string => `${inlinePrefix}${JSON.stringify(table)}`;
export const externalTable = (table: ExternalTableName): string => `${tablePrefix}${JSON.stringify(table)}`;

/** @returns undefined for what is no `externaldata` */
export const externalDataOf = (table: string): ExternalData | undefined =>
  table.startsWith(dataPrefix) ? (JSON.parse(table.slice(dataPrefix.length)) as ExternalData) : undefined;

/** @returns undefined for what is no `inline_external_table` */
export const inlineExternalTableOf = (table: string): InlineExternalTable | undefined =>
  table.startsWith(inlinePrefix) ? (JSON.parse(table.slice(inlinePrefix.length)) as InlineExternalTable) : undefined;

/** @returns undefined for what is no `external_table()` */
export const externalTableOf = (table: string): ExternalTableName | undefined =>
  table.startsWith(tablePrefix) ? (JSON.parse(table.slice(tablePrefix.length)) as ExternalTableName) : undefined;

/** Whether the rows of a plan's table lie outside of the cluster. */
export const isExternal = (table: string): boolean =>
  [dataPrefix, inlinePrefix, tablePrefix].some((prefix) => table.startsWith(prefix));
