import type { ColumnRange, ExtentRecord } from '../catalog/records.ts';
import type { StatementConnection } from '../../kql/duckdb/engine-database.ts';
import { rangedTypes } from '../../kql/condition-bounds.ts';
import { orderingOf } from '../../kql/values/ordering.ts';
import { collect } from './collect.ts';
import type { StoredColumn } from './tail-table.ts';
import { columnName, ingestionColumn } from './tail-table.ts';

/** What the file says of one column in one of its groups of rows. */
interface Group {
  /** As texts; null where there is none, cut where they are long. */
  readonly min: string | null;
  readonly max: string | null;
  readonly isExact: boolean;
  readonly nullCount: number | undefined;
  readonly rowCount: number;
}

type FileStatistics = { readonly rowCount: number } & Required<Pick<ExtentRecord, 'ranges' | 'texts' | 'nulls'>>;

/** From what DuckDB has just written, read once; a column with a row group that lacks statistics has none. */
export async function fileStatistics(
  connection: StatementConnection,
  path: string,
  columns: readonly StoredColumn[],
): Promise<FileStatistics> {
  const told = columns.filter(
    ({ type }) => rangedTypes.has(type) || type === 'string' || orderingOf(type) !== undefined,
  );
  const groups = await groupsOf(connection, path, told);
  const [ranges, texts, nulls]: [Record<string, ColumnRange>, Record<string, ColumnRange>, Record<string, number>] = [
    {},
    {},
    {},
  ];
  for (const { columnId, type } of told) {
    const own = groups.get(columnName(columnId)) ?? [];
    if (type === 'string') {
      const range = textRange(own);
      if (range !== undefined) texts[columnId] = range;
      continue;
    }
    const found = orderedRange(own, rangedTypes.has(type) ? wholeNumber : orderingOf(type));
    if (found === undefined) continue;
    nulls[columnId] = found.nulls;
    if (found.range !== undefined) ranges[columnId] = found.range;
  }
  // Every row has a time of ingestion.
  const timed = groups.get(columnName(ingestionColumn.columnId)) ?? [];
  return { rowCount: timed.reduce((sum, { rowCount }) => sum + rowCount, 0), ranges, texts, nulls };
}

async function groupsOf(
  connection: StatementConnection,
  path: string,
  columns: readonly StoredColumn[],
): Promise<ReadonlyMap<string, readonly Group[]>> {
  const names = columns.map(({ columnId }) => `'${columnName(columnId)}'`);
  const rows = await collect(
    connection,
    `SELECT path_in_schema, left(stats_min_value, ${textMax + 1}), left(stats_max_value, ${textMax + 1}),
       coalesce(min_is_exact AND max_is_exact, false), stats_null_count, row_group_num_rows
     FROM parquet_metadata('${path}') WHERE path_in_schema IN (${names.join(', ')})`,
  );
  const groups = new Map<string, Group[]>();
  for (const [name, min, max, isExact, nullCount, rowCount] of rows) {
    const own = groups.get(String(name)) ?? [];
    groups.set(String(name), own);
    own.push({
      min: typeof min === 'string' ? min : null,
      max: typeof max === 'string' ? max : null,
      isExact: isExact === true,
      nullCount: nullCount === null || nullCount === undefined ? undefined : Number(nullCount),
      rowCount: Number(rowCount),
    });
  }
  return groups;
}

/** DuckDB tells nothing of a group of rows with a NaN in it.
 * @returns undefined when a group with values does not tell their bounds; without a range when no row has a value */
function orderedRange(
  groups: readonly Group[],
  orderOf: ReturnType<typeof orderingOf>,
): { readonly nulls: number; readonly range?: ColumnRange } | undefined {
  let [nulls, least, greatest]: [number, bigint | undefined, bigint | undefined] = [0, undefined, undefined];
  for (const { min, max, isExact, nullCount, rowCount } of groups) {
    if (nullCount === undefined) return undefined;
    nulls += nullCount;
    if (nullCount === rowCount) continue;
    const [low, high] = isExact ? [orderOf?.(String(min)), orderOf?.(String(max))] : [];
    if (low === undefined || high === undefined) return undefined;
    if (least === undefined || low < least) least = low;
    if (greatest === undefined || high > greatest) greatest = high;
  }
  if (groups.length === 0) return undefined;
  return least === undefined || greatest === undefined
    ? { nulls }
    : { nulls, range: [String(least), String(greatest)] };
}

const wholeNumber = (text: string): bigint | undefined => (/^-?\d{1,20}$/.test(text) ? BigInt(text) : undefined);

/** Only of texts that DuckDB tells as they are, and that catalogs have room for: those are in the order of their characters. */
function textRange(groups: readonly Group[]): ColumnRange | undefined {
  const isPlain = (text: string | null): text is string => text !== null && plainText.test(text);
  let range: ColumnRange | undefined;
  for (const { min, max, isExact } of groups) {
    if (!isExact || !isPlain(min) || !isPlain(max)) return undefined;
    const [least, greatest] = range ?? [min, max];
    range = [min < least ? min : least, max > greatest ? max : greatest];
  }
  return range;
}

const textMax = 40;
const plainText = new RegExp(`^[ -Z^-~]{0,${textMax}}$`);
