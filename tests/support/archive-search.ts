import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { inflateRawSync, inflateSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { needlesOf } from '../../src/server/canary-scan.ts';

/** Where a text was found: `zip@120 gzip@0` is a gzip stream at the start of what a zip archive has at 120. */
export interface ArchiveMatch {
  readonly file: string;
  readonly way: string;
  readonly canary: string;
}

const unpackedBytesMax = 64 * 1024 * 1024;
const depthMax = 3;

/** Looks for texts in every file below a directory, in plain, and in all that is compressed there wherever in a file it begins: gzip, zlib, zip,
 * Parquet, whatever that is compressed with. */
export async function searchArchives(
  directory: string,
  canaries: readonly string[],
): Promise<{ readonly files: number; readonly streams: number; readonly matches: readonly ArchiveMatch[] }> {
  const search = await openSearch(canaries);
  try {
    const matches: ArchiveMatch[] = [];
    const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .map((name) => join(directory, name))
      .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
    for (const path of paths)
      for (const { way, canary } of await search.within(readFileSync(path)))
        matches.push({ file: relative(directory, path), way, canary });
    return { files: paths.length, streams: search.streams(), matches };
  } finally {
    search.close();
  }
}

type Found = Omit<ArchiveMatch, 'file'>;

/** The same search in bytes that are at hand. */
export async function openSearch(canaries: readonly string[]) {
  const needles = canaries.flatMap(needlesOf);
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const own = mkdtempSync(join(tmpdir(), 'archive-search-'));
  let streams = 0;

  async function within(bytes: Buffer, way = '', depth = 0): Promise<readonly Found[]> {
    const found = needles
      .filter((needle) => bytes.includes(needle.bytes))
      .map(({ canary, form }) => ({ way: `${way}${form}`, canary }));
    if (depth === depthMax) return found;
    for (const { name, mark, unpack } of packings)
      for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) {
        const unpacked = attempt(() => unpack(bytes.subarray(at)));
        if (unpacked === undefined || unpacked.byteLength === 0) continue;
        streams += 1;
        found.push(...(await within(unpacked, `${way}${name}@${at} `, depth + 1)));
      }
    for (const [from, to] of parquetIn(bytes)) {
      const rows = await parquetRows(bytes.subarray(from, to));
      if (rows === undefined) continue;
      streams += 1;
      found.push(...(await within(Buffer.from(rows), `${way}parquet@${from} `, depthMax)));
    }
    return found;
  }

  async function parquetRows(bytes: Buffer): Promise<string | undefined> {
    const path = join(own, 'found.parquet');
    writeFileSync(path, bytes);
    try {
      const read = await connection.runAndReadAll(`SELECT * FROM read_parquet('${path}')`);
      return JSON.stringify(read.getRowsJson());
    } catch {
      return undefined; // it only looks like Parquet
    }
  }

  return {
    within,
    /** How many compressed pieces it has looked into. */
    streams: () => streams,
    close: () => {
      connection.closeSync();
      instance.closeSync();
      rmSync(own, { recursive: true });
    },
  };
}

interface Packing {
  readonly name: string;
  /** With which it begins. */
  readonly mark: Buffer;
  readonly unpack: (bytes: Buffer) => Buffer;
}

const limits = { maxOutputLength: unpackedBytesMax };

const packings: readonly Packing[] = [
  { name: 'gzip', mark: Buffer.from([0x1f, 0x8b, 0x08]), unpack: ungzipped },
  { name: 'zip', mark: Buffer.from('PK\x03\x04'), unpack: unzipped },
  ...[0x01, 0x5e, 0x9c, 0xda].map((level): Packing => ({
    ...{ name: 'zlib', mark: Buffer.from([0x78, level]) },
    unpack: (bytes) => inflateSync(bytes, limits),
  })),
];

/** Of one member, whatever stands behind it, which `gunzip` would take for another. @see RFC 1952, 2.3 */
function ungzipped(bytes: Buffer): Buffer {
  const flags = bytes.readUInt8(3);
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + bytes.readUInt16LE(at);
  for (const text of [8, 16]) if ((flags & text) !== 0) at = bytes.indexOf(0, at) + 1;
  if ((flags & 2) !== 0) at += 2;
  return inflateRawSync(bytes.subarray(at), limits);
}

/** Of one file; one that is stored as it is lies there in plain. */
function unzipped(bytes: Buffer): Buffer {
  const start = 30 + bytes.readUInt16LE(26) + bytes.readUInt16LE(28);
  return bytes.readUInt16LE(8) === 8 ? inflateRawSync(bytes.subarray(start), limits) : Buffer.alloc(0);
}

/** From each mark to each that stands behind the length of a footer which fits. */
function parquetIn(bytes: Buffer): readonly (readonly [from: number, to: number])[] {
  const marks: number[] = [];
  for (let at = bytes.indexOf('PAR1'); at >= 0; at = bytes.indexOf('PAR1', at + 1)) marks.push(at);
  return marks.flatMap((from) =>
    marks
      .filter((to) => to > from + 8 && bytes.readUInt32LE(to - 4) < to - from - 8)
      .map((to): [number, number] => [from, to + 4]),
  );
}

function attempt(unpack: () => Buffer): Buffer | undefined {
  try {
    return unpack();
  } catch {
    return undefined; // the mark stood there by chance
  }
}
