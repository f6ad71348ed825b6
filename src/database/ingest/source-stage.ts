import { open } from 'node:fs/promises';
import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { dataError, malformedData } from '../catalog/data-error.ts';
import type { ExtentFiles, PlainFile } from '../extents/extent-files.ts';
import { addStaged, createStaging, stagedSelect } from '../extents/staging.ts';
import type { DataSource } from './data-source.ts';
import { EngineText, isForEngine, unlikeFailure } from './engine-text.ts';
import { parquetFailure, parquetFileRows } from './parquet-select.ts';
import { readRows } from './read-batch.ts';
import type { UnpackedFile } from './unpacked.ts';
import { unpacked } from './unpacked.ts';
import type { ReadOptions } from './value-reader.ts';

/** Of all sources of one request. */
const rowsMax = 100_000_000;
/** Parquet is read from a file in memory. */
const parquetBytesMax = 1024 ** 3;

export interface StageOptions extends Omit<ReadOptions, 'location'> {
  readonly sources: readonly DataSource[];
  readonly signal: AbortSignal | undefined;
  readonly zipPattern?: string | undefined;
  readonly gzIsPlain?: boolean | undefined;
  readonly rowsMax?: number;
  /** Text is read by the engine where it can be; what is unlike is told with `UnlikeTextError`, when it is staged or when its rows are read.
   * Absent: it is not. */
  readonly withEngine?: boolean | undefined;
  /** A source without records is an error, though others have some. Absent: it counts as read. */
  readonly recordsInEach?: boolean | undefined;
  /** Fields of Parquet that their columns cannot take are null. Absent: they are an error. */
  readonly unlikeIsNull?: boolean | undefined;
}

/** Rows of sources, in the memory of the engine, until they are discarded. */
export interface StagedSources {
  /** Gives the columns in their physical types, named by `columnName`. */
  readonly sql: string;
  /** Of all sources, as they are stored. */
  readonly bytes: number;
  /** When the rows could not be read with `sql`. @returns what reads them all the same, if there is something */
  again(error: unknown): Promise<string | undefined>;
  /** What was wrong when the rows could not be read. @returns the error to throw */
  explain(error: unknown): Promise<unknown>;
  discard(): Promise<void>;
}

type Stage = Pick<StagedSources, 'sql' | 'explain' | 'discard'> & Partial<Pick<StagedSources, 'again'>>;

export const noRecords = (): Error =>
  malformedData('BadRequest_NoRecordsOrWrongFormat', 'The blob has no records, or another format');

/** Reads all sources to their end before anything is made of them: rows go into a temporary table of the connection, Parquet into files in
 * memory. @throws DataError, and whatever the signal says */
export async function stageSources(
  connection: EngineConnection,
  files: Pick<ExtentFiles, 'create'>,
  options: StageOptions,
): Promise<StagedSources> {
  let bytes = 0;
  const { signal, zipPattern, gzIsPlain } = options;
  const unpacking = { signal, zipPattern, gzIsPlain, tellBytes: (more: number): void => void (bytes += more) };
  async function* all(): AsyncGenerator<LocatedFile> {
    for (const source of options.sources)
      for await (const file of unpacked(source, unpacking)) yield { ...file, source, location: source.name };
  }
  const stage =
    options.format.reader.kind === 'parquet'
      ? await stageParquet(connection, files, all(), options)
      : options.withEngine === true && isForEngine(options)
        ? await stageText(connection, files, all(), options)
        : await stageRows(connection, all(), options);
  return { again: () => Promise.resolve(undefined), ...stage, bytes };
}

type LocatedFile = UnpackedFile & { readonly source: DataSource; readonly location: string };
type Located = AsyncIterable<LocatedFile>;

/** Does something with the rows, which fails as a whole when they cannot be read.
 * @param use told SQL of the rows; called once more when they can be read in another way */
export async function readStaged<T>(staged: StagedSources, use: (sql: string) => Promise<T>): Promise<T> {
  try {
    return await use(staged.sql).catch(async (error: unknown) => {
      const sql = await staged.again(error);
      if (sql === undefined) throw error;
      return use(sql);
    });
  } catch (error) {
    throw await staged.explain(error);
  }
}

async function stageRows(connection: EngineConnection, sources: Located, options: StageOptions): Promise<Stage> {
  const { reader } = options.format;
  if (reader.kind === 'parquet') throw new TypeError('Parquet is read by the engine.');
  await createStaging(connection, options.columns);
  let left = options.rowsMax ?? rowsMax;
  const empty = new Set(options.sources);
  for await (const { stream, location, source } of sources)
    for await (const batch of readRows(stream, {
      ...options,
      location,
      format: { ...options.format, reader },
      rowsMax: left,
    })) {
      left -= batch.rowCount;
      empty.delete(source);
      await addStaged(connection, batch);
      options.signal?.throwIfAborted();
    }
  if (options.recordsInEach === true && empty.size > 0) throw noRecords();
  return {
    sql: stagedSelect(options.columns),
    explain: (error) => Promise.resolve(error),
    discard: () => Promise.resolve(),
  };
}

async function stageText(
  connection: EngineConnection,
  files: Pick<ExtentFiles, 'create'>,
  sources: Located,
  options: StageOptions,
): Promise<Stage> {
  const text = new EngineText(connection, files, { ...options, rowsMax: options.rowsMax ?? rowsMax });
  const discard = (): Promise<void> => text.discard();
  try {
    const empty = new Set(options.sources);
    for await (const { stream, source } of sources) if (await text.add(stream)) empty.delete(source);
    if (options.recordsInEach === true && empty.size > 0) throw noRecords();
    return {
      sql: await text.finish(),
      again: (error) => text.again(error),
      explain: (error) => Promise.resolve(unlikeFailure(error)),
      discard,
    };
  } catch (error) {
    await discard();
    throw error;
  }
}

async function stageParquet(
  connection: EngineConnection,
  files: Pick<ExtentFiles, 'create'>,
  sources: Located,
  options: StageOptions,
): Promise<Stage> {
  const held: PlainFile[] = [];
  const discard = async (): Promise<void> => {
    for (const file of held.splice(0)) await file.discard();
  };
  try {
    const selects: string[] = [];
    for await (const { stream, location } of sources) {
      const file = await files.create();
      held.push(file);
      await writeParquetFile(file.path, stream, location);
      selects.push(await parquetFileRows(connection, file.path, { ...options, location }));
    }
    return {
      sql: selects.join(' UNION ALL '),
      explain: async (error) => {
        let found: unknown = error;
        for (const { path } of held) if (found === error) found = await parquetFailure(connection, path, error);
        return found;
      },
      discard,
    };
  } catch (error) {
    await discard();
    throw error;
  }
}

/** @param path of a file in memory @throws DataError `PayloadTooLarge` */
export async function writeParquetFile(path: string, stream: AsyncIterable<Uint8Array>, name: string): Promise<void> {
  const handle = await open(path, 'w');
  try {
    let bytes = 0;
    for await (const piece of stream) {
      bytes += piece.byteLength;
      if (bytes > parquetBytesMax)
        throw dataError(
          'PayloadTooLarge',
          `The Parquet file '${name}' has more than ${parquetBytesMax / 1024 ** 2} MiB.`,
        );
      await handle.writeFile(piece);
    }
  } finally {
    await handle.close();
  }
}
