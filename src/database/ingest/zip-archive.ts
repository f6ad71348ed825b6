import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { regex } from '../../kql/algorithms/regex/regex.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { DataError, dataError, malformedData } from '../catalog/data-error.ts';
import { HeldPieces } from './held-pieces.ts';

/** An archive is kept in memory, packed, since its list of files stands at its end. */
const archiveBytesMax = 512 * 1024 * 1024;
const filesMax = 10_000;

export interface ZippedFile {
  readonly name: string;
  readonly stream: AsyncIterable<Uint8Array>;
}

/** The name of a file in an archive, which says its format. */
export const archiveNameOf = (name: string): string => name.slice(0, 1_000);

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly offset: number;
}

const endMark = 0x06054b50;
const entryMark = 0x02014b50;
const fileMark = 0x04034b50;
const endBytes = 22;
/** Before the name of a file: in the list, and where it is packed. */
const [entryHeadBytes, fileHeadBytes] = [46, 30];

/** The files of a zip archive, in the order of its list; folders are none. Nothing is unpacked of one that says of itself that it has too much,
 * or whose files lie in each other.
 * @param pattern a regular expression, or a name with `*` @param requireBytes told how many the files say that they have
 * @throws DataError `MalformedData` (`BadRequest_InvalidArchive`, `BadRequest_EmptyArchive`) | `PayloadTooLarge` | `MalformedIngestionProperty`
 * @see APPNOTE.TXT of PKWARE, 4.3 */
export async function* zippedFiles(
  stream: AsyncIterable<Uint8Array>,
  source: string,
  pattern: string | undefined,
  requireBytes: (bytes: number) => void,
): AsyncGenerator<ZippedFile> {
  const wanted = patternOf(pattern);
  const archive = await heldArchive(stream, source);
  const all = entriesOf(archive, source);
  requireApart(all, source);
  const entries = all.filter(({ name }) => !name.endsWith('/') && wanted(name));
  requireBytes(entries.reduce((sum, { bytes }) => sum + bytes, 0));
  if (entries.length === 0)
    throw malformedData('BadRequest_EmptyArchive', `The archive '${source}' has no file that is asked for`);
  for (const entry of entries) yield { name: entry.name, stream: contentOf(archive, entry, source) };
}

/** A regular expression; `*.csv`, which the service's own example has, is none and is read as names in a folder are. */
function patternOf(pattern: string | undefined): (name: string) => boolean {
  if (pattern === undefined || pattern === '') return () => true;
  const names = pattern.startsWith('*');
  const escaped = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  try {
    const wanted = regex(names ? `^${pattern.split('*').map(escaped).join('.*')}$` : pattern);
    return (name) => wanted.test(name);
  } catch (error) {
    if (!(error instanceof KqlError)) throw error;
    throw dataError('MalformedIngestionProperty', "The property 'zipPattern' is not a regular expression.");
  }
}

async function heldArchive(stream: AsyncIterable<Uint8Array>, source: string): Promise<HeldPieces> {
  const archive = new HeldPieces();
  for await (const piece of stream) {
    if (archive.length + piece.byteLength > archiveBytesMax)
      throw dataError('PayloadTooLarge', `The archive '${source}' has more than ${archiveBytesMax / 1024 ** 2} MiB.`);
    archive.add(piece);
  }
  return archive;
}

function entriesOf(archive: HeldPieces, source: string): readonly Entry[] {
  const end = endOf(archive);
  if (end === undefined) throw invalid(source);
  const count = end.readUInt16LE(10);
  let at = end.readUInt32LE(16);
  if (count > filesMax || count === 0xffff) throw invalid(source);
  const entries: Entry[] = [];
  for (let index = 0; index < count; index += 1) {
    const head = archive.bytes(at, at + entryHeadBytes);
    if (head.length < entryHeadBytes || head.readUInt32LE(0) !== entryMark) throw invalid(source);
    const [nameBytes = 0, extraBytes = 0, commentBytes = 0] = [28, 30, 32].map((offset) => head.readUInt16LE(offset));
    if ((head.readUInt16LE(8) & 1) !== 0)
      throw malformedData('BadRequest_InvalidArchive', `The archive '${source}' has files that are encrypted`);
    entries.push({
      name: archive.bytes(at + entryHeadBytes, at + entryHeadBytes + nameBytes).toString('utf8'),
      method: head.readUInt16LE(10),
      packedBytes: head.readUInt32LE(20),
      bytes: head.readUInt32LE(24),
      offset: head.readUInt32LE(42),
    });
    at += entryHeadBytes + nameBytes + extraBytes + commentBytes;
  }
  return entries;
}

/** Files that share what is packed would be much of little. */
function requireApart(entries: readonly Entry[], source: string): void {
  let end = 0;
  for (const { offset, packedBytes } of [...entries].sort((left, right) => left.offset - right.offset)) {
    if (offset < end) throw invalid(source);
    end = offset + fileHeadBytes + packedBytes;
  }
}

/** The record that ends an archive: at its end, before a comment. */
function endOf(archive: HeldPieces): Buffer | undefined {
  const tail = archive.bytes(Math.max(0, archive.length - endBytes - 0xffff), archive.length);
  for (let at = tail.length - endBytes; at >= 0; at -= 1)
    if (tail.readUInt32LE(at) === endMark && at + endBytes + tail.readUInt16LE(at + 20) === tail.length)
      return tail.subarray(at);
  return undefined;
}

async function* contentOf(archive: HeldPieces, entry: Entry, source: string): AsyncGenerator<Uint8Array> {
  const { offset, method, packedBytes, bytes } = entry;
  const head = archive.bytes(offset, offset + fileHeadBytes);
  if (head.length < fileHeadBytes || head.readUInt32LE(0) !== fileMark) throw invalid(source);
  const start = offset + fileHeadBytes + head.readUInt16LE(26) + head.readUInt16LE(28);
  if (start + packedBytes > archive.length || (method !== 0 && method !== 8)) throw invalid(source);
  const packed = archive.parts(start, start + packedBytes);
  let found = 0;
  for await (const piece of method === 0 ? packed : inflated(packed, source)) {
    found += piece.byteLength;
    if (found > bytes) throw invalid(source);
    yield piece;
  }
  if (found !== bytes) throw invalid(source);
}

async function* inflated(packed: Iterable<Buffer>, source: string): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw();
  const feeding = pipeline(Readable.from(packed), inflate);
  feeding.catch(() => undefined); // told by the reading side
  try {
    for await (const piece of inflate) yield piece as Uint8Array;
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw invalid(source);
  } finally {
    inflate.destroy();
  }
}

const invalid = (source: string): Error =>
  malformedData('BadRequest_InvalidArchive', `The archive '${source}' is not a zip archive that can be read`);
