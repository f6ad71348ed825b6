import type { ColumnRange, ExtentRecord } from '../catalog/records.ts';
import type { StatementConnection } from '../../kql/duckdb/engine-database.ts';
import { rangedTypes } from '../../kql/condition-bounds.ts';
import { orderingOf } from '../../kql/values/ordering.ts';
import { collect } from './collect.ts';
import type { StoredColumn } from './tail-table.ts';
import { columnName } from './tail-table.ts';

/** From what DuckDB has just written; a column with a row group that lacks statistics has none. */
export async function fileStatistics(
  connection: StatementConnection,
  path: string,
  columns: readonly StoredColumn[],
): Promise<{ readonly rowCount: number } & Required<Pick<ExtentRecord, 'ranges' | 'texts' | 'nulls'>>> {
  // One of them is always the time of ingestion.
  const told = columns.filter(({ type }) => rangedTypes.has(type) || type === 'string');
  const texts = new Set(told.filter(({ type }) => type === 'string').map(({ columnId }) => columnName(columnId)));
  const names = told.map(({ columnId }) => `'${columnName(columnId)}'`);
  const rows = await collect(
    connection,
    `SELECT path_in_schema, CAST(min(TRY_CAST(stats_min_value AS BIGINT)) AS VARCHAR), CAST(max(TRY_CAST(stats_max_value AS BIGINT)) AS VARCHAR),
       CAST(sum(stats_null_count) AS BIGINT), CAST(sum(row_group_num_rows) AS BIGINT),
       bool_and(stats_null_count IS NOT NULL AND (stats_null_count = row_group_num_rows OR TRY_CAST(stats_min_value AS BIGINT) IS NOT NULL AND TRY_CAST(stats_max_value AS BIGINT) IS NOT NULL)),
       CAST(min(stats_min_value) AS VARCHAR), CAST(max(stats_max_value) AS VARCHAR),
       bool_and(coalesce(min_is_exact AND max_is_exact AND regexp_full_match(stats_min_value, '${plainText}') AND regexp_full_match(stats_max_value, '${plainText}'), false))
     FROM parquet_metadata('${path}') WHERE path_in_schema IN (${names.join(', ')}) GROUP BY path_in_schema`,
  );
  const isText = (name: unknown): boolean => texts.has(String(name));
  const idOf = (name: unknown): string => String(name).slice(1);
  const numbers = rows.filter(([name, , , , , isTold]) => isTold === true && !isText(name));
  const rangesOf = (some: typeof rows, at: number): Record<string, ColumnRange> =>
    Object.fromEntries(
      some.flatMap((row): [string, ColumnRange][] => {
        const [min, max] = [row[at], row[at + 1]];
        return typeof min === 'string' && typeof max === 'string' ? [[idOf(row[0]), [min, max]]] : [];
      }),
    );
  const ordered = await orderedStatistics(connection, path, columns);
  return {
    rowCount: Number(rows[0]?.[4] ?? 0),
    ranges: { ...rangesOf(numbers, 1), ...ordered.ranges },
    texts: rangesOf(
      rows.filter((row) => isText(row[0]) && row[8] === true),
      6,
    ),
    nulls: {
      ...Object.fromEntries(numbers.map((row): [string, number] => [idOf(row[0]), Number(row[3])])),
      ...ordered.nulls,
    },
  };
}

/** Of columns that are no whole numbers: by their order. DuckDB tells nothing of a group of rows with a NaN in it. */
async function orderedStatistics(
  connection: StatementConnection,
  path: string,
  columns: readonly StoredColumn[],
): Promise<Pick<Required<ExtentRecord>, 'ranges' | 'nulls'>> {
  const [ranges, nulls]: [Record<string, ColumnRange>, Record<string, number>] = [{}, {}];
  const told = columns.filter(({ type }) => orderingOf(type) !== undefined);
  if (told.length === 0) return { ranges, nulls };
  const groups = await collect(
    connection,
    `SELECT path_in_schema, stats_min_value, stats_max_value, coalesce(min_is_exact AND max_is_exact, false), stats_null_count::DOUBLE, row_group_num_rows::DOUBLE
     FROM parquet_metadata('${path}') WHERE path_in_schema IN (${told.map(({ columnId }) => `'${columnName(columnId)}'`).join(', ')})`,
  );
  for (const { columnId, type } of told) {
    const own = groups.filter(([name]) => name === columnName(columnId));
    const orders = own.flatMap(([, min, max, isExact, nullCount, rowCount]) => {
      if (nullCount !== null && nullCount === rowCount) return [];
      const order = orderingOf(type);
      return isExact === true ? [order?.(String(min)), order?.(String(max))] : [undefined];
    });
    const known = orders.filter((order) => order !== undefined);
    if (known.length < orders.length || own.some(([, , , , nullCount]) => nullCount === null)) continue;
    nulls[columnId] = own.reduce((sum, [, , , , nullCount]) => sum + Number(nullCount), 0);
    const [first, ...others] = known;
    if (first === undefined) continue;
    const [least, greatest] = others.reduce(
      ([min, max], order) => [order < min ? order : min, order > max ? order : max],
      [first, first],
    );
    ranges[columnId] = [String(least), String(greatest)];
  }
  return { ranges, nulls };
}

/** Texts that DuckDB tells as they are, and that catalogs have room for. */
const plainText = '[ -Z^-~]{0,40}';
