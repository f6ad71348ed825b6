import type { Column } from './types.ts';

/** What `externaldata` reads: plans name it as a table, by what no table can be called. */
export interface ExternalData {
  /** As they stand in the query, with what is secret. */
  readonly sources: readonly string[];
  readonly columns: readonly Column[];
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
const tablePrefix = 'external_table/';

export const externalData = (data: ExternalData): string => `${dataPrefix}${JSON.stringify(data)}`;
export const externalTable = (table: ExternalTableName): string => `${tablePrefix}${JSON.stringify(table)}`;

/** @returns undefined for what is no `externaldata` */
export const externalDataOf = (table: string): ExternalData | undefined =>
  table.startsWith(dataPrefix) ? (JSON.parse(table.slice(dataPrefix.length)) as ExternalData) : undefined;

/** @returns undefined for what is no `external_table()` */
export const externalTableOf = (table: string): ExternalTableName | undefined =>
  table.startsWith(tablePrefix) ? (JSON.parse(table.slice(tablePrefix.length)) as ExternalTableName) : undefined;

/** Whether the rows of a plan's table lie outside of the cluster. */
export const isExternal = (table: string): boolean => table.startsWith(dataPrefix) || table.startsWith(tablePrefix);
