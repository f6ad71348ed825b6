import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { StagedBlobRecord } from '../../../database/catalog/queued-records.ts';
import type { BlobAddress, BlobFacts } from '../../../database/queued/staged-blobs.ts';
import { lengthOf } from '../../../database/queued/staged-blobs.ts';
import { containerNames } from '../../../database/queued/storage-accounts.ts';
import { StorageError, unescapeXml } from './storage-errors.ts';
import type { StorageOperation, StorageRequest } from './storage-operation.ts';
import { httpDate, textOf } from './storage-operation.ts';

/** Of one request: what clients send in one piece by default. */
const putBytesMax = 256 * 1024 * 1024;
const blockBytesMax = 100 * 1024 * 1024;
const listBytesMax = 1024 * 1024;

/** @throws StorageError `ResourceNotFound` for another container, which a signature can be of only here */
function addressOf({ account, name, rest }: StorageRequest): BlobAddress {
  if (!Object.values<string>(containerNames).includes(name)) throw new StorageError('ResourceNotFound');
  return { account, container: name, name: rest };
}

function headerOf({ request }: StorageRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value.slice(0, 1_000) : undefined;
}

function factsOf(asked: StorageRequest): BlobFacts {
  const contentEncoding = headerOf(asked, 'x-ms-blob-content-encoding') ?? headerOf(asked, 'content-encoding');
  return {
    contentType: headerOf(asked, 'x-ms-blob-content-type') ?? 'application/octet-stream',
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
  };
}

const conditions = ['if-match', 'if-modified-since', 'if-unmodified-since', 'x-ms-if-tags', 'x-ms-lease-id'];

/** Only "when there is none yet" is asked by clients that ingest. */
function requireUnconditional(asked: StorageRequest, at: BlobAddress): void {
  const noneMatch = headerOf(asked, 'if-none-match');
  if (conditions.some((name) => headerOf(asked, name) !== undefined) || (noneMatch !== undefined && noneMatch !== '*'))
    throw new StorageError('ConditionHeadersNotSupported');
  if (noneMatch === '*' && asked.storage.blobs.find(at) !== undefined) throw new StorageError('BlobAlreadyExists');
}

/** The body, which must be what its sender says that it is. */
async function* checked(asked: StorageRequest, bytesMax: number): AsyncGenerator<Uint8Array> {
  const expected = headerOf(asked, 'content-md5');
  const md5 = expected === undefined ? undefined : createHash('md5');
  for await (const piece of asked.body(bytesMax)) {
    md5?.update(piece);
    yield piece;
    piece.fill(0);
  }
  if (md5 !== undefined && md5.digest('base64') !== expected) throw new StorageError('Md5Mismatch');
}

const etagOf = (blob: StagedBlobRecord): string =>
  `"0x${blob.blobId.replaceAll('-', '').slice(0, 8)}${blob.createdOn.toString(16)}"`;

async function created(asked: StorageRequest, at: BlobAddress): Promise<void> {
  const blob = asked.storage.blobs.find(at);
  if (blob !== undefined) void asked.reply.headers({ etag: etagOf(blob), 'last-modified': httpDate(blob.createdOn) });
  await asked.reply.code(201).header('x-ms-request-server-encrypted', 'true').send();
}

async function putBlob(asked: StorageRequest): Promise<void> {
  const at = addressOf(asked);
  requireUnconditional(asked, at);
  if (headerOf(asked, 'x-ms-copy-source') !== undefined) throw new StorageError('NotImplemented', 'Copy Blob.');
  if (headerOf(asked, 'x-ms-blob-type')?.toLowerCase() !== 'blockblob') throw new StorageError('InvalidBlobType');
  await asked.storage.blobs.put(at, checked(asked, putBytesMax), factsOf(asked));
  await created(asked, at);
}

async function putBlock(asked: StorageRequest): Promise<void> {
  const at = addressOf(asked);
  await asked.storage.blobs.putBlock(at, blockIdOf(asked.query.get('blockid') ?? ''), checked(asked, blockBytesMax));
  await asked.reply.code(201).header('x-ms-request-server-encrypted', 'true').send();
}

function blockIdOf(text: string): string {
  if (text === '' || text.length > 88 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw new StorageError('InvalidBlockId');
  return text;
}

async function putBlockList(asked: StorageRequest): Promise<void> {
  const at = addressOf(asked);
  requireUnconditional(asked, at);
  const xml = await textOf(asked.body(listBytesMax));
  if (!/<BlockList\b[^>]*>[\s\S]*<\/BlockList>|<BlockList\b[^>]*\/>/.test(xml))
    throw new StorageError('InvalidXmlDocument');
  // A blob cannot be changed in part: of one that is there no block stays.
  if (/<Committed\b/.test(xml)) throw new StorageError('InvalidBlockList');
  const ids = [...xml.matchAll(/<(?:Latest|Uncommitted)>([^<]*)<\/(?:Latest|Uncommitted)>/g)].map(([, id]) =>
    blockIdOf(unescapeXml(id ?? '').trim()),
  );
  await asked.storage.blobs.putBlockList(at, ids, factsOf(asked));
  await created(asked, at);
}

function existing(asked: StorageRequest): StagedBlobRecord {
  const found = asked.storage.blobs.find(addressOf(asked));
  if (found === undefined) throw new StorageError('BlobNotFound');
  return found;
}

function describe({ reply }: StorageRequest, blob: StagedBlobRecord): void {
  void reply.headers({
    ...{ etag: etagOf(blob), 'last-modified': httpDate(blob.createdOn), 'content-type': blob.contentType },
    ...(blob.contentEncoding === undefined ? {} : { 'content-encoding': blob.contentEncoding }),
    ...{ 'x-ms-blob-type': 'BlockBlob', 'accept-ranges': 'bytes', 'x-ms-creation-time': httpDate(blob.createdOn) },
    ...{ 'x-ms-lease-status': 'unlocked', 'x-ms-lease-state': 'available', 'x-ms-server-encrypted': 'true' },
  });
}

async function getProperties(asked: StorageRequest): Promise<void> {
  const blob = existing(asked);
  describe(asked, blob);
  await asked.reply
    .code(200)
    .header('content-length', String(lengthOf(blob)))
    .send();
}

async function getBlob(asked: StorageRequest): Promise<void> {
  const blob = existing(asked);
  const length = lengthOf(blob);
  const range = rangeOf(headerOf(asked, 'x-ms-range') ?? headerOf(asked, 'range'), length);
  describe(asked, blob);
  void asked.reply.header('content-length', String(range.to + 1 - range.from));
  if (range.isPart) void asked.reply.header('content-range', `bytes ${range.from}-${range.to}/${length}`);
  // A piece at a time, as fast as it is read: a blob may be larger than memory.
  await asked.reply.code(range.isPart ? 206 : 200).send(Readable.from(partOf(asked.storage.blobs.read(blob), range)));
}

async function* partOf(
  pieces: AsyncIterable<Uint8Array>,
  range: { readonly from: number; readonly to: number },
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const piece of pieces) {
    const [from, to] = [Math.max(range.from - at, 0), Math.min(range.to + 1 - at, piece.byteLength)];
    if (from < to) yield piece.subarray(from, to);
    at += piece.byteLength;
    if (at > range.to) return;
  }
}

/** @throws StorageError `InvalidRange` */
function rangeOf(text: string | undefined, length: number): { from: number; to: number; isPart: boolean } {
  const [, first, last] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(text ?? '') ?? [];
  if (first === undefined) return { from: 0, to: length - 1, isPart: false };
  const from = Number(first);
  const to = Math.min(last === undefined || last === '' ? Infinity : Number(last), length - 1);
  if (from >= length || to < from) throw new StorageError('InvalidRange');
  return { from, to, isPart: true };
}

async function deleteBlob(asked: StorageRequest): Promise<void> {
  await asked.storage.blobs.delete(addressOf(asked));
  await asked.reply.code(202).header('x-ms-delete-type-permanent', 'true').send();
}

const blob = { service: 'blob', rest: /./ } as const;

/** @see Azure Blob Storage REST API */
export const blobOperations: readonly StorageOperation[] = [
  { id: 'PutBlob', ...blob, method: 'PUT', permissions: 'cw', run: putBlob },
  { id: 'PutBlock', ...blob, method: 'PUT', comp: 'block', permissions: 'cw', run: putBlock },
  { id: 'PutBlockList', ...blob, method: 'PUT', comp: 'blocklist', permissions: 'cw', run: putBlockList },
  { id: 'GetBlob', ...blob, method: 'GET', permissions: 'r', run: getBlob },
  { id: 'GetBlobProperties', ...blob, method: 'HEAD', permissions: 'r', run: getProperties },
  { id: 'DeleteBlob', ...blob, method: 'DELETE', permissions: 'd', run: deleteBlob },
];
