import type { ColumnValues, EngineConnection } from '../../kql/duckdb/engine-database.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { ExtentFiles } from '../extents/extent-files.ts';
import type { ExportLayout } from './export-layout.ts';
import type { ExportedBlob, ExportTarget } from './export-target.ts';
import type { FolderWriter } from './folder-writer.ts';
import { blobSequence } from './folder-writer.ts';
import { parquetWriter } from './parquet-writer.ts';
import { textWriter } from './text-writer.ts';

export interface ExportRequest {
  /** That are written; chunks may have more, which only folders tell of. */
  readonly columns: readonly Column[];
  readonly chunks: AsyncIterable<readonly ColumnValues[]>;
  readonly layout: ExportLayout;
  /** At least one; blobs are spread over them. */
  readonly targets: readonly ExportTarget[];
  /** Of each row of a chunk, with a slash at its end. Absent: all lie in the target itself. */
  readonly foldersOf?: (chunk: readonly ColumnValues[]) => readonly string[];
  readonly signal: AbortSignal;
  /** 32 hexadecimal digits, never the same again. */
  readonly newId: () => string;
  /** Called when a blob is there, before the next one is. */
  readonly wrote: (blob: ExportedBlob) => Promise<void>;
}

/** Where Parquet is made. */
export interface ExportParts {
  readonly connect: () => Promise<EngineConnection>;
  readonly files: Pick<ExtentFiles, 'create'>;
}

/** Folders that are written to at the same time. When there are more, one is finished, and goes on in another blob if more of it comes. */
const openFoldersMax = 32;

/** One export may not leave more. */
const blobsMax = 5_000;

/** Writes rows as they come into blobs of the user's storage: of text no more than some MiB are held for a folder, of Parquet what one blob
 * has. A blob is there whole or not at all; those that are there stay when the export fails.
 * @throws whatever the rows, the targets and the signal say */
export async function exportRows(parts: ExportParts, request: ExportRequest): Promise<readonly ExportedBlob[]> {
  const { columns, layout, signal } = request;
  const written: ExportedBlob[] = [];
  const blobs = blobSequence(layout, request.targets, signal, request.newId, async (blob) => {
    if (written.push(blob) > blobsMax) throw new RangeError(`An export leaves at most ${blobsMax} blobs.`);
    await request.wrote(blob);
  });
  const connection = layout.format === 'parquet' ? await parts.connect() : undefined;
  let tables = 0;
  const newWriter = (folder: string): FolderWriter =>
    layout.format === 'parquet' && connection !== undefined
      ? parquetWriter(layout, columns, folder, blobs, {
          connection,
          files: parts.files,
          nextTable: () => (tables += 1),
        })
      : textWriter(layout.format === 'parquet' ? 'csv' : layout.format, layout, columns, folder, blobs);
  /** Least recently used first. */
  const writers = new Map<string, FolderWriter>();
  const writerOf = async (folder: string): Promise<FolderWriter> => {
    const found = writers.get(folder);
    writers.delete(folder);
    if (found === undefined && writers.size >= openFoldersMax) {
      const [oldest] = writers;
      if (oldest !== undefined) {
        await oldest[1].end();
        writers.delete(oldest[0]);
      }
    }
    const writer = found ?? newWriter(folder);
    writers.set(folder, writer);
    return writer;
  };
  const stop = (): void => connection?.interrupt();
  signal.addEventListener('abort', stop);
  try {
    for await (const chunk of request.chunks) {
      signal.throwIfAborted();
      for (const [folder, rows] of rowsByFolder(chunk, request.foldersOf))
        await (await writerOf(folder)).add(chunk.slice(0, columns.length), rows);
    }
    for (const writer of writers.values()) {
      signal.throwIfAborted();
      await writer.end();
    }
    return written;
  } catch (error) {
    for (const writer of writers.values()) await writer.abandon().catch(() => undefined); // its table goes with the connection
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    connection?.close();
  }
}

function rowsByFolder(
  chunk: readonly ColumnValues[],
  foldersOf: ExportRequest['foldersOf'],
): ReadonlyMap<string, readonly number[]> {
  const count = chunk[0]?.length ?? 0;
  if (foldersOf === undefined) return new Map([['', Array.from({ length: count }, (_each, at) => at)]]);
  const folders = new Map<string, number[]>();
  for (const [at, folder] of foldersOf(chunk).entries()) {
    const rows = folders.get(folder);
    if (rows === undefined) folders.set(folder, [at]);
    else rows.push(at);
  }
  return folders;
}
