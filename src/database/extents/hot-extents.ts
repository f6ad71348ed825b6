import type { SealedExtent } from '../catalog/sealed-extent.ts';
import type { ExtentRecord } from '../catalog/records.ts';
import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { collect } from './collect.ts';
import type { ExtentFiles } from './extent-files.ts';
import { parquetOf } from './extent-pieces.ts';
import { columnName } from './tail-table.ts';

export interface HotLimits {
  /** Of the engine's memory, for all tables in it that do not belong to a query. */
  readonly bytesMax: number;
  /** An extent that was read so often is worth what its table costs; default 16. */
  readonly readsMin?: number;
  /** Smaller extents are read fast enough as they are; default 10,000. */
  readonly rowsMin?: number;
}

interface HotExtentsOptions extends HotLimits {
  readonly files: Pick<ExtentFiles, 'open'>;
  readonly connect: () => Promise<EngineConnection>;
}

/** The rows of an extent as a table of the engine, with the columns of the extent. */
export interface HotTable {
  /** Stands after FROM; good until it is released. */
  readonly name: string;
  release(): void;
}

interface Entry {
  /** Of the database in memory that has this table alone: detached, its memory is free. */
  readonly database: string;
  pins: number;
  usedAt: number;
  isDoomed: boolean;
}

/** How often an extent was read that has no table. */
interface Reads {
  count: number;
  /** When it is to get one; twice as many after each time that there was no room. */
  wanted: number;
  /** When counting began. */
  since: number;
}

/** A file is read once for each piece of it. */
const piecesMax = 16;
/** Rows that DuckDB compresses together. */
const groupRows = 122_880;
const vectorRows = 2_048;
const countedMax = 10_000;
/** Of Parquet that is opened, in memory before it is compressed. */
const growth = 6;

let made = 0;

/** Extents that are read often, as compressed tables in the engine's memory besides. Whoever holds a table has the extent's file open, too, so
 * the key is asked for as for any other read, and what happens to files happens to tables. Made behind the queries, one at a time, a piece
 * after the other; those least recently used go first, but not for an extent that is read no more often than they are. */
export class HotExtents {
  readonly #options: Required<HotExtentsOptions>;
  /** By the id of the DEK, which is another one for each write of an extent; in the order of last use. */
  readonly #entries = new Map<string, Entry>();
  readonly #reads = new Map<string, Reads>();
  readonly #waiting: ExtentRecord[] = [];
  /** Forgotten while it was made. */
  #underWay: { readonly dekId: string; isForgotten: boolean } | undefined;
  #work: Promise<void> | undefined;
  #ending: Promise<void> = Promise.resolve();
  /** Grows with each use. */
  #time = 0;
  #isDisposed = false;

  constructor(options: HotExtentsOptions) {
    this.#options = { readsMin: 16, rowsMin: 10_000, ...options };
  }

  /** Call it with the extent's file open, and keep that open as long. @returns undefined for an extent that has no table; it counts as read */
  hold(extent: ExtentRecord): HotTable | undefined {
    this.#time += 1;
    const { dekId } = extent.sealed;
    const entry = this.#entries.get(dekId);
    if (entry === undefined) {
      this.#count(extent);
      return undefined;
    }
    this.#entries.delete(dekId);
    this.#entries.set(dekId, entry);
    entry.usedAt = this.#time;
    entry.pins += 1;
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      entry.pins -= 1;
      if (entry.isDoomed && entry.pins === 0) this.#end(entry);
    };
    return { name: rowsOf(entry.database), release };
  }

  /** The extent is gone: its table goes as soon as nobody reads it. */
  forget({ dekId }: SealedExtent): void {
    this.#reads.delete(dekId);
    if (this.#underWay?.dekId === dekId) this.#underWay.isForgotten = true;
    const entry = this.#entries.get(dekId);
    if (entry !== undefined) this.#remove(dekId, entry);
  }

  /** All tables go, and no other comes. */
  dispose(): void {
    this.#isDisposed = true;
    this.#reads.clear();
    for (const [dekId, entry] of this.#entries) {
      entry.pins = 0;
      this.#remove(dekId, entry);
    }
  }

  /** When no table is being made and none is going. */
  async settled(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
    await this.#ending;
  }

  get count(): number {
    return this.#entries.size;
  }

  #count(extent: ExtentRecord): void {
    const { rowsMin, readsMin } = this.#options;
    if (this.#isDisposed || extent.rowCount < rowsMin || piecesOf(extent, this.#options) > piecesMax) return;
    const { dekId } = extent.sealed;
    const reads = this.#reads.get(dekId) ?? { count: 0, wanted: readsMin, since: this.#time };
    this.#reads.delete(dekId);
    this.#reads.set(dekId, reads);
    reads.count += 1;
    const [oldest] = this.#reads.keys();
    if (this.#reads.size > countedMax && oldest !== undefined) this.#reads.delete(oldest);
    if (reads.count !== reads.wanted) return;
    this.#waiting.push(extent);
    this.#work ??= this.#makeWaiting().finally(() => (this.#work = undefined));
  }

  async #makeWaiting(): Promise<void> {
    for (let extent = this.#waiting.shift(); extent !== undefined; extent = this.#waiting.shift()) {
      const reads = this.#reads.get(extent.sealed.dekId);
      if (this.#isDisposed || reads === undefined) continue;
      const isMade = await this.#make(extent, reads).catch(() => false);
      if (isMade) this.#reads.delete(extent.sealed.dekId);
      // No key, no room, no such blob any more: another time, perhaps.
      else Object.assign(reads, { count: 0, wanted: reads.wanted * 2, since: this.#time });
    }
  }

  /** Nobody sees the table before all of it is there. */
  async #make(extent: ExtentRecord, { since }: Reads): Promise<boolean> {
    const { files, connect } = this.#options;
    const { dekId } = extent.sealed;
    const underWay = (this.#underWay = { dekId, isForgotten: false });
    const database = `hot_${(made += 1)}`;
    const isWanted = (): boolean => !this.#isDisposed && !underWay.isForgotten;
    const connection = await connect();
    let isMade = false;
    try {
      await connection.run(`ATTACH ':memory:' AS ${database} (COMPRESS)`);
      const file = await files.open(extent.sealed);
      try {
        const columns = await columnDefinitions(connection, rowsIn(extent, file.path));
        await connection.run(`CREATE TABLE ${rowsOf(database)} (${columns.join(', ')})`);
        for (const select of this.#pieces(extent, file.path)) {
          if (!isWanted()) return false;
          await connection.run(`INSERT INTO ${rowsOf(database)} ${select}`);
          await connection.run(`CHECKPOINT ${database}`);
          if (!(await this.#makeRoom(connection, since))) return false;
        }
      } finally {
        file.release();
      }
      if (!isWanted()) return false;
      this.#entries.set(dekId, { database, pins: 0, usedAt: this.#time, isDoomed: false });
      isMade = true;
      return true;
    } finally {
      this.#underWay = undefined;
      if (!isMade) await detach(connection, database);
      connection.close();
    }
  }

  #pieces(extent: ExtentRecord, path: string): string[] {
    const { rowCount } = extent;
    const pieces = piecesOf(extent, this.#options);
    const unit = rowCount / pieces > groupRows ? groupRows : vectorRows;
    const rowsEach = Math.ceil(rowCount / pieces / unit) * unit;
    return Array.from({ length: Math.ceil(rowCount / rowsEach) }, (_piece, index) =>
      rowsIn(extent, path, index * rowsEach, rowsEach),
    );
  }

  /** @param since tables that were used later are kept. @returns whether there is room now */
  async #makeRoom(connection: EngineConnection, since: number): Promise<boolean> {
    for (;;) {
      const [row] = await collect(
        connection,
        `SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory() WHERE tag = 'IN_MEMORY_TABLE'`,
      );
      if (Number(row?.[0] ?? 0) <= this.#options.bytesMax) return true;
      const victim = [...this.#entries].find(([, { pins, usedAt }]) => pins === 0 && usedAt < since);
      if (victim === undefined) return false;
      this.#entries.delete(victim[0]);
      await detach(connection, victim[1].database);
    }
  }

  #remove(dekId: string, entry: Entry): void {
    this.#entries.delete(dekId);
    entry.isDoomed = true;
    if (entry.pins === 0) this.#end(entry);
  }

  #end({ database }: Entry): void {
    const end = async (): Promise<void> => {
      const connection = await this.#options.connect();
      await detach(connection, database);
      connection.close();
    };
    // An engine that is closing frees everything itself.
    this.#ending = Promise.all([this.#ending, end().catch(() => undefined)]).then(() => undefined);
  }
}

/** Some rows of an extent's file, in their order. */
const rowsIn = ({ columnIds }: ExtentRecord, path: string, first = 0, count = groupRows): string =>
  `SELECT ${columnIds.map(columnName).join(', ')} FROM ${parquetOf([{ path, extent: undefined }], true)} WHERE file_row_number >= ${first} AND file_row_number < ${first + count}`;

/** Texts of which there are few among so many rows are kept as references, which is small and fast to group by. Others would be packed
 * bytes, which cost more to read than Parquet does: they are kept as they are, three times as large.
 * @param sample of the rows */
async function columnDefinitions(connection: EngineConnection, sample: string): Promise<string[]> {
  const columns = await collect(connection, `SELECT column_name, column_type FROM (DESCRIBE ${sample})`);
  const texts = columns.filter(([, type]) => type === 'VARCHAR').map(([name]) => String(name));
  const shares = texts.map((name) => `approx_count_distinct(${name}) / count(*)`);
  const [found = []] =
    texts.length === 0 ? [] : await collect(connection, `SELECT ${shares.join(', ')} FROM (${sample})`);
  return columns.map(([name, type]) => {
    const isVaried = Number(found[texts.indexOf(String(name))] ?? 0) > variedShare;
    return `${String(name)} ${String(type)}${isVaried ? ' USING COMPRESSION Uncompressed' : ''}`;
  });
}
const variedShare = 0.1;

const rowsOf = (database: string): string => `${database}.main.kustody_hot`;

function piecesOf(
  { originalBytes, sealed: { length } }: ExtentRecord,
  { bytesMax }: Pick<HotExtentsOptions, 'bytesMax'>,
): number {
  return Math.max(1, Math.ceil((Math.max(originalBytes, length * growth) * 8) / bytesMax));
}

const detach = (connection: EngineConnection, database: string): Promise<void> =>
  connection.run(`DETACH ${database}`).catch(() => undefined);
