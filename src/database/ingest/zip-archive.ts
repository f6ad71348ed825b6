import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { regex } from '../../kql/algorithms/regex/regex.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { DataError, dataError, malformedData } from '../catalog/data-error.ts';

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

/** The files of a zip archive, in the order of its list; folders are none. @param pattern a regular expression, or a name with `*`
 * @throws DataError `MalformedData` (`BadRequest_InvalidArchive`, `BadRequest_EmptyArchive`) | `PayloadTooLarge` | `MalformedIngestionProperty`
 * @see APPNOTE.TXT of PKWARE, 4.3 */
export async function* zippedFiles(
  stream: AsyncIterable<Uint8Array>,
  source: string,
  pattern: string | undefined,
): AsyncGenerator<ZippedFile> {
  const wanted = patternOf(pattern);
  const archive = await collected(stream, source);
  const entries = entriesOf(archive, source).filter(({ name }) => !name.endsWith('/') && wanted(name));
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

async function collected(stream: AsyncIterable<Uint8Array>, source: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    if ((bytes += piece.byteLength) > archiveBytesMax)
      throw dataError('PayloadTooLarge', `The archive '${source}' has more than ${archiveBytesMax / 1024 ** 2} MiB.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function entriesOf(archive: Buffer, source: string): readonly Entry[] {
  const end = endOf(archive);
  if (end === undefined) throw invalid(source);
  const count = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  if (count > filesMax || count === 0xffff) throw invalid(source);
  const entries: Entry[] = [];
  for (let index = 0; index < count; index += 1) {
    if (at + 46 > archive.length || archive.readUInt32LE(at) !== entryMark) throw invalid(source);
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => archive.readUInt16LE(at + offset));
    const flags = archive.readUInt16LE(at + 8);
    const name = archive.subarray(at + 46, at + 46 + (nameBytes ?? 0)).toString('utf8');
    if ((flags & 1) !== 0)
      throw malformedData('BadRequest_InvalidArchive', `The archive '${source}' has files that are encrypted`);
    entries.push({
      name,
      method: archive.readUInt16LE(at + 10),
      packedBytes: archive.readUInt32LE(at + 20),
      bytes: archive.readUInt32LE(at + 24),
      offset: archive.readUInt32LE(at + 42),
    });
    at += 46 + (nameBytes ?? 0) + (extraBytes ?? 0) + (commentBytes ?? 0);
  }
  return entries;
}

/** Where the record stands that ends an archive: at its end, before a comment. */
function endOf(archive: Buffer): number | undefined {
  for (let at = archive.length - endBytes; at >= Math.max(0, archive.length - endBytes - 0xffff); at -= 1)
    if (archive.readUInt32LE(at) === endMark && at + endBytes + archive.readUInt16LE(at + 20) === archive.length)
      return at;
  return undefined;
}

async function* contentOf(archive: Buffer, entry: Entry, source: string): AsyncGenerator<Uint8Array> {
  const { offset, method, packedBytes, bytes } = entry;
  if (offset + 30 > archive.length || archive.readUInt32LE(offset) !== fileMark) throw invalid(source);
  const start = offset + 30 + archive.readUInt16LE(offset + 26) + archive.readUInt16LE(offset + 28);
  const packed = archive.subarray(start, start + packedBytes);
  if (packed.byteLength !== packedBytes || (method !== 0 && method !== 8)) throw invalid(source);
  let found = 0;
  for await (const piece of method === 0 ? [packed] : inflated(packed, source)) {
    found += piece.byteLength;
    if (found > bytes) throw invalid(source);
    yield piece;
  }
  if (found !== bytes) throw invalid(source);
}

async function* inflated(packed: Buffer, source: string): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw();
  const feeding = pipeline(Readable.from([packed]), inflate);
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
