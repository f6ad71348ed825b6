import type { Guid } from '../../base/guid.ts';
import { guidBytes } from './packed-form.ts';
import { PageBody } from './page-body.ts';
import type { PagePlace } from './page-index.ts';
import { PageIndex } from './page-index.ts';
import type { ExtentPageRecord, ExtentRecord } from './records.ts';

/** So many pages stay open: 8 MB of extents. */
const openMax = 32;
const prefix = 'e/';
const none: ReadonlyMap<Guid, ExtentPageRecord> = new Map();

/** The pages of a catalog, by table. They are kept as they are stored, and opened when their extents are asked for. */
export class ExtentPages {
  readonly #tables = new Map<Guid, Map<Guid, ExtentPageRecord>>();
  readonly #index = new PageIndex();
  /** Those used last come last. */
  readonly #opened = new Map<ExtentPageRecord, OpenPage>();

  of(tableId: Guid): Iterable<ExtentPageRecord> {
    return (this.#tables.get(tableId) ?? none).values();
  }

  /** @param id of the record of an extent */
  find(id: string): PagePlace | undefined {
    if (this.#tables.size === 0 || !id.startsWith(prefix)) return undefined;
    return this.#index.find(guidBytes(id.slice(prefix.length)));
  }

  extent({ page, place }: PagePlace): ExtentRecord {
    return this.#open(page).extent(place);
  }

  /** All of its extents, at their places. */
  opened(page: ExtentPageRecord): readonly ExtentRecord[] {
    return this.#open(page).extents();
  }

  /** In the place of the one with that id, if there is one. */
  set(page: ExtentPageRecord): void {
    const own = this.#tables.get(page.tableId) ?? new Map<Guid, ExtentPageRecord>();
    const before = own.get(page.pageId);
    if (before !== undefined) this.#opened.delete(before);
    this.#tables.set(page.tableId, own.set(page.pageId, page));
    this.#index.set(page);
  }

  delete(page: ExtentPageRecord): void {
    const own = this.#tables.get(page.tableId);
    own?.delete(page.pageId);
    if (own?.size === 0) this.#tables.delete(page.tableId);
    this.#index.delete(page);
    this.#opened.delete(page);
  }

  #open(page: ExtentPageRecord): OpenPage {
    const open = this.#opened.get(page) ?? new OpenPage(page);
    this.#opened.delete(page);
    this.#opened.set(page, open);
    for (const [oldest] of this.#opened) {
      if (this.#opened.size <= openMax) break;
      this.#opened.delete(oldest);
    }
    return open;
  }
}

/** What was read of a page. */
class OpenPage {
  readonly #body: PageBody;
  #extents: readonly ExtentRecord[] | undefined;

  constructor({ body }: ExtentPageRecord) {
    this.#body = new PageBody(body);
  }

  extent(place: number): ExtentRecord {
    return this.#extents?.[place] ?? this.#body.extent(place);
  }

  extents(): readonly ExtentRecord[] {
    return (this.#extents ??= Array.from({ length: this.#body.count }, (_value, place) => this.#body.extent(place)));
  }
}
