/** How plans name the stored query result that `stored_query_result("name")` reads: like a table with a name that no table can have. */
const prefix = 'stored_query_result/';

export const storedResultTable = (name: string): string => `${prefix}${name}`;

/** @returns undefined for the name of a table */
export const storedResultName = (table: string): string | undefined =>
  table.startsWith(prefix) ? table.slice(prefix.length) : undefined;
