import type { ExtentRecord } from '../catalog/records.ts';
import type { TailRows } from '../../kql/query-request.ts';
import type { ColumnValues, EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { stagingType } from '../../kql/duckdb/engine-database.ts';
import type { ExtentFiles } from './extent-files.ts';
import { ingestedInCommit } from '../catalog/records.ts';
import { ticksOfIngestion } from '../catalog/ingestion-order.ts';
import type { StoredColumn } from './tail-table.ts';
import { columnName, ingestionColumn } from './tail-table.ts';

/** Extents of the same columns as a table of the engine's own memory, for files in memory that have no room for all of them at once. */
export interface ExtentPieces {
  /** Stands after FROM; besides the columns of the extents it has `extent_id`, `extent_tags` and `extent_row`. */
  readonly name: string;
  /** For engines that do not see the table. @param columns those of the extents that are wanted */
  tail(columns: readonly StoredColumn[]): TailRows;
  release(): void;
}

/** What pieces have besides the columns of the extents. */
const pieceFacts = [
  { name: 'extent_id', type: 'guid' },
  { name: 'extent_tags', type: 'string' },
  { name: 'extent_row', type: 'long' },
] as const;

let made = 0;

/** Reads extents one after the other: each is a file in memory only until its rows are in the table. What the engine has no memory for fails
 * as for any large query. */
export async function readPieces(
  { files, connect }: { readonly files: ExtentFiles; readonly connect: () => Promise<EngineConnection> },
  columnIds: readonly number[],
  extents: readonly ExtentRecord[],
): Promise<ExtentPieces> {
  made += 1;
  const name = `pieces_${made}`;
  const drop = async (): Promise<void> => {
    const connection = await connect();
    await connection.run(`DROP TABLE IF EXISTS ${name}`).finally(() => connection.close());
  };
  const connection = await connect();
  try {
    for (const [index, extent] of extents.entries()) {
      const file = await files.open(extent.sealed);
      try {
        const select = pieceSelect(columnIds, extent, file.path);
        await connection.run(index === 0 ? `CREATE TABLE ${name} AS ${select}` : `INSERT INTO ${name} ${select}`);
      } finally {
        file.release();
      }
    }
  } catch (error) {
    await drop().catch(() => undefined); // the engine is closing
    throw error;
  } finally {
    connection.close();
  }
  return {
    name,
    tail: (wanted) => {
      const columns = [...wanted.map(({ columnId, type }) => ({ name: columnName(columnId), type })), ...pieceFacts];
      return { table: name, columns, rows: () => stagedRows(connect, name, columns) };
    },
    release: () => void drop().catch(() => undefined),
  };
}

async function* stagedRows(
  connect: () => Promise<EngineConnection>,
  table: string,
  columns: TailRows['columns'],
): AsyncGenerator<ColumnValues[]> {
  const connection = await connect();
  try {
    const selected = columns.map(({ name, type }) => `CAST(${name} AS ${stagingType(type)})`);
    yield* connection.stream(`SELECT ${selected.join(', ')} FROM ${table}`, []);
  } finally {
    connection.close();
  }
}

function pieceSelect(columnIds: readonly number[], extent: ExtentRecord, path: string): string {
  const columns = columnIds.map(columnName).join(', ');
  return `SELECT ${columns}, ${extentFacts(extent)}, ${extentRow} FROM ${parquetOf([{ path, extent }], true)}`;
}

/** The place of a row in its extent, from 0: what `parquetOf` gives where rows are numbered. */
export const extentRow = 'file_row_number AS extent_row';

/** An extent as a file to read. */
interface ExtentFile {
  readonly path: string;
  readonly extent: ExtentRecord | undefined;
}

/** Extents of the same columns, to stand after FROM. When rows were ingested is told by the commit that added them, for all rows of an extent;
 * after a merge each row has it itself.
 * @param isTimed whether it is asked for: it costs a name of a file for each row, and more to plan than few rows cost to read */
export function parquetOf(files: readonly ExtentFile[], isNumbered = false, isTimed = true): string {
  const numbered = isNumbered ? ', file_row_number = true' : '';
  const read = (more = ''): string =>
    `read_parquet([${files.map(({ path }) => `'${path}'`).join(', ')}], hive_partitioning = false, union_by_name = false${numbered}${more})`;
  if (!isTimed) return read();
  const [only] = files;
  if (files.length === 1) return timedRows(read(), only?.extent);
  const told = files.flatMap(({ path, extent }) => {
    const ticks = toldTicks(extent);
    return ticks === undefined ? [] : [{ path, ticks }];
  });
  if (told.length === 0) return read();
  const column = columnName(ingestionColumn.columnId);
  const cases = told.map(({ path, ticks }) => `WHEN '${path}' THEN ${ticks}`).join(' ');
  const time = `CASE filename ${cases} ELSE ${column} END`;
  return `(SELECT * REPLACE (${time} AS ${column}) FROM ${read(', filename = true')})`;
}

/** The rows of one extent, with the time that its record says they were ingested at, if it does. */
export function timedRows(from: string, extent: ExtentRecord | undefined): string {
  const ticks = toldTicks(extent);
  return ticks === undefined
    ? from
    : `(SELECT * REPLACE (${ticks} AS ${columnName(ingestionColumn.columnId)}) FROM ${from})`;
}

function toldTicks(extent: ExtentRecord | undefined): string | undefined {
  const at = extent?.ingestedAt;
  return at === undefined || at === ingestedInCommit ? undefined : `${ticksOfIngestion(at)}::BIGINT`;
}

/** @param extent undefined for rows that are in none yet */
export function extentFacts(extent?: ExtentRecord): string {
  // Tags are users' text: in digits they cannot be anything but a value.
  const tags = extent && Buffer.from(JSON.stringify(extent.tags)).toString('hex');
  const tagsSql = tags === undefined ? 'NULL::VARCHAR' : `decode(unhex('${tags}'))`;
  return `'${extent?.extentId ?? '00000000-0000-0000-0000-000000000000'}'::UUID AS extent_id, ${tagsSql} AS extent_tags`;
}
