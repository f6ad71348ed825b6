/** How plans name rows that are kept beside the tables: by names that no table can have. */
const resultPrefix = 'stored_query_result/';
const snapshotPrefix = 'graph_snapshot/';
const viewPrefix = 'materialized_view/';

/** What `stored_query_result("name")` reads. */
export const storedResultTable = (name: string): string => `${resultPrefix}${name}`;

/** What `graph("model", "snapshot")` reads. */
export const snapshotTable = (model: string, snapshot: string, part: 'nodes' | 'edges'): string =>
  `${snapshotPrefix}${model}/${snapshot}/${part}`;

/** `materialized`: what was made of the rows of the source so far; `delta`: the rows that came since. With `maxAge`, in ticks, the delta has no
 * rows while what was made is not older than that. */
export interface ViewTable {
  readonly kind: 'view';
  readonly view: string;
  readonly part: 'materialized' | 'delta';
  readonly maxAge?: bigint;
}

/** What a materialized view is read from. */
export const viewTable = (view: string, part: ViewTable['part'], maxAge?: bigint): string =>
  `${viewPrefix}${view}/${part}${maxAge === undefined ? '' : `/${maxAge}`}`;

export type HiddenTable =
  | ViewTable
  | { readonly kind: 'storedResult'; readonly name: string }
  | { readonly kind: 'snapshot'; readonly model: string; readonly snapshot: string; readonly part: 'nodes' | 'edges' };

/** @returns undefined for the name of a table */
export function hiddenTable(table: string): HiddenTable | undefined {
  if (table.startsWith(resultPrefix)) return { kind: 'storedResult', name: table.slice(resultPrefix.length) };
  if (table.startsWith(viewPrefix)) {
    const [view = '', part, maxAge] = table.slice(viewPrefix.length).split('/');
    return {
      ...{ kind: 'view', view, part: part === 'delta' ? 'delta' : 'materialized' },
      ...(maxAge !== undefined && { maxAge: BigInt(maxAge) }),
    };
  }
  if (!table.startsWith(snapshotPrefix)) return undefined;
  const [model = '', snapshot = '', part] = table.slice(snapshotPrefix.length).split('/');
  return { kind: 'snapshot', model, snapshot, part: part === 'nodes' ? 'nodes' : 'edges' };
}
