import type { ColumnValues } from '../../kql/duckdb/engine-database.ts';
import type { ExportLayout } from './export-layout.ts';
import type { ExportedBlob, ExportTarget } from './export-target.ts';
import { BlobStream } from './blob-stream.ts';

/** Writes rows into the blobs of one folder, a blob after the other. */
export interface FolderWriter {
  /** @param rows of the chunk, by position */
  add(chunk: readonly ColumnValues[], rows: readonly number[]): Promise<void>;
  /** The last blob is there when it resolves. */
  end(): Promise<void>;
  /** What is not finished never will be. */
  abandon(): Promise<void>;
}

/** Where the blobs of an export go. */
export interface BlobSequence {
  /** Begins the next blob of a folder. */
  next(folder: string, packed: boolean): Promise<OpenBlob>;
}

export interface OpenBlob {
  readonly stream: BlobStream;
  /** The blob is there, and those who are to know of it do, when it resolves. */
  finish(rows: number): Promise<void>;
}

/** Azure takes 50,000 pieces for a blob. */
const pieceBytes = 4 * 1024 * 1024;

/** Numbers blobs over all folders, spreads them over the targets, and tells of each.
 * @param newId 32 hexadecimal digits
 * @param wrote called when a blob is there */
export function blobSequence(
  layout: ExportLayout,
  targets: readonly ExportTarget[],
  signal: AbortSignal,
  newId: () => string,
  wrote: (blob: ExportedBlob) => Promise<void>,
): BlobSequence {
  let count = 0;
  return {
    async next(folder, packed) {
      const target = targets[count % targets.length];
      if (target === undefined) throw new TypeError('An export has a target.');
      count += 1;
      const name = `${folder}${layout.namePrefix}_${count}_${newId()}${layout.extension}`;
      const stream = new BlobStream(await target.create(name, signal), pieceBytes, packed);
      return {
        stream,
        finish: async (rows) => {
          await stream.finish();
          await wrote({ path: stream.path, container: target.container, rows, bytes: stream.storedBytes });
        },
      };
    },
  };
}
