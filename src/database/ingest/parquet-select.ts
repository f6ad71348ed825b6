import { open, writeFile } from 'node:fs/promises';
import { dataError } from '../catalog/data-error.ts';
import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { collect } from '../extents/collect.ts';
import { columnName } from '../extents/tail-table.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { physicalType } from '../../kql/plan/types.ts';
import { valueOfText } from './convert-value.ts';
import { notParquet, requireSoundFooter } from './parquet-footer.ts';
import { tooManyRecords } from './read-batch.ts';
import { unixUnits } from './unix-units.ts';
import type { MappedColumn } from './ingestion-mapping.ts';
import { pathOf } from './ingestion-mapping.ts';
import type { JsonPath } from './json-path.ts';
import { insideOf } from './json-path.ts';
import type { ParquetValue } from './parquet-convert.ts';
import { convertSql, dictionarySql, isConvertible, quoted, unixSql } from './parquet-convert.ts';
import type { ReadColumn, ReadOptions } from './value-reader.ts';
import type { ParquetType } from './parquet-type.ts';
import { kindOf, parseParquetType } from './parquet-type.ts';

/** Rows of one extent, or of what is read in one piece. */
export const parquetRowsMax = 4_000_000;

type ParquetOptions = Pick<ReadOptions, 'columns' | 'mapping' | 'location'> & {
  /** Fields that their columns cannot take are null. Absent: they are an error. */
  readonly unlikeIsNull?: boolean | undefined;
};

/** Puts Parquet into a file in memory and says how to read it as rows of a table. @throws as `parquetFileRows` */
export async function parquetSelect(
  connection: EngineConnection,
  path: string,
  body: Uint8Array,
  columns: readonly ReadColumn[],
  mapping: readonly MappedColumn[] | undefined,
): Promise<string> {
  await writeParquet(path, body);
  return parquetFileRows(connection, path, { columns, mapping });
}

/** Parquet in a file that the engine may look at. @param path of a file in memory @throws as `requireSoundFooter` */
export async function writeParquet(path: string, bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(path, 'w+');
  try {
    await writeFile(handle, bytes);
    await requireSoundFooter(handle);
  } finally {
    await handle.close();
  }
}

/** Says how to read Parquet in a file in memory as rows of a table, which `writeParquet` has written.
 * @throws DataError `MalformedData` when it is not Parquet, `InconsistentMapping` for a field that its column cannot take,
 * `InvalidMapping` for what is not supported here, `PayloadTooLarge` */
export async function parquetFileRows(
  connection: EngineConnection,
  path: string,
  options: ParquetOptions,
): Promise<string> {
  const { rowCount, select } = await parquetFile(connection, path, options);
  if (rowCount > parquetRowsMax) throw tooManyRecords(parquetRowsMax);
  return select();
}

/** Rows from the one up to before the other, counted from 0. Absent: all of them. */
type RowRange = readonly [from: number, to: number];

/** As `parquetFileRows`, of however many rows: whoever reads them says how many at a time. */
export async function parquetFile(
  connection: EngineConnection,
  path: string,
  { columns, mapping, location, unlikeIsNull }: ParquetOptions,
): Promise<{ readonly rowCount: number; readonly select: (range?: RowRange) => string }> {
  const all = await parquetColumns(connection, path);
  const fields = unlikeIsNull === true ? likeFields(all, columns) : all;
  const [counted] = await collect(connection, `SELECT num_rows FROM parquet_file_metadata('${path}')`);
  const rowCount = Number(counted?.[0] ?? 0);
  const asksForJson = rowCount >= repeatingRowsMin && columns.some(({ type }) => type === 'dynamic');
  const repeating = asksForJson ? await repeatingColumns(connection, path) : nowhere;
  return {
    rowCount,
    select: (range) => parquetFileSelect(path, fields, columns, mapping, { location, repeating, range }),
  };
}

const nowhere: ReadonlySet<string> = new Set();
/** What few rows cost is not worth the question. */
const repeatingRowsMin = 10_000;

/** Columns with a dictionary of their values, and with fewer bytes for each than any JSON worth the name has. What cannot be told here is only
 * read more slowly. */
async function repeatingColumns(connection: EngineConnection, path: string): Promise<ReadonlySet<string>> {
  const rows = await collect(
    connection,
    `SELECT path_in_schema FROM parquet_metadata('${path}') GROUP BY path_in_schema
     HAVING bool_or(contains(encodings, 'DICTIONARY')) AND sum(total_uncompressed_size) < 8 * sum(num_values)`,
  ).catch(() => []);
  return new Set(rows.map(([name]) => String(name)));
}

function likeFields(fields: ReadonlyMap<string, string>, columns: readonly ReadColumn[]): ReadonlyMap<string, string> {
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  return new Map(
    [...fields].filter(([name, text]) => {
      const [kind, type] = [kindOf(parseParquetType(text)), types.get(name)];
      return type === undefined || (kind !== undefined && isConvertible(kind, type));
    }),
  );
}

/** Texts of old writers carry no mark that they are text. */
const readParquet = (path: string, isNumbered = false): string =>
  `read_parquet('${path}', binary_as_string = true${isNumbered ? ', file_row_number = true' : ''})`;

/** @returns DuckDB types by name @throws DataError `MalformedData` */
export async function parquetColumns(connection: EngineConnection, path: string): Promise<ReadonlyMap<string, string>> {
  try {
    const rows = await collect(
      connection,
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${readParquet(path)})`,
    );
    return new Map(rows.map(([name, type]) => [String(name), String(type)]));
  } catch {
    throw notParquet();
  }
}

/** What was wrong, when rows could not be read: the file, if reading all of it fails on its own.
 * @returns the error to throw */
export async function parquetFailure(connection: EngineConnection, path: string, error: unknown): Promise<unknown> {
  if (!(error instanceof KqlError) || (error.code !== 'internal' && error.code !== 'runtime')) return error;
  if (error.cause instanceof Error && bytesForText.test(error.cause.message))
    return dataError('FormatNotSupported', 'parquet with bytes that are no UTF-8 text in a column that is read');
  try {
    await collect(connection, `SELECT count(COLUMNS(*)) FROM ${readParquet(path)}`);
    return error;
  } catch {
    return notParquet();
  }
}

/** How DuckDB says that bytes without a mark, which are read as text, are none. The rest of it quotes them. */
const bytesForText = /^Invalid Input Error: Invalid string encoding found in Parquet file/;

/** @param options `asExtent`: columns may also have the names and the physical form of an extent; `repeating`: names of fields whose values
 * repeat */
export function parquetFileSelect(
  path: string,
  fields: ReadonlyMap<string, string>,
  columns: readonly ReadColumn[],
  mapping: readonly MappedColumn[] | undefined,
  {
    asExtent = false,
    location = '',
    repeating = nowhere,
    range,
  }: {
    readonly asExtent?: boolean;
    readonly location?: string | undefined;
    readonly repeating?: ReadonlySet<string>;
    readonly range?: RowRange | undefined;
  },
): string {
  const own =
    asExtent &&
    columns.every((column) => fields.has(columnName(column.columnId))) &&
    !columns.some(({ name }) => fields.has(name));
  const record: ParquetType = {
    kind: 'struct',
    fields: new Map([...fields].map(([name, text]) => [name, typeOf(text, repeating.has(name))])),
  };
  const outputs = columns.map((column) => {
    const name = columnName(column.columnId);
    if (!own) return `${sourceSql(column, record, mapping, location)} AS ${name}`;
    return `${column.type === 'string' ? `coalesce(CAST(${name} AS VARCHAR), '')` : `TRY_CAST(${name} AS ${physicalType[column.type]})`} AS ${name}`;
  });
  const isNumbered = range !== undefined || mapping?.some(({ source }) => source.kind === 'sourceLineNumber') === true;
  const part = range === undefined ? '' : ` WHERE file_row_number >= ${range[0]} AND file_row_number < ${range[1]}`;
  return `SELECT ${outputs.join(', ')} FROM ${own ? `read_parquet('${path}')` : `${readParquet(path, isNumbered)} AS record${part}`}`;
}

function typeOf(text: string, repeats: boolean): ParquetType {
  const type = parseParquetType(text);
  return repeats && type.kind === 'scalar' ? { ...type, repeats } : type;
}

export const nothing = (type: KqlType): string => (type === 'string' ? "''" : `NULL::${physicalType[type]}`);

function sourceSql(
  column: ReadColumn,
  record: ParquetType,
  mapping: readonly MappedColumn[] | undefined,
  location: string,
): string {
  const { name, type } = column;
  if (mapping === undefined) return fieldSql(column, name, valueAt(record, [name]));
  const mapped = mapping.find((one) => one.column === name);
  if (mapped === undefined) return nothing(type);
  const { source, transform } = mapped;
  const refused = (what: string): Error =>
    dataError('InvalidMapping', `The column '${name}' uses ${what}, which is not supported for parquet here.`);
  if (source.kind === 'constant') return constantSql(type, source.text);
  if (source.kind === 'sourceLocation') return constantSql(type, location);
  if (source.kind === 'sourceLineNumber') return convertSql(lineNumber, type);
  const path = pathOf(source);
  if (path === undefined) throw refused(`'${source.kind}'`);
  const found = valueAt(record, path);
  if (transform === undefined) return fieldSql(column, pathText(path), found);
  if (transform === 'DropMappedFields') {
    const others = mapping.flatMap((one) => (one === mapped ? [] : [pathOf(one.source) ?? []]));
    return fieldSql(column, pathText(path), found && withoutFields(found, insideOf(path, others)));
  }
  if (transform === 'PropertyBagArrayToDictionary') {
    const kind = found && kindOf(found.type);
    if (kind === 'JSON' || kind === 'STRING') throw refused(`the transformation '${transform}' of text`);
    return fieldSql(column, pathText(path), found && dictionarySql(found));
  }
  if (!Object.hasOwn(unixUnits, transform)) throw refused(`the transformation '${transform}'`);
  if (found === undefined) return nothing(type);
  const kind = kindOf(found.type);
  if (type !== 'datetime' || (kind !== 'INT' && kind !== 'UINT64' && kind !== 'FLOAT'))
    return fieldSql(column, pathText(path), found);
  const [unitTicks, unitsPerTick] = unixUnits[transform as keyof typeof unixUnits];
  return unixSql(found.sql, unitTicks, unitsPerTick);
}

/** Records are numbered from 1, as lines are. */
const lineNumber: ParquetValue = { sql: '(file_row_number + 1)', type: { kind: 'scalar', name: 'BIGINT' } };

/** The value without the members that paths lead to. What has no members stays as it is. */
function withoutFields({ sql, type }: ParquetValue, paths: readonly JsonPath[]): ParquetValue {
  const without = (from: ParquetType, inside: readonly JsonPath[]): ParquetType => {
    if (from.kind !== 'struct' || inside.length === 0) return from;
    const fields = [...from.fields].flatMap(([name, inner]): [string, ParquetType][] => {
      const deeper = inside.filter(([first]) => first === name).map((path) => path.slice(1));
      return deeper.some((path) => path.length === 0) ? [] : [[name, without(inner, deeper)]];
    });
    return { kind: 'struct', fields: new Map(fields), isPartial: true };
  };
  return { sql, type: without(type, paths) };
}

/** @throws DataError `InconsistentMapping` */
function fieldSql({ name, type }: ReadColumn, field: string, found: ParquetValue | undefined): string {
  if (found === undefined) return nothing(type);
  const kind = kindOf(found.type);
  if (kind !== undefined && isConvertible(kind, type)) return convertSql(found, type);
  const shown = kind ?? (found.type.kind === 'scalar' ? found.type.name : found.type.kind);
  throw dataError(
    'InconsistentMapping',
    `The field '${field.slice(0, 200)}' is of the Parquet type ${shown}, which cannot be converted to the type ${type} of the column '${name}'.`,
  );
}

const pathText = (path: JsonPath): string => (path.length === 0 ? '$' : path.join('.'));

/** Down from the record, by names of members and keys and by positions in lists. @returns undefined when there is no such place */
function valueAt(record: ParquetType, path: JsonPath): ParquetValue | undefined {
  let value: ParquetValue = { sql: 'record', type: record };
  for (const step of path) {
    const { sql, type } = value;
    if (type.kind === 'struct' && typeof step === 'string') {
      const inner = type.fields.get(step);
      if (inner === undefined) return undefined;
      value = {
        sql: type === record ? `"${step.replaceAll('"', '""')}"` : `struct_extract(${sql}, ${quoted(step)})`,
        type: inner,
      };
    } else if (type.kind === 'list' && typeof step === 'number')
      value = { sql: `list_extract(${sql}, ${step + 1})`, type: type.item };
    else if (type.kind === 'map' && typeof step === 'string')
      value = { sql: `map_extract_value(${sql}, ${quoted(step)})`, type: type.value };
    else if (type.kind === 'scalar' && type.name === 'JSON')
      value = { sql: `json_extract(${sql}, ${quoted(jsonStep(step))})`, type };
    else return undefined;
  }
  return value;
}

const jsonStep = (step: string | number): string =>
  typeof step === 'number' ? `$[${step}]` : `$."${step.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

export function constantSql(type: KqlType, text: string): string {
  const value = valueOfText(type, text);
  if (value === null) return nothing(type);
  if (typeof value === 'number' && (!Number.isFinite(value) || value === 0)) {
    const shown = Object.is(value, -0) ? '-0' : String(value);
    return `CAST('${shown}' AS ${physicalType[type]})`;
  }
  return type === 'string' || type === 'dynamic'
    ? quoted(String(value))
    : `CAST('${String(value)}' AS ${physicalType[type]})`;
}
