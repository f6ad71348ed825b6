import type { ColumnRange, ExtentRecord, PageFacts } from './records.ts';
import { ingestedInCommit } from './records.ts';
import { bytesAtRest } from './sealed-extent.ts';

/** @param extents some; columns by the extents that have them */
export function factsOf(extents: readonly ExtentRecord[]): PageFacts {
  const sum = (of: (extent: ExtentRecord) => number): number =>
    extents.reduce((total, extent) => total + of(extent), 0);
  const columnIds = [...new Set(extents.flatMap((extent) => extent.columnIds))];
  const known = extents.map(lastOf).filter((at) => at !== undefined);
  const tags = new Set(extents.flatMap((extent) => extent.tags));
  return {
    columnIds,
    ranges: byColumn(columnIds, (id) => rangeOf(extents, id)),
    texts: byColumn(columnIds, (id) => textsOf(extents, id)),
    nulls: byColumn(columnIds, (id) => nullsOf(extents, id)),
    rowCount: sum(({ rowCount }) => rowCount),
    leastRowCount: Math.min(...extents.map(({ rowCount }) => rowCount)),
    minCreatedOn: Math.min(...extents.map(({ minCreatedOn }) => minCreatedOn)),
    maxCreatedOn: Math.max(...extents.map(({ maxCreatedOn }) => maxCreatedOn)),
    count: extents.length,
    oldestMaxCreatedOn: Math.min(...extents.map(({ maxCreatedOn }) => maxCreatedOn)),
    bytesAtRest: sum(({ sealed }) => bytesAtRest(sealed)),
    termBytes: sum(termBytesOf),
    originalBytes: sum(({ originalBytes }) => originalBytes),
    ...(tags.size > 0 && { tagPrints: printsOf(tags) }),
    ...(known.length === extents.length && { ingestedTo: Math.max(...known) }),
  };
}

/** So many of what is left are asked whether they reach an end, before facts are worked out anew. */
const askedMax = 32;

/** Of what is left, when some of those that facts are of have gone. An end that one of them reached still stands where another one reaches it: then sums
 * change, and nothing else. What is left is read as far as that has to be found out, mostly a few extents; all of it where an end seems to have gone.
 * @param read gives one of what is left, by its number */
export function factsWithout(
  facts: PageFacts,
  gone: readonly ExtentRecord[],
  read: (number: number) => ExtentRecord,
): PageFacts {
  const count = facts.count - gone.length;
  const wanted = new Set(gone.flatMap((extent) => reachedBy(facts, extent)));
  for (let number = 0; wanted.size > 0 && number < Math.min(count, askedMax); number += 1)
    for (const end of reachedBy(facts, read(number))) wanted.delete(end);
  if (wanted.size > 0) return factsOf(Array.from({ length: count }, (_value, number) => read(number)));
  const less = (sum: number, of: (extent: ExtentRecord) => number): number =>
    gone.reduce((rest, extent) => rest - of(extent), sum);
  return {
    ...facts,
    nulls: byColumn(facts.columnIds, (id) => {
      const sum = facts.nulls?.[id];
      return sum === undefined ? undefined : less(sum, (extent) => ownNulls(extent, id) ?? 0);
    }),
    rowCount: less(facts.rowCount, ({ rowCount }) => rowCount),
    count,
    bytesAtRest: less(facts.bytesAtRest, ({ sealed }) => bytesAtRest(sealed)),
    termBytes: less(facts.termBytes, termBytesOf),
    originalBytes: less(facts.originalBytes, ({ originalBytes }) => originalBytes),
  };
}

/** What of the facts stands because of an extent, by names: what it has, the ends that it reaches, what is not known because of it. */
function reachedBy(facts: PageFacts, extent: ExtentRecord): string[] {
  const ends = [
    ...extent.columnIds.map((id) => `column ${id}`),
    ...extent.tags.map((tag) => `tag ${tag}`),
    lastOf(extent) === facts.ingestedTo ? 'ingestedTo' : [],
    extent.rowCount === facts.leastRowCount ? 'leastRowCount' : [],
    extent.minCreatedOn === facts.minCreatedOn ? 'minCreatedOn' : [],
    extent.maxCreatedOn === facts.maxCreatedOn ? 'maxCreatedOn' : [],
    extent.maxCreatedOn === facts.oldestMaxCreatedOn ? 'oldestMaxCreatedOn' : [],
    ...facts.columnIds.map((id) => {
      const [range, texts] = [facts.ranges[id], facts.texts?.[id]];
      const [own, ownTexts] = [knownRange(extent, id), extent.texts?.[id]];
      return [
        own === 'none' ? [] : endsOf('range', id, range, own),
        endsOf('texts', id, texts, ownTexts),
        facts.nulls?.[id] === undefined && ownNulls(extent, id) === undefined ? `nulls ${id}` : [],
      ].flat();
    }),
  ];
  return ends.flat();
}

/** Where nothing is known of all, those stand for it of which nothing is known. */
function endsOf(name: string, id: number, all: ColumnRange | undefined, own: ColumnRange | undefined): string[] {
  if (all === undefined) return own === undefined ? [`${name} ${id}`] : [];
  return [
    ...(own?.[0] === all[0] ? [`${name} ${id} least`] : []),
    ...(own?.[1] === all[1] ? [`${name} ${id} most`] : []),
  ];
}

const termBytesOf = ({ terms }: ExtentRecord): number => (terms === undefined ? 0 : bytesAtRest(terms.sealed));

/** When the last of its rows was ingested; undefined: not known. */
const lastOf = ({ ingestedAt, ingestedTo }: ExtentRecord): number | undefined =>
  ingestedAt === ingestedInCommit ? undefined : (ingestedAt ?? ingestedTo);

/** Of a column: `none` where it has no value. */
function knownRange(
  { columnIds, ranges, nulls, rowCount }: ExtentRecord,
  id: number,
): ColumnRange | 'none' | undefined {
  return !columnIds.includes(id) || nulls?.[id] === rowCount ? 'none' : ranges[id];
}

/** An extent that has not the column has no value in any row. */
const ownNulls = ({ columnIds, nulls, rowCount }: ExtentRecord, id: number): number | undefined =>
  columnIds.includes(id) ? nulls?.[id] : rowCount;

/** Whether an extent of the page may have the tag. */
export function mayHaveTag({ tagPrints }: Pick<PageFacts, 'tagPrints'>, tag: string): boolean {
  if (tagPrints === undefined) return false;
  const [prints, wanted] = [Buffer.from(tagPrints, 'base64url'), printOf(tag)];
  for (let at = 0; at < prints.length; at += printBytes) if (prints.readUInt32BE(at) === wanted) return true;
  return false;
}

const printBytes = 4;

/** Of each tag four bytes, in their order: of a thousand others that a page is asked for, it is opened for hardly one in vain. */
function printsOf(tags: Iterable<string>): string {
  const prints = [...new Set([...tags].map(printOf))].sort((left, right) => left - right);
  const bytes = Buffer.alloc(prints.length * printBytes);
  for (const [index, print] of prints.entries()) bytes.writeUInt32BE(print, index * printBytes);
  return bytes.toString('base64url');
}

/** FNV-1a, of 32 bits, over the UTF-16 units: no secret. */
function printOf(tag: string): number {
  let print = 0x811c9dc5;
  for (let at = 0; at < tag.length; at += 1) print = Math.imul(print ^ tag.charCodeAt(at), 0x01000193);
  return print >>> 0;
}

function byColumn<T>(columnIds: readonly number[], of: (id: number) => T | undefined): Record<string, T> {
  const found: Record<string, T> = {};
  for (const id of columnIds) {
    const value = of(id);
    if (value !== undefined) found[id] = value;
  }
  return found;
}

/** Of a column: unless something is not known of an extent that has it. */
function rangeOf(extents: readonly ExtentRecord[], id: number): ColumnRange | undefined {
  let found: ColumnRange | undefined;
  let [least, greatest] = [0n, 0n];
  for (const extent of extents) {
    const range = knownRange(extent, id);
    if (range === 'none') continue;
    if (range === undefined) return undefined;
    const min = BigInt(range[0]);
    const max = range[1] === range[0] ? min : BigInt(range[1]);
    const isLess = found === undefined || min < least;
    const isMore = found === undefined || max > greatest;
    if (isLess) least = min;
    if (isMore) greatest = max;
    if (isLess || isMore) found = [isLess ? range[0] : (found?.[0] ?? ''), isMore ? range[1] : (found?.[1] ?? '')];
  }
  return found;
}

/** Texts that are known are of printable ASCII: their order is that of their bytes. */
function textsOf(extents: readonly ExtentRecord[], id: number): ColumnRange | undefined {
  const found = extents.map(({ texts }) => texts?.[id]);
  if (found.includes(undefined)) return undefined;
  const ranges = found.flatMap((range) => (range === undefined ? [] : [range]));
  const least = ranges.map(([min]) => min).reduce((left, right) => (right < left ? right : left));
  const greatest = ranges.map(([, max]) => max).reduce((left, right) => (right > left ? right : left));
  return [least, greatest];
}

function nullsOf(extents: readonly ExtentRecord[], id: number): number | undefined {
  let sum = 0;
  for (const extent of extents) {
    const own = ownNulls(extent, id);
    if (own === undefined) return undefined;
    sum += own;
  }
  return sum;
}
