import type { Column } from './types.ts';

/** What `externaldata` reads: plans name it as a table, by what no table can be called. */
export interface ExternalData {
  /** As they stand in the query, with what is secret. */
  readonly sources: readonly string[];
  readonly columns: readonly Column[];
  /** Of `with (…)`, names in lower case. */
  readonly properties: Readonly<Record<string, string>>;
}

const prefix = 'external_data/';

export const externalTable = (data: ExternalData): string => `${prefix}${JSON.stringify(data)}`;

/** @returns undefined for the name of a table */
export const externalDataOf = (table: string): ExternalData | undefined =>
  table.startsWith(prefix) ? (JSON.parse(table.slice(prefix.length)) as ExternalData) : undefined;
