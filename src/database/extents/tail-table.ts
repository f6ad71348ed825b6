import type { BatchColumn, RowBatch } from '../catalog/row-batch.ts';
import type { ColumnValues, EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { stagingType } from '../../kql/duckdb/engine-database.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import type { TailRows } from '../../kql/query-request.ts';
import { ingestionOf, ticksOfIngestion } from '../catalog/ingestion-order.ts';

/** A column as a table in memory or an extent holds it. */
export interface StoredColumn {
  readonly columnId: number;
  readonly type: KqlType;
}

export const columnName = (columnId: number): string => `c${columnId}`;

/** When each row was ingested, for `ingestion_time()`: a column that every extent has beside those of its table, whose ids begin at 1. Extents
 * that an earlier version wrote lack it. */
export const ingestionColumn: StoredColumn = { columnId: 0, type: 'datetime' };

/** Reads a column of a staging table in its physical type. */
export function stagedSql({ columnId, type }: StoredColumn): string {
  const name = columnName(columnId);
  if (type === 'decimal') return `CAST(${name} AS DECIMAL(38,18))`;
  return type === 'guid' ? `CAST(${name} AS UUID)` : name;
}

/** The rows of one segment of the log, in a DuckDB table in memory. They go there when somebody first reads them. */
export class TailTable {
  readonly name: string;
  readonly columns: readonly StoredColumn[];
  readonly #connect: () => Promise<EngineConnection>;
  #pending: { readonly batch: RowBatch; readonly at: number | undefined; readonly number: bigint }[] = [];
  #added = 0n;
  #made = false;
  #flushing: Promise<void> = Promise.resolve();
  #readers = 0;
  #dropped = false;
  rowCount = 0;

  constructor(name: string, columns: readonly StoredColumn[], connect: () => Promise<EngineConnection>) {
    this.name = name;
    this.columns = columns;
    this.#connect = connect;
  }

  /** The rows count from now on. @param at when they were ingested, in milliseconds with microseconds as fractions; undefined: nobody is told */
  add(batch: RowBatch, at: number | undefined): void {
    this.#added += 1n;
    this.#pending.push({ batch, at, number: this.#added });
    this.rowCount += batch.rowCount;
  }

  /** @returns SQL after FROM that gives exactly the rows of the moment of the call; the table stays until it is released */
  async open(): Promise<TailRows & { readonly sql: string; release(): void }> {
    const last = this.#added;
    this.#readers += 1;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      this.#readers -= 1;
      this.#dropUnused();
    };
    try {
      this.#flushing = this.#flushing.then(() => this.#flush());
      await this.#flushing;
      const sql = `(SELECT * FROM ${this.name} WHERE batch <= ${last})`;
      return { table: this.name, columns: this.#allColumns(), rows: () => this.#rows(sql), sql, release };
    } catch (error) {
      this.#flushing = Promise.resolve();
      release();
      throw error;
    }
  }

  #allColumns(): TailRows['columns'] {
    const own = [
      { name: columnName(ingestionColumn.columnId), type: ingestionColumn.type },
      { name: 'batch', type: 'long' as const },
    ];
    return [...this.columns.map(({ columnId, type }) => ({ name: columnName(columnId), type })), ...own];
  }

  async *#rows(sql: string): AsyncGenerator<ColumnValues[]> {
    const connection = await this.#connect();
    try {
      yield* connection.stream(`SELECT * FROM ${sql}`, []);
    } finally {
      connection.close();
    }
  }

  /** Nobody will open it any more; it goes when the last reader is done. */
  drop(): void {
    this.#dropped = true;
    this.#pending = [];
    this.#dropUnused();
  }

  async #flush(): Promise<void> {
    const batches = this.#pending.splice(0);
    if (batches.length === 0 && this.#made) return;
    const connection = await this.#connect();
    try {
      if (!this.#made) {
        const columns = this.#allColumns().map(({ name, type }) => `${name} ${stagingType(type)}`);
        await connection.run(`CREATE TABLE ${this.name} (${columns.join(', ')})`);
        this.#made = true;
      }
      const columns = this.columns.map((_column, index) =>
        batches.flatMap(({ batch }) => batch.columns[index]?.values ?? []),
      );
      const rowCount = batches.reduce((sum, { batch }) => sum + batch.rowCount, 0);
      if (rowCount === 0) return;
      await connection.append(
        this.name,
        [...this.columns.map(({ type }) => type), ingestionColumn.type, 'long'],
        [
          ...columns,
          batches.flatMap(({ batch, at }) =>
            new Array<bigint | null>(batch.rowCount).fill(at === undefined ? null : ticksOfIngestion(ingestionOf(at))),
          ),
          batches.flatMap(({ batch, number }) => new Array<bigint>(batch.rowCount).fill(number)),
        ],
      );
    } finally {
      connection.close();
    }
  }

  #dropUnused(): void {
    if (!this.#dropped || this.#readers > 0 || !this.#made) return;
    this.#made = false;
    void this.#connect()
      .then(async (connection) => {
        await connection.run(`DROP TABLE IF EXISTS ${this.name}`);
        connection.close();
      })
      .catch(() => undefined); // the engine is closing
  }
}

export const columnsOf = (columns: readonly BatchColumn[]): StoredColumn[] =>
  columns.map(({ columnId, type }) => ({ columnId, type }));

export const isSameColumns = (left: readonly StoredColumn[], right: readonly StoredColumn[]): boolean =>
  left.length === right.length && left.every(({ columnId }, index) => columnId === right[index]?.columnId);
