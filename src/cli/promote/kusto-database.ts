import type { JsonObject } from '../../base/json.ts';
import type { LocalResult } from '../../server/local-client.ts';
import { tablesOf } from '../result-tables.ts';

export type Row = JsonObject;

/** One database of a cluster, wherever it is. What is refused is a UserError in the service's own words. */
export interface KustoDatabase {
  /** A management command. @returns the rows of its first table, by column */
  command(csl: string): Promise<readonly Row[]>;
  query(csl: string): Promise<readonly Row[]>;
}

/** @throws UserError for a refusal */
export function firstRows(answer: LocalResult): readonly Row[] {
  const { columns, rows } = tablesOf(answer)[0]?.table ?? { columns: [], rows: [] };
  // Numbers, texts and what stands in dynamics: JSON all of it.
  return rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]])) as Row);
}
