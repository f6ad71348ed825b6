/** How plans name rows that are kept beside the tables: by names that no table can have. */
const resultPrefix = 'stored_query_result/';
const snapshotPrefix = 'graph_snapshot/';

/** What `stored_query_result("name")` reads. */
export const storedResultTable = (name: string): string => `${resultPrefix}${name}`;

/** What `graph("model", "snapshot")` reads. */
export const snapshotTable = (model: string, snapshot: string, part: 'nodes' | 'edges'): string =>
  `${snapshotPrefix}${model}/${snapshot}/${part}`;

export type HiddenTable =
  | { readonly kind: 'storedResult'; readonly name: string }
  | { readonly kind: 'snapshot'; readonly model: string; readonly snapshot: string; readonly part: 'nodes' | 'edges' };

/** @returns undefined for the name of a table */
export function hiddenTable(table: string): HiddenTable | undefined {
  if (table.startsWith(resultPrefix)) return { kind: 'storedResult', name: table.slice(resultPrefix.length) };
  if (!table.startsWith(snapshotPrefix)) return undefined;
  const [model = '', snapshot = '', part] = table.slice(snapshotPrefix.length).split('/');
  return { kind: 'snapshot', model, snapshot, part: part === 'nodes' ? 'nodes' : 'edges' };
}
