import type { Guid } from '../../base/guid.ts';
import type { ExtentRecord } from './records.ts';

const none: ReadonlyMap<string, ExtentRecord> = new Map();

/** Extents by their table and the ids of their records: whoever reads a table looks at each. */
export class ExtentsByTable {
  readonly #tables = new Map<Guid, Map<string, ExtentRecord>>();

  of(tableId: Guid): ReadonlyMap<string, ExtentRecord> {
    return this.#tables.get(tableId) ?? none;
  }

  /** In the place of the one with that id, if there is one. */
  set(id: string, extent: ExtentRecord): void {
    const own = this.#tables.get(extent.tableId);
    if (own === undefined) this.#tables.set(extent.tableId, new Map([[id, extent]]));
    else own.set(id, extent);
  }

  delete(id: string, { tableId }: ExtentRecord): void {
    const own = this.#tables.get(tableId);
    own?.delete(id);
    if (own?.size === 0) this.#tables.delete(tableId);
  }
}
