/** What a database page is, as far as its gaps go. @see SQLite "Database File Format", 1.6 and 1.8 */
export interface PageShape {
  readonly pageBytes: number;
  /** Files with auto-vacuum have pages that map pointers. */
  readonly hasPointerMap: boolean;
}

const headerBytes: Readonly<Record<number, number>> = { 2: 12, 5: 12, 10: 8, 13: 8 };
/** SQLite locks bytes of this page and stores nothing there. */
const lockByte = 0x40000000;
const bytesPerPointer = 5;

/** From this page number on the first byte of a page that is not a b-tree may look like the type of one. */
export const pagesMax = 2 ** 25;

/** Zeroes what lies in a page of a b-tree outside of its cells. SQLite overwrites the cells that it deletes (`secure_delete`), and whole
 * pages that it frees, but where it moves cells from page to page, copies stay behind in the gap.
 * @returns whether there was anything */
export function zeroGaps(page: Buffer, pageNumber: number, shape: PageShape): boolean {
  const start = pageNumber === 1 ? 100 : 0;
  const header = headerBytes[page[start] ?? 0];
  if (header === undefined || isPointerMap(pageNumber, shape)) return false;
  const cells = page.readUInt16BE(start + 3);
  const content = page.readUInt16BE(start + 5) || 65_536;
  let found = zero(page, start + header + 2 * cells, Math.min(content, page.length));
  // Free blocks between cells: each begins with where the next one is, and its own length.
  for (let at = page.readUInt16BE(start + 1); at !== 0 && at + 4 <= page.length; at = page.readUInt16BE(at))
    found = zero(page, at + 4, at + page.readUInt16BE(at + 2)) || found;
  return found;
}

function zero(page: Buffer, from: number, to: number): boolean {
  const gap = page.subarray(from, to);
  if (gap.every((byte) => byte === 0)) return false;
  gap.fill(0);
  return true;
}

function isPointerMap(pageNumber: number, { pageBytes, hasPointerMap }: PageShape): boolean {
  if (!hasPointerMap || pageNumber < 2) return false;
  const pagesPerMap = Math.floor(pageBytes / bytesPerPointer) + 1;
  const map = Math.floor((pageNumber - 2) / pagesPerMap) * pagesPerMap + 2;
  return pageNumber === (map === lockByte / pageBytes + 1 ? map + 1 : map);
}
