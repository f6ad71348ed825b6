import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { BlobName } from '../../storage/blob-store.ts';
import { bodyOf, bodyWithout, PageBody, placeIn, sharesInVain } from './page-body.ts';
import { factsOf, factsWithout } from './page-facts.ts';
import type { ExtentOrPage, ExtentPageRecord, ExtentRecord } from './records.ts';
import { sealedOf } from './records.ts';

/** So many extents make a page: it takes 40 KB, and 1 ms to open. */
export const extentsPerPage = 256;

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

/** @returns all of its extents, in the order of their ids: at their places */
export function openPage({ body }: ExtentPageRecord): readonly ExtentRecord[] {
  const read = new PageBody(body);
  return Array.from({ length: read.count }, (_value, place) => read.extent(place));
}

/** What is left when some have gone: the others stay as they are packed, mostly unread, since to pack them takes many times as long.
 * @param gone by their places @param read gives the extent at a place
 * @returns null when nothing is */
export function pageWithout(
  page: ExtentPageRecord,
  gone: ReadonlySet<number>,
  read: (place: number) => ExtentRecord,
): ExtentPageRecord | null {
  const left = Array.from({ length: page.facts.count }, (_value, place) => place).filter((place) => !gone.has(place));
  if (left.length === 0) return null;
  const body = bodyWithout(page.body, gone);
  if (sharesInVain(body)) return makePage(page.pageId, left.map(read));
  const facts = factsWithout(page.facts, [...gone].map(read), (number) => read(left[number] ?? 0));
  return { ...page, facts, body };
}

/** Extents of a page that are not in what it has become. @param now absent: nothing of it is left */
export function goneFrom(before: ExtentPageRecord, now: ExtentPageRecord | undefined): readonly ExtentRecord[] {
  const read = new PageBody(before.body);
  const gone: ExtentRecord[] = [];
  for (let place = 0; place < read.count; place += 1)
    if (now === undefined || placeIn(now.body, read.idOf(place)) === undefined) gone.push(read.extent(place));
  return gone;
}

/** Byte 1, so that it is no JSON; length of the head (4 bytes), the head as JSON, the body. */
export function encodePage({ body, ...head }: ExtentPageRecord): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const start = Buffer.alloc(1 + lengthBytes);
  start.writeUInt32BE(text.length, start.writeUInt8(pageForm));
  return Buffer.concat([start, text, body]);
}

export const isEncodedPage = (plaintext: Buffer): boolean => plaintext[0] === pageForm;

export function decodePage(plaintext: Buffer): ExtentPageRecord {
  const start = 1 + lengthBytes;
  const end = start + plaintext.readUInt32BE(1);
  const head = JSON.parse(plaintext.toString('utf8', start, end)) as Omit<ExtentPageRecord, 'body'>;
  return { ...head, body: plaintext.subarray(end) };
}

const pageForm = 1;
const lengthBytes = 4;

/** Extents, those of pages too. */
export const extentsIn = (record: ExtentOrPage): readonly ExtentRecord[] =>
  record.kind === 'extent' ? [record] : openPage(record);

/** Blobs that are named, of a page without opening it. */
export function blobsIn(record: ExtentOrPage): readonly BlobName[] {
  if (record.kind === 'extent') return sealedOf(record).map(({ blob }) => blob);
  const read = new PageBody(record.body);
  const places = Array.from({ length: read.count }, (_value, place) => place);
  return places.flatMap((place) => blobPaths.flatMap((path) => (read.member(place, path) ?? []) as BlobName | []));
}

/** Of what `sealedOf` gives. */
const blobPaths = [
  ['sealed', 'blob'],
  ['terms', 'sealed', 'blob'],
] as const;
