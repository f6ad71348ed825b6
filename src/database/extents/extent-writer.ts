import { readFile, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import { untilAborted } from '../../base/until-aborted.ts';
import type { BlobName, BlobStore } from '../../storage/blob-store.ts';
import type { DataKeys } from '../catalog/data-keys.ts';
import type { ExtentRecord, TableRecord, TermFilterFacts } from '../catalog/records.ts';
import type { SealedExtent } from '../catalog/sealed-extent.ts';
import { ingestedInCommit, sealedOf, withoutValues } from '../catalog/records.ts';
import type { StatementConnection } from '../../kql/duckdb/engine-database.ts';
import type { BoundValue } from '../../kql/sql/context.ts';
import { ticksOfUnixMilliseconds } from '../../kql/values/ticks.ts';
import type { ExtentFiles, PlainFile } from './extent-files.ts';
import { fileStatistics } from './file-statistics.ts';
import type { HotExtents } from './hot-extents.ts';
import { makeTermFilter } from './term-filter.ts';
import type { StoredColumn } from './tail-table.ts';
import { columnName, ingestionColumn } from './tail-table.ts';

export interface ExtentWriterOptions {
  readonly clusterId: Guid;
  readonly files: ExtentFiles;
  readonly blobs: BlobStore;
  readonly randomBytes: RandomBytes;
  readonly keys: () => DataKeys;
  /** Told of each extent that is gone. */
  readonly hot?: Pick<HotExtents, 'forget'> | undefined;
}

/** What the catalog is to say of a new extent besides what the writer finds out. */
export type ExtentFacts = Pick<
  ExtentRecord,
  'tableId' | 'originalBytes' | 'minCreatedOn' | 'maxCreatedOn' | 'tags' | 'ingestedTo'
>;

/** An extent whose blob is durable, and which no commit names yet. */
export interface WrittenExtent {
  readonly record: ExtentRecord;
  /** Generation of the cluster key that its DEK is wrapped with. */
  readonly generation: number;
}

interface WriteOptions {
  readonly ingestedOn?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly hasTerms?: boolean;
}

interface Select {
  readonly sql: string;
  readonly bound: readonly BoundValue[];
}

/** The cluster key was changed after the extent was sealed: its wrapped DEK is of no use any more. */
class StaleExtentError extends Error {
  override readonly name = 'StaleExtentError';
}

const attemptsMax = 3;

/** Half as many as DuckDB would take: groups are encoded by a thread each, so that few rows have more than one, and what a group needs
 * stays in the caches. For 600,000 rows of a log, in one thread: a fifth less of the processor to write, up to a half less to read, and 1 %
 * more bytes; smaller ones are written and grouped by more slowly. */
const rowGroupRows = 61_440;

/** Encodings of version 2 (differences of numbers, lengths of texts apart from them) are smaller, so there is less to compress and to seal:
 * they are written and read faster than those of version 1. */
const parquetForm = `FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroupRows}, use_tmp_file false`;

/** Makes extents. Durable order: Parquet in an unnamed file in memory → the filter of its terms, if it gets one, sealed in a blob →
 * the file sealed under a DEK made for this attempt → blob, synced →
 * one catalog commit with the extent row and the request id, made by the caller. A blob that no row names is garbage. */
export class ExtentWriter {
  readonly #options: ExtentWriterOptions;
  /** Blobs that a commit to come may name. */
  readonly #inFlight = new Set<BlobName>();
  /** Writes whose blob has a name that nobody here knows yet. */
  #sealing = 0;

  constructor(options: ExtentWriterOptions) {
    this.#options = options;
  }

  /** Blobs of this cluster begin with it. */
  get prefix(): string {
    return `clusters/${this.#options.clusterId}`;
  }

  /** The same for rows that were in extents before: also makes a filter of their terms, for which whoever ingests does not wait. */
  writeMerged(
    connection: StatementConnection,
    select: Select,
    table: Pick<TableRecord, 'columns' | 'databaseId'>,
    facts: ExtentFacts,
  ): Promise<WrittenExtent | undefined> {
    return this.#write(connection, select, table, facts, { hasTerms: true });
  }

  /** @param select gives the columns of the table in their physical types, named by `columnName`; also `ingestionColumn`, unless
   * @param ingestedOn is given, in milliseconds: then all rows are of that time, until the commit says when it was
   * @param signal whoever stops does not wait for the store of blobs, which may answer nothing; the blob goes when it is there after all
   * @returns undefined when there are no rows. Call `settled` after the commit, or `abandon` instead of it. */
  write(
    connection: StatementConnection,
    select: Select,
    table: Pick<TableRecord, 'columns' | 'databaseId'>,
    facts: ExtentFacts,
    ingestedOn?: number,
    signal?: AbortSignal,
  ): Promise<WrittenExtent | undefined> {
    return this.#write(connection, select, table, facts, { ingestedOn, signal });
  }

  async #write(
    connection: StatementConnection,
    select: Select,
    { columns, databaseId }: Pick<TableRecord, 'columns' | 'databaseId'>,
    facts: ExtentFacts,
    { ingestedOn, signal, hasTerms = false }: WriteOptions,
  ): Promise<WrittenExtent | undefined> {
    const { files, randomBytes } = this.#options;
    const stored = [ingestionColumn, ...columns];
    const time = columnName(ingestionColumn.columnId);
    const rows =
      ingestedOn === undefined
        ? select.sql
        : `SELECT ${ticksOfUnixMilliseconds(Math.trunc(ingestedOn))}::BIGINT AS ${time}, * FROM (${select.sql})`;
    const file = await files.create();
    let isSealing = false;
    try {
      await connection.run(`COPY (${rows}) TO '${file.path}' (${parquetForm})`, select.bound);
      const { rowCount, ...found } = await fileStatistics(connection, file.path, stored);
      if (rowCount === 0) return undefined;
      const { generation } = this.#options.keys();
      const terms = hasTerms ? await this.#stageTerms(connection, file.path, stored, rowCount, databaseId) : undefined;
      isSealing = true; // from here on the file goes by itself
      const sealed = await this.#seal(file, databaseId, signal).catch(async (error: unknown) => {
        if (terms !== undefined) await this.removeBlobs([terms.sealed]);
        throw error;
      });
      const statistics = sealed.sealedFor === undefined ? found : withoutValues;
      const columnIds = stored.map(({ columnId }) => columnId);
      const record: ExtentRecord = {
        kind: 'extent',
        extentId: newGuid(randomBytes),
        sealed,
        columnIds,
        ...statistics,
        ...(terms && { terms }),
        rowCount,
        ...facts,
        ...(ingestedOn !== undefined && { ingestedAt: ingestedInCommit }),
      };
      return { record, generation };
    } finally {
      if (!isSealing) await file.discard();
    }
  }

  async #stageTerms(
    connection: StatementConnection,
    path: string,
    stored: readonly StoredColumn[],
    rowCount: number,
    databaseId: Guid,
  ): Promise<TermFilterFacts | undefined> {
    const made = await makeTermFilter(connection, path, stored, rowCount);
    if (made === undefined) return undefined;
    const { bytes, ...facts } = made;
    const { sealed } = await this.stage(Readable.from([bytes]), databaseId);
    return { ...facts, sealed };
  }

  /** Bytes that are no rows yet, sealed as an extent is: in memory, then as a blob that no commit names yet. Call `settledBlob` after the
   * commit, or `removeBlobs` instead of it.
   * @param sealedFor the database whose own key seals them, too, if it has one */
  async stage(
    bytes: AsyncIterable<Uint8Array>,
    sealedFor: Guid,
  ): Promise<{ readonly sealed: SealedExtent; readonly generation: number }> {
    const file = await this.#options.files.create();
    try {
      await writeFile(file.path, bytes);
      const { generation } = this.#options.keys();
      return { sealed: await this.#seal(file, sealedFor), generation };
    } finally {
      await file.discard();
    }
  }

  /** Called when the commit of what `stage` gave is planned. @throws when a change of custody has come between: stage it again */
  requireGeneration(generation: number): void {
    if (this.#options.keys().generation !== generation) throw new StaleExtentError();
  }

  settledBlob({ blob }: SealedExtent): void {
    this.#inFlight.delete(blob);
  }

  /** What `stage` has sealed, as it was. @throws where opening an extent does */
  async readStaged(sealed: SealedExtent): Promise<Uint8Array> {
    const opened = await this.#options.files.open(sealed);
    try {
      return await readFile(opened.path);
    } finally {
      opened.release();
    }
  }

  /** The blob is in flight before it is not being sealed any more: nobody sees it in between. */
  #seal(file: PlainFile, databaseId: Guid, signal?: AbortSignal): Promise<SealedExtent> {
    const seal = async (): Promise<SealedExtent> => {
      this.#sealing += 1;
      try {
        const sealed = await file.seal(this.prefix, databaseId);
        this.#inFlight.add(sealed.blob);
        return sealed;
      } finally {
        this.#sealing -= 1;
      }
    };
    return signal === undefined ? seal() : untilAborted(seal(), signal, (late) => void this.removeBlobs([late]));
  }

  /** Called when the commit is planned. @throws StaleExtentError when a change of custody has come between */
  recordNow({ record, generation }: WrittenExtent): ExtentRecord {
    this.requireGeneration(generation);
    return record;
  }

  /** Does a write with its commit again when a change of custody has come between. */
  async retried<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof StaleExtentError) || attempt >= attemptsMax) throw error;
      }
    }
  }

  /** Waits for the commit that names an extent. Whether one that failed was made may be unknown: the blob is left to the next
   * collection, which asks the catalog. */
  async committing<T>(extent: WrittenExtent | undefined, commit: Promise<T>): Promise<T> {
    try {
      return await commit;
    } catch (error) {
      if (extent !== undefined) this.settled(extent);
      throw error;
    }
  }

  settled(extent: WrittenExtent): void {
    for (const { blob } of sealedOf(extent.record)) this.#inFlight.delete(blob);
  }

  /** No commit will name it. */
  async abandon(extent: WrittenExtent): Promise<void> {
    await this.remove([extent.record]);
  }

  /** Deletes blobs that no record names any more. What fails is found again by `collect`. */
  async remove(extents: readonly ExtentRecord[]): Promise<void> {
    await this.removeBlobs(extents.flatMap(sealedOf));
  }

  /** The same, of what `stage` has sealed. */
  async removeBlobs(blobs: readonly SealedExtent[]): Promise<void> {
    for (const sealed of blobs) {
      this.#inFlight.delete(sealed.blob);
      this.#options.hot?.forget(sealed);
      await this.#options.files.forget(sealed);
      await this.#options.blobs.delete(sealed.blob).catch(() => undefined);
    }
  }

  /** Somebody else has removed them: nothing of them is kept here. */
  async forget(extents: readonly ExtentRecord[]): Promise<void> {
    for (const sealed of extents.flatMap(sealedOf)) {
      this.#options.hot?.forget(sealed);
      await this.#options.files.forget(sealed);
    }
  }

  /** A blob that stays while somebody works on it, although no record names it. Call it before there is such a blob. */
  async holding<T>(blob: BlobName, work: () => Promise<T>): Promise<T> {
    this.#inFlight.add(blob);
    try {
      return await work();
    } finally {
      this.#inFlight.delete(blob);
    }
  }

  /** Deletes the blobs of the cluster that are not named. Order: list of blobs → head record written by this process, after which no
   * other one's commit succeeds → names in the catalog → what is in the list, and neither named nor in flight, goes. One that cannot
   * be deleted does not keep the others.
   * @param named writes the head record, and gives the blobs that the catalog names right after that */
  async collect(named: () => Promise<ReadonlySet<string>>): Promise<number> {
    const { blobs } = this.#options;
    const found: BlobName[] = [];
    for await (const { name } of blobs.list(`${this.prefix}/`)) found.push(name);
    const kept = await named();
    // A blob that is being written has a name that only its writer knows yet: then another time.
    if (this.#sealing > 0) return 0;
    const garbage = found.filter((name) => !this.#inFlight.has(name) && !kept.has(name));
    // Names are used once: what is garbage now will never be named.
    let failure: { readonly error: unknown } | undefined;
    for (const name of garbage) {
      await blobs.delete(name).catch((error: unknown) => {
        failure ??= { error };
      });
    }
    if (failure !== undefined) throw failure.error;
    return garbage.length;
  }
}
