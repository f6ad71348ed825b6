import type { EngineConnection, StatementConnection } from '../../kql/duckdb/engine-database.ts';
import type { ExtentFacts, WrittenExtent } from '../extents/extent-writer.ts';
import type { TableRecord } from '../catalog/records.ts';
import type { TableStore } from '../extents/table-store.ts';
import { tooManyRecords } from './read-batch.ts';
import { UnlikeTextError } from './record-blocks.ts';
import type { StagedSources, StageOptions } from './source-stage.ts';
import { readStaged, rowsMax as defaultRowsMax, stageSources } from './source-stage.ts';

type Staging = 'columns' | 'withEngine' | 'takePart' | 'requireWanted' | 'signal';

export interface WriteOptions extends Omit<StageOptions, Staging> {
  readonly table: TableRecord;
  readonly signal?: AbortSignal | undefined;
  /** @param bytes of the sources that an extent was made of, as they are stored */
  readonly facts: (bytes: number) => ExtentFacts;
}

/** What sources hold, as extents that no commit names yet. */
export interface WrittenSources {
  readonly extents: readonly WrittenExtent[];
  /** Of all sources, as they are stored. */
  readonly bytes: number;
}

export const rowsOf = (extents: readonly WrittenExtent[]): number =>
  extents.reduce((sum, { record }) => sum + record.rowCount, 0);

/** Reads sources into extents, one after the other, so that memory holds no more of them than makes one. It ends early when nobody wants the
 * rows any more: the table is gone, or the cluster may not use its key.
 * @returns extents for one commit of all: then each is to be settled
 * @throws DataError, whatever the signal says, or StaleExtentError; nothing is left to settle then */
export async function writeSources(store: TableStore, options: WriteOptions): Promise<WrittenSources> {
  const { catalog, files } = store.parts;
  const { table } = options;
  const requireWanted = (): void => {
    files.requireKey();
    store.current(catalog.image, table);
  };
  const write = (connection: Connection, withEngine: boolean): Promise<WrittenSources> => {
    const extents = new PartExtents(store, connection, options);
    const takePart = (part: StagedSources): Promise<void> => extents.add(part);
    const how = { ...options, columns: table.columns, signal: options.signal, withEngine, takePart, requireWanted };
    return extents.all(async () => {
      const staged = await stageSources(connection, files, how);
      try {
        await extents.add(staged);
      } finally {
        await staged.discard();
      }
      return staged.bytes;
    });
  };
  return store.withConnection((connection) =>
    interruptible(connection, options.signal, () =>
      write(connection, true).catch((error: unknown) => {
        if (error instanceof UnlikeTextError) return write(connection, false);
        throw error;
      }),
    ),
  );
}

/** Statements of the connection end when the signal says so, too, though they may be rows of a whole file. */
async function interruptible<T>(
  connection: Pick<EngineConnection, 'interrupt'>,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const interrupt = (): void => connection.interrupt();
  signal?.addEventListener('abort', interrupt);
  try {
    signal?.throwIfAborted();
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', interrupt);
  }
}

type Connection = Parameters<typeof stageSources>[0] & StatementConnection;

class PartExtents {
  readonly #store: TableStore;
  readonly #connection: Connection;
  readonly #options: WriteOptions;
  readonly #written: WrittenExtent[] = [];
  #rowCount = 0;
  #bytes = 0;

  constructor(store: TableStore, connection: Connection, options: WriteOptions) {
    this.#store = store;
    this.#connection = connection;
    this.#options = options;
  }

  async add(staged: StagedSources): Promise<void> {
    const { writer, now } = this.#store.parts;
    const { table, facts, rowsMax = defaultRowsMax, signal } = this.#options;
    const extent = await readStaged(staged, (sql) =>
      writer.write(this.#connection, { sql, bound: [] }, table, facts(staged.bytes - this.#bytes), now(), signal),
    );
    if (extent === undefined) return;
    this.#bytes = staged.bytes;
    this.#written.push(extent);
    if ((this.#rowCount += extent.record.rowCount) > rowsMax) throw tooManyRecords(rowsMax);
    // Once there is another key, the first of them is of no use.
    for (const first of this.#written.slice(0, 1)) writer.recordNow(first);
  }

  /** @param read adds them; when it fails they are gone */
  async all(read: () => Promise<number>): Promise<WrittenSources> {
    try {
      const bytes = await read();
      return { extents: this.#written, bytes };
    } catch (error) {
      for (const extent of this.#written) await this.#store.parts.writer.abandon(extent);
      throw error;
    }
  }
}
