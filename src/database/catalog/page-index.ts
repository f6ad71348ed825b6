import { idStarts, placeIn } from './page-body.ts';
import type { ExtentPageRecord } from './records.ts';
import type { Guid } from '../../base/guid.ts';

const cellsMin = 1_024;

/** An extent of a page. */
export interface PagePlace {
  readonly page: ExtentPageRecord;
  readonly place: number;
}

/** Which pages may have an extent, by the first bytes of its id: a table of cells, each naming a page, that is looked through from the cell of those bytes to
 * an empty one. The page itself says whether it has the extent: so cells of what has left its page do no harm, and go when the table is made
 * anew. It is made when something is looked for: eight to sixteen bytes an extent, a tenth of a second for a million. */
export class PageIndex {
  /** Pages by their numbers; those that are gone have none. */
  readonly #pages: (ExtentPageRecord | undefined)[] = [];
  readonly #numbers = new Map<Guid, number>();
  /** A number and one more; 0: empty. */
  #cells: Uint32Array | undefined;
  #filled = 0;

  /** A page that is there already has become one with fewer extents, never with others. */
  set(page: ExtentPageRecord): void {
    const number = this.#numbers.get(page.pageId);
    if (number === undefined) this.#add(page);
    else this.#pages[number] = page;
  }

  delete({ pageId }: ExtentPageRecord): void {
    const number = this.#numbers.get(pageId);
    if (number === undefined) return;
    this.#pages[number] = undefined;
    this.#numbers.delete(pageId);
  }

  /** @param extentId its 16 bytes */
  find(extentId: Buffer): PagePlace | undefined {
    if (this.#numbers.size === 0) return undefined;
    const cells = this.#cells ?? this.#made();
    for (let at = extentId.readUInt32BE(0) & (cells.length - 1); ; at = (at + 1) & (cells.length - 1)) {
      const cell = cells[at] ?? 0;
      if (cell === 0) return undefined;
      const page = this.#pages[cell - 1];
      const place = page && placeIn(page.body, extentId);
      if (page !== undefined && place !== undefined) return { page, place };
    }
  }

  #add(page: ExtentPageRecord): void {
    const number = this.#pages.push(page) - 1;
    this.#numbers.set(page.pageId, number);
    if (this.#cells === undefined) return;
    if ((this.#filled + page.facts.count) * 2 > this.#cells.length) this.#cells = undefined;
    else this.#fill(this.#cells, page, number);
  }

  #made(): Uint32Array {
    const pages = this.#pages.filter((page) => page !== undefined);
    this.#pages.splice(0, this.#pages.length, ...pages);
    const count = pages.reduce((sum, { facts }) => sum + facts.count, 0);
    let length = cellsMin;
    while (length < count * 2) length *= 2;
    const cells = new Uint32Array(length);
    this.#filled = 0;
    for (const [number, page] of pages.entries()) {
      this.#numbers.set(page.pageId, number);
      this.#fill(cells, page, number);
    }
    this.#cells = cells;
    return cells;
  }

  #fill(cells: Uint32Array, { body }: ExtentPageRecord, number: number): void {
    for (const start of idStarts(body)) {
      let at = start & (cells.length - 1);
      while (cells[at] !== 0) at = (at + 1) & (cells.length - 1);
      cells[at] = number + 1;
      this.#filled += 1;
    }
  }
}
