import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { stagingType } from '../../kql/duckdb/engine-database.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { OpenTable } from '../../kql/query-request.ts';
import { collect } from '../extents/collect.ts';
import type { ExtentFiles } from '../extents/extent-files.ts';
import { stagedSelect } from '../extents/staging.ts';
import { columnName } from '../extents/tail-table.ts';
import { dataError } from '../catalog/data-error.ts';
import type { StageOptions } from './source-stage.ts';
import { readStaged, stageSources } from './source-stage.ts';
import type { ReadColumn } from './value-reader.ts';

export interface ExternalTableParts {
  readonly connect: () => Promise<EngineConnection>;
  readonly files: Pick<ExtentFiles, 'create'>;
}

/** Columns after so many others. */
export const numbered = (columns: readonly Column[], before = 0): readonly ReadColumn[] =>
  columns.map((column, index) => ({ ...column, columnId: before + index + 1 }));

/** More rows belong into a table. */
const rowsMax = 10_000_000;

let tables = 0;

/** Rows from outside of the cluster, in a table of the engine's memory that is there until the query is over. */
export class ExternalRows {
  readonly #parts: ExternalTableParts;
  readonly #columns: readonly ReadColumn[];
  readonly #name = `external_rows_${(tables += 1)}`;
  #rowCount = 0;
  #isReleased = false;

  private constructor(parts: ExternalTableParts, columns: readonly ReadColumn[]) {
    this.#parts = parts;
    this.#columns = columns;
  }

  static async create(parts: ExternalTableParts, columns: readonly ReadColumn[]): Promise<ExternalRows> {
    const rows = new ExternalRows(parts, columns);
    const definitions = columns.map(({ columnId, type }) => `${columnName(columnId)} ${stagingType(type)}`);
    await rows.#with((connection) => connection.run(`CREATE TABLE ${rows.#name} (${definitions.join(', ')})`));
    return rows;
  }

  /** @param fill whatever it throws, nothing is left */
  static async filled(
    parts: ExternalTableParts,
    columns: readonly ReadColumn[],
    fill: (rows: ExternalRows) => Promise<void>,
  ): Promise<OpenTable> {
    const rows = await ExternalRows.create(parts, columns);
    try {
      await fill(rows);
    } catch (error) {
      await rows.drop();
      throw error;
    }
    return rows.opened();
  }

  /** Reads sources to their end.
   * @param constants of columns that come after those that are read, as SQL
   * @throws DataError, KqlError */
  async add(how: Omit<StageOptions, 'rowsMax'>, constants: readonly string[] = []): Promise<void> {
    await this.#with(async (connection) => {
      const left = rowsMax - this.#rowCount;
      const staged = await stageSources(connection, this.#parts.files, { ...how, rowsMax: left });
      try {
        const select = ['*', ...constants].join(', ');
        await readStaged(staged, (sql) => connection.run(`INSERT INTO ${this.#name} SELECT ${select} FROM (${sql})`));
      } finally {
        await staged.discard();
      }
      const [[count] = []] = await collect(connection, `SELECT count(*) FROM ${this.#name}`);
      this.#rowCount = Number(count ?? 0);
      if (this.#rowCount > rowsMax) throw dataError('PayloadTooLarge', `There are more than ${rowsMax} records.`);
    });
  }

  /** The engine may be closing: then it goes with it. */
  async drop(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    await this.#with((connection) => connection.run(`DROP TABLE IF EXISTS ${this.#name}`)).catch(() => undefined);
  }

  opened(): OpenTable {
    const columns = this.#columns;
    const connect = this.#parts.connect;
    const name = this.#name;
    const opened: OpenTable = {
      sql: `(${stagedSelect(columns, name)}) AS external_rows`,
      columns: new Map(columns.map((column) => [column.name, columnName(column.columnId)])),
      tails: [
        {
          table: name,
          columns: columns.map(({ columnId, type }) => ({ name: columnName(columnId), type })),
          rows: async function* () {
            const reading = await connect();
            try {
              yield* reading.stream(`SELECT * FROM ${name}`, []);
            } finally {
              reading.close();
            }
          },
        },
      ],
      release: () => void this.drop(),
    };
    return opened;
  }

  /** What is temporary goes with the connection. */
  async #with<T>(work: (connection: EngineConnection) => Promise<T>): Promise<T> {
    const connection = await this.#parts.connect();
    try {
      return await work(connection);
    } finally {
      connection.close();
    }
  }
}
