import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { dataError, DataError, malformedData } from '../catalog/data-error.ts';
import type { DataSource } from './data-source.ts';
import { archiveNameOf, zippedFiles } from './zip-archive.ts';

/** Of what a source holds once it is unpacked; the service takes no larger file. @see Kusto "Supported data formats", "Ingest data overview" */
const unpackedBytesMax = 6 * 1024 ** 3;

/** A file in a source: the source itself, or one in its archive. */
export interface UnpackedFile {
  /** Without the ending that says how it is packed. */
  readonly name: string;
  readonly stream: AsyncIterable<Uint8Array>;
}

export interface UnpackOptions {
  readonly signal: AbortSignal | undefined;
  /** Which files of a zip archive count; absent: all. */
  readonly zipPattern?: string | undefined;
  /** What ends in `.gz` is not compressed. */
  readonly gzIsPlain?: boolean | undefined;
  /** Asked with each piece of data. @throws what ends the reading */
  readonly requireWanted?: (() => void) | undefined;
  /** Of all files of the source together. */
  readonly bytesMax?: number;
  /** Told the bytes of the source as it is stored. */
  readonly tellBytes: (bytes: number) => void;
}

/** How a source is packed, by the ending of its name. */
const packing = (name: string): 'gzip' | 'zip' | undefined =>
  /\.gz$/i.test(name) ? 'gzip' : /\.zip$/i.test(name) ? 'zip' : undefined;

/** The name that says what format the data has. */
export const unpackedName = (name: string): string => name.replace(/\.(?:gz|zip)$/i, '');

/** Each file must be read to its end before the next is asked for. @throws DataError `SourceFailed` | `MalformedData` | `PayloadTooLarge` */
export async function* unpacked(source: DataSource, options: UnpackOptions): AsyncGenerator<UnpackedFile> {
  const { signal, tellBytes, bytesMax = unpackedBytesMax, requireWanted } = options;
  const opened = await source.open(signal);
  const stored = counted(
    opened.stream,
    (bytes) => {
      if ((opened.bytes ?? 0) > bytesMax) throw tooLarge(source.name, bytesMax);
      tellBytes(bytes);
    },
    signal,
  );
  const bounded = boundOf(source.name, bytesMax, () => {
    signal?.throwIfAborted();
    requireWanted?.();
  });
  const packed = packing(source.name);
  switch (packed === 'gzip' && options.gzIsPlain === true ? undefined : packed) {
    case undefined:
      yield { name: source.name, stream: bounded(stored) };
      return;
    case 'gzip':
      yield { name: unpackedName(source.name), stream: bounded(gunzipped(stored, source.name)) };
      return;
    case 'zip': {
      const requireBytes = (bytes: number): void => {
        if (bytes > bytesMax) throw tooLarge(source.name, bytesMax);
      };
      for await (const { name, stream } of zippedFiles(stored, source.name, options.zipPattern, requireBytes))
        yield { name: archiveNameOf(name), stream: bounded(stream) };
    }
  }
}

async function* counted(
  stream: AsyncIterable<Uint8Array>,
  tellBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const piece of stream) {
    signal?.throwIfAborted();
    tellBytes(piece.byteLength);
    yield piece;
  }
}

/** One bound for all files of a source: those of an archive may be thousands, each a few bytes when it is packed. */
function boundOf(
  name: string,
  bytesMax: number,
  requireWanted: () => void,
): (stream: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array> {
  let bytes = 0;
  return async function* (stream) {
    for await (const piece of stream) {
      bytes += piece.byteLength;
      if (bytes > bytesMax) throw tooLarge(name, bytesMax);
      requireWanted();
      yield piece;
    }
  };
}

const tooLarge = (name: string, bytesMax: number): Error =>
  dataError(
    'PayloadTooLarge',
    `The source '${name}' has more than ${bytesMax / 1024 ** 3} GiB of data; give it in smaller files.`,
  );

async function* gunzipped(stream: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  const feeding = pipeline(Readable.from(stream), gunzip);
  feeding.catch(() => undefined); // told by the reading side
  try {
    for await (const piece of gunzip) yield piece as Uint8Array;
  } catch (error) {
    throw notPacked(error, `The source '${name}' is not valid gzip`);
  } finally {
    gunzip.destroy();
  }
}

/** zlib's own complaints have codes of it. */
export function notPacked(error: unknown, text: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof DataError || !/^(?:Z_|ERR_ZLIB|ERR_BUFFER|ERR_STREAM_PREMATURE)/.test(code)) return error;
  return malformedData('BadRequest_InvalidArchive', text);
}
