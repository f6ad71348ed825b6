/** What the state must know of a table besides its name. */
export interface TableRow {
  readonly table: { readonly name: string };
  /** Names the owner of a record: the cluster, vault or tenant that it belongs to, or `instance`. */
  readonly owner: (id: string) => string;
  /** History, and what can be said again: a damaged record is left out, and replaced by the next write. Everything else fails closed. */
  readonly losable?: true;
}

export const instanceOwner = 'instance';

/** The rows by name. A table without a row belongs to the instance and is not losable. */
export class TableRows {
  readonly #rows: ReadonlyMap<string, TableRow>;

  constructor(rows: readonly TableRow[] = []) {
    this.#rows = new Map(rows.map((row) => [row.table.name, row]));
  }

  isLosable(table: string): boolean {
    return this.#rows.get(table)?.losable === true;
  }

  ownerOf(table: string, id: string): string {
    return this.#rows.get(table)?.owner(id) ?? instanceOwner;
  }
}
