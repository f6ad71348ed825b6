import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { dataError, malformedData } from '../catalog/data-error.ts';
import type { ExtentFiles, PlainFile } from '../extents/extent-files.ts';
import { addStaged, createStaging, emptyStaging, stagedSelect } from '../extents/staging.ts';
import type { DataSource } from './data-source.ts';
import { EngineText, isForEngine, unlikeFailure } from './engine-text.ts';
import { parquetFailure, parquetFile, parquetRowsMax, writeParquet } from './parquet-select.ts';
import { readRows, tooManyRecords } from './read-batch.ts';
import type { UnpackedFile } from './unpacked.ts';
import { unpacked } from './unpacked.ts';
import type { ReadOptions } from './value-reader.ts';

/** Of all sources of one request. */
export const rowsMax = 100_000_000;
/** Parquet is read from a file in memory. */
const parquetBytesMax = 1024 ** 3;

/** Of what is in memory at one time, where rows are taken part by part: so many values, and what so many bytes or units of text were made to,
 * and a batch, a block or a file more. */
const partMax = { values: 4 * 1024 * 1024, bytes: 32 * 1024 * 1024 };

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
  /** Takes the rows staged so far, which are gone afterwards, whenever they are many; what is left at the end is staged as without it. What
   * it throws ends the reading. Absent: all rows stay until they are discarded. */
  readonly takePart?: ((staged: StagedSources) => Promise<void>) | undefined;
  /** When they are many. `rows`: of one Parquet file, where parts are taken of it. */
  readonly partMax?: { readonly values: number; readonly bytes: number; readonly rows?: number };
  /** Asked with each piece that is read. @throws what ends the reading */
  readonly requireWanted?: (() => void) | undefined;
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

const nothingMore = { again: (): Promise<undefined> => Promise.resolve(undefined) };

export const noRecords = (): Error =>
  malformedData('BadRequest_NoRecordsOrWrongFormat', 'The blob has no records, or another format');

/** Reads all sources to their end: rows go into a temporary table of the connection, Parquet and text for the engine into files in memory.
 * @throws DataError, and whatever the signal says */
export async function stageSources(
  connection: EngineConnection,
  files: Pick<ExtentFiles, 'create'>,
  options: StageOptions,
): Promise<StagedSources> {
  let bytes = 0;
  const { signal, zipPattern, gzIsPlain, requireWanted, takePart } = options;
  const tellBytes = (more: number): void => void (bytes += more);
  const unpacking = { signal, zipPattern, gzIsPlain, requireWanted, tellBytes };
  const give = takePart && ((stage: Stage): Promise<void> => takePart({ ...nothingMore, ...stage, bytes }));
  async function* all(): AsyncGenerator<LocatedFile> {
    for (const source of options.sources)
      for await (const file of unpacked(source, unpacking)) yield { ...file, source, location: source.name };
  }
  const stage =
    options.format.reader.kind === 'parquet'
      ? await stageParquet(connection, files, all(), options, give)
      : options.withEngine === true && isForEngine(options)
        ? await stageText(connection, files, all(), options, give)
        : await stageRows(connection, all(), options, give);
  return { ...nothingMore, ...stage, bytes };
}

type LocatedFile = UnpackedFile & { readonly source: DataSource; readonly location: string };
type Located = AsyncIterable<LocatedFile>;
type Give = ((stage: Stage) => Promise<void>) | undefined;

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

async function stageRows(
  connection: EngineConnection,
  sources: Located,
  options: StageOptions,
  give: Give,
): Promise<Stage> {
  const { reader } = options.format;
  if (reader.kind === 'parquet') throw new TypeError('Parquet is read by the engine.');
  await createStaging(connection, options.columns);
  let left = options.rowsMax ?? rowsMax;
  const empty = new Set(options.sources);
  const stage: Stage = {
    sql: stagedSelect(options.columns),
    explain: (error) => Promise.resolve(error),
    discard: () => Promise.resolve(),
  };
  const { values: valuesMax, bytes: unitsMax } = options.partMax ?? partMax;
  let [values, units] = [0, 0];
  for await (const { stream, location, source } of sources)
    for await (const { units: read, ...batch } of readRows(stream, {
      ...options,
      location,
      format: { ...options.format, reader },
      rowsMax: left,
    })) {
      left -= batch.rowCount;
      empty.delete(source);
      await addStaged(connection, batch);
      options.signal?.throwIfAborted();
      values += batch.rowCount * options.columns.length;
      units += read;
      if (give === undefined || (values < valuesMax && units < unitsMax)) continue;
      await give(stage);
      await emptyStaging(connection, options.columns);
      [values, units] = [0, 0];
    }
  if (options.recordsInEach === true && empty.size > 0) throw noRecords();
  return stage;
}

async function stageText(
  connection: EngineConnection,
  files: Pick<ExtentFiles, 'create'>,
  sources: Located,
  options: StageOptions,
  give: Give,
): Promise<Stage> {
  const discard = (): Promise<void> => text.discard();
  const stageOf = (sql: string): Stage => ({
    sql,
    again: (error) => text.again(error),
    explain: (error) => Promise.resolve(unlikeFailure(error)),
    discard,
  });
  const text = new EngineText(connection, files, {
    ...options,
    rowsMax: options.rowsMax ?? rowsMax,
    partMax: options.partMax ?? partMax,
    takePart: give && ((sql) => give(stageOf(sql))),
  });
  try {
    const empty = new Set(options.sources);
    for await (const { stream, source } of sources) if (await text.add(stream)) empty.delete(source);
    if (options.recordsInEach === true && empty.size > 0) throw noRecords();
    return stageOf(await text.finish());
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
  give: Give,
): Promise<Stage> {
  const held: PlainFile[] = [];
  const discard = async (): Promise<void> => {
    for (const file of held.splice(0)) await file.discard();
  };
  const explain = async (error: unknown): Promise<unknown> => {
    let found: unknown = error;
    for (const { path } of held) if (found === error) found = await parquetFailure(connection, path, error);
    return found;
  };
  const { rows: partRows = parquetRowsMax } = options.partMax ?? {};
  let left = options.rowsMax ?? rowsMax;
  let bytes = 0;
  let selects: string[] = [];
  const stage = (): Stage => ({ sql: selects.join(' UNION ALL '), explain, discard });
  try {
    for await (const { stream, location } of sources) {
      // What was read before goes first: the last part is not empty, and only an archive or a request of several has more than one.
      if (give !== undefined && bytes >= (options.partMax ?? partMax).bytes) {
        await give(stage());
        await discard();
        [bytes, selects] = [0, []];
      }
      const file = await files.create();
      held.push(file);
      bytes += await writeParquetFile(file.path, stream, location);
      const { rowCount, select } = await parquetFile(connection, file.path, { ...options, location });
      left -= rowCount;
      if (left < 0) throw tooManyRecords(options.rowsMax ?? rowsMax);
      if (give === undefined || rowCount <= partRows) {
        selects.push(select());
        continue;
      }
      let from = 0;
      for (; rowCount - from > partRows; from += partRows) {
        selects.push(select([from, from + partRows]));
        await give(stage());
        selects = [];
      }
      selects.push(select([from, rowCount]));
    }
    return stage();
  } catch (error) {
    await discard();
    throw error;
  }
}

/** @param path of a file in memory @returns its bytes @throws DataError `PayloadTooLarge` */
export async function writeParquetFile(path: string, stream: AsyncIterable<Uint8Array>, name: string): Promise<number> {
  let bytes = 0;
  async function* bounded(): AsyncGenerator<Uint8Array> {
    for await (const piece of stream) {
      bytes += piece.byteLength;
      if (bytes > parquetBytesMax)
        throw dataError(
          'PayloadTooLarge',
          `The Parquet file '${name}' has more than ${parquetBytesMax / 1024 ** 2} MiB.`,
        );
      yield piece;
    }
  }
  await writeParquet(path, bounded());
  return bytes;
}
