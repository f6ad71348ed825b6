import type { Guid } from '../../base/guid.ts';
import { extentInPage, isInPage, openPage } from './extent-page.ts';
import { guidBytes } from './packed-values.ts';
import type { ExtentPageRecord, ExtentRecord } from './records.ts';

/** So many pages stay open: 8 MB of extents. */
const openMax = 32;
const prefix = 'e/';
const none: ReadonlyMap<Guid, ExtentPageRecord> = new Map();

/** The pages of a catalog, by table. They are kept as they are stored, and opened when one of their extents is asked for. */
export class ExtentPages {
  readonly #tables = new Map<Guid, Map<Guid, ExtentPageRecord>>();
  /** Those used last come last. */
  readonly #opened = new Map<ExtentPageRecord, readonly ExtentRecord[]>();

  of(tableId: Guid): Iterable<ExtentPageRecord> {
    return (this.#tables.get(tableId) ?? none).values();
  }

  /** @param id of the record of an extent */
  find(id: string): ExtentPageRecord | undefined {
    if (this.#tables.size === 0 || !id.startsWith(prefix)) return undefined;
    const bytes = guidBytes(id.slice(prefix.length));
    for (const pages of this.#tables.values())
      for (const page of pages.values()) if (isInPage(page, bytes)) return page;
    return undefined;
  }

  extent(page: ExtentPageRecord, id: string): ExtentRecord | undefined {
    const extentId = id.slice(prefix.length);
    const opened = this.#opened.get(page)?.find((extent) => extent.extentId === extentId);
    return opened ?? extentInPage(page, guidBytes(extentId));
  }

  opened(page: ExtentPageRecord): readonly ExtentRecord[] {
    const extents = this.#opened.get(page) ?? openPage(page);
    this.#opened.delete(page);
    this.#opened.set(page, extents);
    for (const [oldest] of this.#opened) {
      if (this.#opened.size <= openMax) break;
      this.#opened.delete(oldest);
    }
    return extents;
  }

  /** In the place of the one with that id, if there is one. */
  set(page: ExtentPageRecord): void {
    const own = this.#tables.get(page.tableId) ?? new Map<Guid, ExtentPageRecord>();
    const before = own.get(page.pageId);
    if (before !== undefined) this.#opened.delete(before);
    this.#tables.set(page.tableId, own.set(page.pageId, page));
  }

  delete(page: ExtentPageRecord): void {
    const own = this.#tables.get(page.tableId);
    own?.delete(page.pageId);
    if (own?.size === 0) this.#tables.delete(page.tableId);
    this.#opened.delete(page);
  }
}
