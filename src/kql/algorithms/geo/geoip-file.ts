import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { parseMetadata } from 'mmdb-lib/lib/metadata.js';

/** Why a file cannot be the database of places, in words for whoever gave it. */
export class GeoipDatabaseError extends Error {
  override readonly name = 'GeoipDatabaseError';
}

/** MaxMind's city databases have 60 to 150 MB; a cluster that asks keeps the whole file in memory. */
const bytesMax = 1024 ** 3;

// The format (maxmind.github.io/MaxMind-DB): a search tree, 16 zero bytes, records, a marker, and metadata of 128 KiB at most.
const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
const metadataBytesMax = 128 * 1024;
const separatorBytes = 16;

/** Types of databases whose records say which city: `GeoLite2-City`, `GeoIP2-Enterprise`, `DBIP-Location (compat=City)` … */
const cityKind = /city|enterprise/i;

/** Looks at the form of a file without reading all of it.
 * @throws GeoipDatabaseError when it is no city database in MMDB format, or cannot be read */
export function checkGeoipDatabase(path: string): void {
  withFile(path, (file, bytes) => checkForm(path, file, bytes));
}

/** @throws GeoipDatabaseError as `checkGeoipDatabase` */
export function readGeoipDatabase(path: string): Buffer {
  return withFile(path, (file, bytes) => {
    checkForm(path, file, bytes);
    return readAt(file, 0, bytes);
  });
}

function withFile<T>(path: string, use: (file: number, bytes: number) => T): T {
  let file: number | undefined;
  try {
    // Before it is opened: opening a pipe waits for somebody who writes into it.
    if (!statSync(path).isFile()) throw new GeoipDatabaseError(`${path} is no file.`);
    file = openSync(path, 'r');
    const bytes = fstatSync(file).size;
    if (bytes > bytesMax) throw new GeoipDatabaseError(`${path} is larger than ${bytesMax / 1024 ** 2} MiB.`);
    return use(file, bytes);
  } catch (error) {
    if (error instanceof GeoipDatabaseError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new GeoipDatabaseError(code === 'ENOENT' ? `${path} does not exist.` : `${path} cannot be read (${code}).`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function checkForm(path: string, file: number, bytes: number): void {
  const tailBytes = Math.min(bytes, metadataBytesMax + marker.length);
  const tail = readAt(file, bytes - tailBytes, tailBytes);
  const markerAt = tail.lastIndexOf(marker);
  if (markerAt < 0) throw new GeoipDatabaseError(`${path} is no database in MMDB format.`);
  const { type, treeBytes } = metadataOf(path, tail);
  if (!cityKind.test(type)) {
    throw new GeoipDatabaseError(`${path} is a database of type '${type}'; one that knows cities is needed.`);
  }
  const treeEnd = treeBytes + separatorBytes;
  const recordsEnd = bytes - tailBytes + markerAt;
  if (treeEnd > recordsEnd || readAt(file, treeBytes, separatorBytes).some((byte) => byte !== 0)) throw damaged(path);
}

function metadataOf(path: string, tail: Buffer): { readonly type: string; readonly treeBytes: number } {
  let metadata: ReturnType<typeof parseMetadata>;
  try {
    metadata = parseMetadata(tail);
  } catch {
    throw damaged(path);
  }
  // The library takes these from the file as they are.
  const { binaryFormatMajorVersion: format, databaseType, ipVersion, nodeCount, searchTreeSize } = metadata;
  const type: unknown = databaseType;
  if (format !== 2 || ![4, 6].includes(ipVersion) || !isCount(nodeCount) || !isCount(searchTreeSize))
    throw damaged(path);
  if (typeof type !== 'string') throw damaged(path);
  return { type, treeBytes: searchTreeSize };
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

const damaged = (path: string): GeoipDatabaseError => new GeoipDatabaseError(`${path} is damaged.`);

function readAt(file: number, from: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const read = readSync(file, bytes, done, length - done, from + done);
    if (read === 0) throw new GeoipDatabaseError('The file became shorter while it was read.');
    done += read;
  }
  return bytes;
}
