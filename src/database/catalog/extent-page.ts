import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { guidBytes, packValues, readShared, unpackValue } from './packed-values.ts';
import type { ColumnRange, ExtentOrPage, ExtentPageRecord, ExtentRecord, PageFacts } from './records.ts';
import { ingestedInCommit, sealedOf } from './records.ts';
import type { SealedExtent } from './sealed-extent.ts';
import { bytesAtRest } from './sealed-extent.ts';

/** So many extents make a page: it takes 40 KB, and 1 ms to open. */
export const extentsPerPage = 256;

const idBytes = 16;
const offsetBytes = 4;

/** @param extents of one table and one epoch */
export function makePage(pageId: Guid, extents: readonly ExtentRecord[]): ExtentPageRecord {
  const [first] = extents;
  invariant(first !== undefined && extents.length <= extentsPerPage, 'a page has some extents');
  const { tableId, epoch } = first;
  invariant(
    extents.every((extent) => extent.tableId === tableId && (extent.epoch ?? 0) === (epoch ?? 0)),
    'a page is of one table',
  );
  const sorted = extents.toSorted((left, right) => (left.extentId < right.extentId ? -1 : 1));
  return {
    ...{ kind: 'extentPage', pageId, tableId },
    ...(epoch === undefined ? {} : { epoch }),
    ...{ facts: factsOf(sorted), body: bodyOf(sorted) },
  };
}

/** @returns all of its extents, in the order of their ids */
export function openPage({ body }: ExtentPageRecord): readonly ExtentRecord[] {
  const read = new PageBody(body);
  return Array.from({ length: read.count }, (_value, index) => read.extent(index));
}

/** One of its extents. @returns undefined when it is not among them */
export function extentInPage({ body }: ExtentPageRecord, extentId: Buffer): ExtentRecord | undefined {
  const index = placeIn(body, extentId);
  return index === undefined ? undefined : new PageBody(body).extent(index);
}

/** @param extentId its 16 bytes */
export const isInPage = ({ body }: ExtentPageRecord, extentId: Buffer): boolean =>
  placeIn(body, extentId) !== undefined;

/** What is left when some have gone. @param gone ids @returns null when nothing is */
export function pageWithout(page: ExtentPageRecord, gone: ReadonlySet<Guid>): ExtentPageRecord | null {
  const left = openPage(page).filter(({ extentId }) => !gone.has(extentId));
  return left.length === 0 ? null : makePage(page.pageId, left);
}

/** Byte 1, so that it is no JSON; length of the head (4 bytes), the head as JSON, the body. */
export function encodePage({ body, ...head }: ExtentPageRecord): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const start = Buffer.alloc(1 + offsetBytes);
  start.writeUInt32BE(text.length, start.writeUInt8(pageForm));
  return Buffer.concat([start, text, body]);
}

export const isEncodedPage = (plaintext: Buffer): boolean => plaintext[0] === pageForm;

export function decodePage(plaintext: Buffer): ExtentPageRecord {
  const start = 1 + offsetBytes;
  const end = start + plaintext.readUInt32BE(1);
  const head = JSON.parse(plaintext.toString('utf8', start, end)) as Omit<ExtentPageRecord, 'body'>;
  return { ...head, body: plaintext.subarray(end) };
}

const pageForm = 1;

/** Number of extents (4 bytes), their ids in order, where each ends (4 bytes each), where what they share begins; then the extents, and that. */
function bodyOf(sorted: readonly ExtentRecord[]): Buffer {
  const { shared, values } = packValues(sorted.map(withoutId));
  const ends = Buffer.alloc(offsetBytes * (1 + values.length));
  let end = 0;
  ends.writeUInt32BE(values.length);
  for (const [index, value] of values.entries()) ends.writeUInt32BE((end += value.length), offsetBytes * (1 + index));
  return Buffer.concat([ends, ...sorted.map(({ extentId }) => guidBytes(extentId)), ...values, shared]);
}

/** Ids lie apart, to be looked for. */
const withoutId = (extent: ExtentRecord): JsonObject =>
  Object.fromEntries<Json | undefined>(
    Object.entries(extent as unknown as JsonObject).filter(([name]) => name !== 'extentId'),
  );

const idsFrom = (count: number): number => offsetBytes * (1 + count);

/** Ids are looked for by their first bytes: of a million extents there are four thousand pages. */
function placeIn(body: Buffer, extentId: Buffer): number | undefined {
  const count = body.readUInt32BE(0);
  const from = idsFrom(count);
  const wanted = extentId.readUInt32BE(0);
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (body.readUInt32BE(from + middle * idBytes) < wanted) low = middle + 1;
    else high = middle;
  }
  for (; low < count && body.readUInt32BE(from + low * idBytes) === wanted; low += 1)
    if (extentId.equals(body.subarray(from + low * idBytes, from + (low + 1) * idBytes))) return low;
  return undefined;
}

class PageBody {
  readonly count: number;
  readonly #body: Buffer;
  readonly #values: number;
  readonly #shared: readonly Json[];

  constructor(body: Buffer) {
    this.#body = body;
    this.count = body.readUInt32BE(0);
    this.#values = idsFrom(this.count) + this.count * idBytes;
    this.#shared = readShared(body.subarray(this.#values + this.#end(this.count - 1)));
  }

  extent(index: number): ExtentRecord {
    const [start, end] = [this.#end(index - 1), this.#end(index)].map((at) => this.#values + at);
    const id = idsFrom(this.count) + index * idBytes;
    const hex = this.#body.toString('hex', id, id + idBytes);
    const extentId = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    return Object.assign(unpackValue(this.#body.subarray(start, end), this.#shared), {
      extentId,
    }) as unknown as ExtentRecord;
  }

  #end(index: number): number {
    return index < 0 ? 0 : this.#body.readUInt32BE(offsetBytes * (1 + index));
  }
}

function factsOf(extents: readonly ExtentRecord[]): PageFacts {
  const sum = (of: (extent: ExtentRecord) => number): number =>
    extents.reduce((total, extent) => total + of(extent), 0);
  const columnIds = [...new Set(extents.flatMap((extent) => extent.columnIds))];
  const last = extents.map(({ ingestedAt, ingestedTo }) =>
    ingestedAt === ingestedInCommit ? undefined : (ingestedAt ?? ingestedTo),
  );
  const known = last.filter((at) => at !== undefined);
  return {
    columnIds,
    ranges: byColumn(columnIds, (id) => rangeOf(extents, id)),
    texts: byColumn(columnIds, (id) => textsOf(extents, id)),
    nulls: byColumn(columnIds, (id) => nullsOf(extents, id)),
    rowCount: sum(({ rowCount }) => rowCount),
    minCreatedOn: Math.min(...extents.map(({ minCreatedOn }) => minCreatedOn)),
    maxCreatedOn: Math.max(...extents.map(({ maxCreatedOn }) => maxCreatedOn)),
    count: extents.length,
    oldestMaxCreatedOn: Math.min(...extents.map(({ maxCreatedOn }) => maxCreatedOn)),
    bytesAtRest: sum(({ sealed }) => bytesAtRest(sealed)),
    hasTags: extents.some(({ tags }) => tags.length > 0),
    ...(known.length === extents.length && { ingestedTo: Math.max(...known) }),
  };
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
  let [least, greatest] = ['', ''];
  for (const { columnIds, ranges, nulls, rowCount } of extents) {
    if (!columnIds.includes(id) || nulls?.[id] === rowCount) continue;
    const range = ranges[id];
    if (range === undefined) return undefined;
    if (least === '' || BigInt(range[0]) < BigInt(least)) least = range[0];
    if (greatest === '' || BigInt(range[1]) > BigInt(greatest)) greatest = range[1];
  }
  return least === '' ? undefined : [least, greatest];
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

/** An extent that has not the column has no value in any row. */
function nullsOf(extents: readonly ExtentRecord[], id: number): number | undefined {
  let sum = 0;
  for (const { columnIds, nulls, rowCount } of extents) {
    const own = columnIds.includes(id) ? nulls?.[id] : rowCount;
    if (own === undefined) return undefined;
    sum += own;
  }
  return sum;
}

/** All that is sealed of extents, those of pages too. */
export const extentsIn = (record: ExtentOrPage): readonly ExtentRecord[] =>
  record.kind === 'extent' ? [record] : openPage(record);

export const sealedIn = (record: ExtentOrPage): readonly SealedExtent[] => extentsIn(record).flatMap(sealedOf);
