import { writeFile } from 'node:fs/promises';
import type { ColumnView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { EngineConnection } from '../duckdb/engine-database.ts';
import { collect } from '../extents/extent-writer.ts';
import { columnName } from '../extents/tail-table.ts';
import type { KqlType } from '../kql/types.ts';
import { physicalType } from '../kql/types.ts';
import type { MappedColumn } from './ingestion-mapping.ts';

/** Puts Parquet into a file in memory and says how to read it as rows of a table. Fields are found by name, exactly.
 * @throws DataError `MalformedData` when it is not Parquet, `InvalidMapping` for what is not supported here */
export async function parquetSelect(
  connection: EngineConnection,
  path: string,
  body: Uint8Array,
  columns: readonly ColumnView[],
  mapping: readonly MappedColumn[] | undefined,
): Promise<string> {
  await writeFile(path, body);
  return parquetFileSelect(path, await parquetColumns(connection, path), columns, mapping);
}

/** @returns DuckDB types by name @throws DataError `MalformedData` */
export async function parquetColumns(connection: EngineConnection, path: string): Promise<ReadonlyMap<string, string>> {
  try {
    const rows = await collect(
      connection,
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet('${path}'))`,
    );
    return new Map(rows.map(([name, type]) => [String(name), String(type)]));
  } catch {
    throw dataError('MalformedData', 'The data is not valid Parquet.');
  }
}

/** @param asExtent columns may also have the names and the physical form of an extent */
export function parquetFileSelect(
  path: string,
  fields: ReadonlyMap<string, string>,
  columns: readonly ColumnView[],
  mapping: readonly MappedColumn[] | undefined,
  asExtent = false,
): string {
  const own =
    asExtent &&
    columns.every((column) => fields.has(columnName(column.columnId))) &&
    !columns.some(({ name }) => fields.has(name));
  const outputs = columns.map((column) => {
    const name = columnName(column.columnId);
    if (!own) return `${sourceSql(column, fields, mapping)} AS ${name}`;
    return `${column.type === 'string' ? `coalesce(CAST(${name} AS VARCHAR), '')` : `TRY_CAST(${name} AS ${physicalType[column.type]})`} AS ${name}`;
  });
  return `SELECT ${outputs.join(', ')} FROM read_parquet('${path}')`;
}

function sourceSql(
  { name, type }: ColumnView,
  fields: ReadonlyMap<string, string>,
  mapping: readonly MappedColumn[] | undefined,
): string {
  const mapped = mapping?.find(({ column }) => column === name);
  const field = mapped === undefined ? (mapping === undefined ? name : undefined) : fieldOf(mapped);
  const source = field === undefined ? undefined : fields.get(field);
  if (field === undefined || source === undefined) return type === 'string' ? "''" : `NULL::${physicalType[type]}`;
  return convertSql(`"${field.replaceAll('"', '""')}"`, source, type);
}

function fieldOf({ column, source, transform }: MappedColumn): string {
  const refused = (what: string): Error =>
    dataError('InvalidMapping', `The column '${column}' uses ${what}, which is not supported for parquet here.`);
  if (transform !== undefined) throw refused(`the transformation '${transform}'`);
  if (source.kind === 'field') return source.name;
  const [first] = source.kind === 'path' ? source.path : [];
  if (source.kind !== 'path' || source.path.length !== 1 || typeof first !== 'string')
    throw refused(source.kind === 'path' ? 'a path of several steps' : `'${source.kind}'`);
  return first;
}

/** From a DuckDB type to the physical form of a KQL type; what has no reading as that type is null. */
function convertSql(sql: string, source: string, type: KqlType): string {
  const isText = source === 'VARCHAR';
  if (/^TIMESTAMP|^DATE$/.test(source))
    return fromTime(
      source === 'TIMESTAMP_NS' ? `epoch_ns(${sql}) // 100` : `epoch_us(CAST(${sql} AS TIMESTAMP)) * 10`,
      type,
    );
  switch (type) {
    case 'string':
      return /^(STRUCT|MAP)|\[\]$/.test(source)
        ? `coalesce(CAST(to_json(${sql}) AS VARCHAR), '')`
        : `coalesce(CAST(${sql} AS VARCHAR), '')`;
    case 'dynamic':
      return isText
        ? `CASE WHEN json_valid(${sql}) THEN nullif(CAST(json(${sql}) AS VARCHAR), 'null') ELSE CAST(to_json(${sql}) AS VARCHAR) END`
        : `CAST(to_json(${sql}) AS VARCHAR)`;
    case 'datetime':
      return isText ? `kql_datetime_of_text(${sql})` : `NULL::BIGINT`;
    case 'timespan':
      return isText
        ? `kql_timespan_of_text(${sql})`
        : /^TIME/.test(source)
          ? `(date_diff('microsecond', TIME '00:00:00', CAST(${sql} AS TIME)) * 10)`
          : `NULL::BIGINT`;
    case 'guid':
      return `TRY_CAST(${sql} AS UUID)`;
    case 'bool':
      return isText ? `kql_bool_of_text(${sql})` : `TRY_CAST(${sql} AS BOOLEAN)`;
    case 'int':
    case 'long':
      return `TRY_CAST(${/^(DOUBLE|FLOAT|DECIMAL)/.test(source) ? `trunc(${sql})` : sql} AS ${physicalType[type]})`;
    case 'real':
    case 'decimal':
      return `TRY_CAST(${sql} AS ${physicalType[type]})`;
  }
}

/** @param sinceEpoch ticks since 1970 */
function fromTime(sinceEpoch: string, type: KqlType): string {
  const ticks = `CAST(${sinceEpoch} + 621355968000000000 AS BIGINT)`;
  if (type === 'datetime') return ticks;
  return type === 'string' ? `kql_text_of_datetime(${ticks})` : `NULL::${physicalType[type]}`;
}
