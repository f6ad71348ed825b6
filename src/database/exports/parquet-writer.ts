import { createReadStream } from 'node:fs';
import type { ColumnValues, EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { stagingType } from '../../kql/duckdb/engine-database.ts';
import type { Column } from '../../kql/plan/types.ts';
import { unixEpochTicks } from '../../kql/values/ticks.ts';
import type { ExtentFiles } from '../extents/extent-files.ts';
import type { ExportLayout } from './export-layout.ts';
import type { BlobSequence, FolderWriter } from './folder-writer.ts';

/** A file of Parquet is whole before any of it goes out, so it lies in memory: larger ones are not made. */
export const parquetBytesMax = 256 * 1024 * 1024;

/** Numbers the tables of a connection. */
export type NextTable = () => number;

/** Rows gather in a temporary table of the engine's memory until they fill a blob. */
export function parquetWriter(
  layout: ExportLayout,
  columns: readonly Column[],
  folder: string,
  blobs: BlobSequence,
  { connection, files, nextTable }: ParquetParts,
): FolderWriter {
  const table = `exported_rows_${nextTable()}`;
  const types = columns.map(({ type }) => type);
  const bytesMax = Math.min(layout.sizeLimit, parquetBytesMax);
  let [rowCount, bytes] = [0, 0];

  const drop = async (): Promise<void> => {
    if (rowCount === 0) return;
    [rowCount, bytes] = [0, 0];
    await connection.run(`DROP TABLE ${table}`);
  };
  const finish = async (): Promise<void> => {
    if (rowCount === 0) return;
    const file = await files.create();
    try {
      const select = columns.map((column, index) => `${parquetSql(column, index, layout)} AS ${quotedName(column)}`);
      await connection.run(
        `COPY (SELECT ${select.join(', ')} FROM ${table}) TO '${file.path}' (FORMAT parquet, COMPRESSION ${layout.compression ?? 'uncompressed'}, ROW_GROUP_SIZE ${layout.rowGroupSize}, use_tmp_file false)`,
      );
      const rows = rowCount;
      await drop();
      const blob = await blobs.next(folder, false);
      for await (const piece of createReadStream(file.path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>)
        await blob.stream.write(piece);
      await blob.finish(rows);
    } finally {
      await file.discard();
    }
  };
  return {
    async add(chunk, rows) {
      if (rows.length === 0) return;
      if (rowCount === 0)
        await connection.run(
          `CREATE TEMP TABLE ${table} (${types.map((type, index) => `c${index} ${stagingType(type)}`).join(', ')})`,
        );
      rowCount += rows.length;
      const own = chunk.map((values) =>
        rows.length === values.length ? values : rows.map((at) => values[at] ?? null),
      );
      await connection.append(table, types, own);
      bytes += own.reduce((sum, values) => sum + bytesOf(values), 0);
      if (bytes >= bytesMax) await finish();
    },
    end: finish,
    abandon: drop,
  };
}

export interface ParquetParts {
  readonly connection: EngineConnection;
  readonly files: Pick<ExtentFiles, 'create'>;
  readonly nextTable: NextTable;
}

/** About what values take in memory. */
const bytesOf = (values: ColumnValues): number =>
  values.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length + 8 : 8), 0);

const quotedName = ({ name }: Column): string => `"${name.replaceAll('"', '""')}"`;

/** @see Kusto "Export data to cloud storage", mapping of types to Parquet */
function parquetSql({ type }: Column, index: number, { datetimePrecision }: ExportLayout): string {
  const name = `c${index}`;
  switch (type) {
    case 'string':
      return `coalesce(${name}, '')`;
    case 'decimal':
      return `CAST(${name} AS DECIMAL(38,18))`;
    case 'datetime': {
      const micros = `((${name} - ${unixEpochTicks}::BIGINT) // 10)`;
      if (datetimePrecision === 'microsecond') return `make_timestamp(${micros})`;
      return `CAST(make_timestamp(${micros}) AS TIMESTAMP_MS)`;
    }
    default:
      return name;
  }
}
