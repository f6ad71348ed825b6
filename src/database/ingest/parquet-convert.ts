import { invariant } from '../../base/invariant.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { wideDecimal } from './convert-value.ts';
import { physicalType } from '../../kql/plan/types.ts';
import type { ParquetKind, ParquetType } from './parquet-type.ts';
import { kindOf } from './parquet-type.ts';

/** A place in a Parquet record. */
export interface ParquetValue {
  readonly sql: string;
  readonly type: ParquetType;
}

const numbers = ['bool', 'int', 'long', 'real', 'decimal', 'string'] as const;

/** What can be ingested into what. The service's own table has no line for TIME.
 * @see https://learn.microsoft.com/kusto/management/parquet-mapping#parquet-type-conversions */
const conversions: Readonly<Record<ParquetKind, readonly KqlType[]>> = {
  INT: numbers,
  UINT64: ['bool', 'int', 'long', 'decimal', 'string'],
  FLOAT: numbers,
  BOOLEAN: ['bool', 'decimal', 'string'],
  DECIMAL: numbers,
  'DECIMAL (FLBA)': ['long', 'real', 'decimal', 'string'],
  TIMESTAMP: ['datetime', 'string'],
  DATE: ['datetime', 'string'],
  TIME: ['timespan', 'string'],
  STRING: ['int', 'long', 'real', 'decimal', 'string', 'dynamic'],
  UUID: ['string', 'guid'],
  JSON: ['string', 'dynamic'],
  LIST: ['dynamic'],
  MAP: ['dynamic'],
  STRUCT: ['dynamic'],
};

export const isConvertible = (kind: ParquetKind, type: KqlType): boolean => conversions[kind].includes(type);

/** SQL of the physical form of a KQL type. A value that the type cannot hold is null. */
export function convertSql({ sql, type: source }: ParquetValue, type: KqlType): string {
  const kind = kindOf(source);
  invariant(kind !== undefined && isConvertible(kind, type), 'only what can be converted is converted');
  switch (type) {
    case 'string':
      return `coalesce(${textSql({ sql, type: source })}, '')`;
    case 'dynamic':
      if (kind === 'STRING')
        return source.kind === 'scalar' && source.repeats === true ? onceEach(sql, jsonOfTextSql) : jsonOfTextSql(sql);
      return `nullif(CAST(${jsonSql({ sql, type: source })} AS VARCHAR), 'null')`;
    case 'datetime':
      return datetimeSql({ sql, type: source });
    case 'timespan':
      return `CAST(date_diff('microsecond', TIME '00:00:00', CAST(${sql} AS TIME)) * 10 AS BIGINT)`;
    case 'int':
    case 'long':
      if (kind === 'STRING') return `TRY_CAST(kql_long_of_text(${sql}) AS ${physicalType[type]})`;
      return `TRY_CAST(${kind === 'INT' || kind === 'UINT64' ? sql : `trunc(${sql})`} AS ${physicalType[type]})`;
    case 'bool':
      return `(${sql} <> 0)`;
    case 'decimal':
      return decimalSql(
        // By way of text a real is the decimal that it is written as.
        kind === 'BOOLEAN' ? `CAST(${sql} AS INTEGER)` : kind === 'FLOAT' ? `CAST(${sql} AS VARCHAR)` : sql,
        kind === 'DECIMAL (FLBA)'
          ? `abs(TRY_CAST(${sql} AS DOUBLE)) >= 1e20`
          : `abs(TRY_CAST(${sql} AS DOUBLE)) BETWEEN 1e20 AND 1e34`,
      );
    case 'real':
    case 'guid':
      return `TRY_CAST(${sql} AS ${physicalType[type]})`;
  }
}

/** Decimals that the service would take and this engine cannot hold are not turned into nothing. */
const decimalSql = (sql: string, isWide: string): string =>
  `CASE WHEN ${isWide} THEN error(${quoted(`kql refuses: ${wideDecimal}.`)}) ELSE TRY_CAST(${sql} AS ${physicalType.decimal}) END`;

/** What is no JSON is a JSON string. Each value is read once where it looks like JSON; where most does not, failing costs more than asking. */
const jsonOfTextSql = (sql: string): string => `CASE WHEN ascii(${sql}) IN (91, 123)
  THEN coalesce(CAST(TRY(json(${sql})) AS VARCHAR), CAST(to_json(${sql}) AS VARCHAR))
  WHEN json_valid(${sql}) THEN nullif(CAST(json(${sql}) AS VARCHAR), 'null') ELSE CAST(to_json(${sql}) AS VARCHAR) END`;

/** DuckDB gives a function each value of a dictionary once, but computes CASE for every row; so that stands in a lambda, a function's argument.
 * Where every row has a value of its own, the lists that it takes cost half as much again. */
const onceEach = (sql: string, convert: (value: string) => string): string =>
  `list_transform(list_value(${sql}), lambda once: ${convert('once')})[1]`;

const epochTicks = '621355968000000000';
const ticksMax = '3155378975999999999';
/** Microseconds since 1970: years 1 to 9999. */
const [microsMin, microsMax] = ['-62135596800000000', '253402300799999999'];

/** Ticks. Parquet's own times reach further than KQL's. */
function datetimeSql({ sql, type }: ParquetValue): string {
  const isNano = type.kind === 'scalar' && type.name === 'TIMESTAMP_NS';
  const isDate = type.kind === 'scalar' && type.name === 'DATE';
  if (isNano) return ticksSql(`TRY(CAST(epoch_ns(${sql}) AS HUGEINT) // 100)`);
  const micros = `TRY(epoch_us(${isDate ? `CAST(${sql} AS TIMESTAMP)` : sql}))`;
  return `CASE WHEN ${micros} BETWEEN ${microsMin} AND ${microsMax} THEN ${micros} * 10 + ${epochTicks} END`;
}

/** @param sinceEpoch a HUGEINT of ticks since 1970 */
const ticksSql = (sinceEpoch: string): string =>
  `TRY_CAST(CASE WHEN (${sinceEpoch}) + ${epochTicks} BETWEEN 0 AND ${ticksMax} THEN (${sinceEpoch}) + ${epochTicks} END AS BIGINT)`;

/** For `DateTimeFromUnix…`, of whole numbers and reals. */
export const unixSql = (sql: string, unitTicks: number, unitsPerTick: number): string =>
  ticksSql(`CAST(TRY(floor(CAST(${sql} AS DECIMAL(38,6)) * ${unitTicks} / ${unitsPerTick})) AS HUGEINT)`);

/** NULL stays NULL. */
function textSql(value: ParquetValue): string {
  const kind = kindOf(value.type);
  if (kind === 'TIMESTAMP' || kind === 'DATE') {
    const ticks = datetimeSql(value);
    return `CASE WHEN ${ticks} IS NOT NULL THEN kql_text_of_datetime(${ticks}) END`;
  }
  return `CAST(${value.sql} AS VARCHAR)`;
}

/** JSON as KQL writes it: times in ISO 8601, reals that JSON has no number for as text. */
export function jsonSql({ sql, type }: ParquetValue, depth = 0): string {
  if (isPlain(type)) return `to_json(${sql})`;
  const item = `p${depth}`;
  switch (type.kind) {
    case 'struct': {
      const members = [...type.fields].map(
        ([name, inner]) =>
          `${quoted(name)}, ${jsonSql({ sql: `struct_extract(${sql}, ${quoted(name)})`, type: inner }, depth + 1)}`,
      );
      return `CASE WHEN ${sql} IS NOT NULL THEN json_object(${members.join(', ')}) END`;
    }
    case 'list':
      return `to_json(list_transform(${sql}, lambda ${item}: ${jsonSql({ sql: item, type: type.item }, depth + 1)}))`;
    case 'map': {
      const value = jsonSql({ sql: `${item}.value`, type: type.value }, depth + 1);
      const key = textSql({ sql: `${item}.key`, type: type.key });
      return `to_json(map_from_entries(list_transform(map_entries(${sql}), lambda ${item}: {'k': ${key}, 'v': ${value}})))`;
    }
    case 'scalar':
      if (kindOf(type) === 'FLOAT')
        return `CASE WHEN isfinite(${sql}) THEN to_json(${sql}) WHEN ${sql} IS NOT NULL THEN to_json(CASE WHEN isnan(${sql}) THEN 'NaN' WHEN ${sql} > 0 THEN 'Infinity' ELSE '-Infinity' END) END`;
      return `to_json(${textSql({ sql, type })})`;
  }
}

/** Members of one dictionary: each is looked for among those before it. */
const dictionaryMax = 1_000;

/** `[{"n1":"v1"},{"n2":"v2"}]` as `{"n1":"v1","n2":"v2"}`: of each name the first value. An object of Parquet has all members of its type, so
 * one without a value counts as not there. What is no list stays as it is. */
export function dictionarySql({ sql, type }: ParquetValue): ParquetValue {
  if (type.kind !== 'list') return { sql, type };
  const { item } = type;
  const json: ParquetType = { kind: 'scalar', name: 'JSON' };
  if (item.kind !== 'struct' && item.kind !== 'map')
    return { sql: `CASE WHEN ${sql} IS NOT NULL THEN '{}'::JSON END`, type: json };
  const found = `flatten(list_transform(${sql}, lambda bag: ${membersSql('bag', item)}))`;
  const first = `list_filter(d.found, lambda m, place: list_position(d.names, m.k) = place)`;
  const names = `{'found': found, 'names': list_transform(found, lambda m: m.k)}`;
  const refusal = quoted(`kql refuses: A dictionary of more than ${dictionaryMax} members is not made.`);
  const bounded = `CASE WHEN len(found) > ${dictionaryMax} THEN error(${refusal}) ELSE ${names} END`;
  const dictionary = `list_transform([${found}], lambda found: ${bounded})`;
  return {
    sql: `CASE WHEN ${sql} IS NOT NULL THEN to_json(map_from_entries(list_transform(${dictionary}, lambda d: ${first})[1])) END`,
    type: json,
  };
}

/** A list of names and JSON. */
function membersSql(bag: string, type: Extract<ParquetType, { kind: 'struct' | 'map' }>): string {
  if (type.kind === 'map') {
    const key = textSql({ sql: 'member.key', type: type.key });
    const value = jsonSql({ sql: 'member.value', type: type.value }, 1);
    return `CASE WHEN ${bag} IS NULL THEN [] ELSE list_transform(map_entries(${bag}), lambda member: {'k': ${key}, 'v': coalesce(${value}, 'null'::JSON)}) END`;
  }
  const members = [...type.fields].map(([name, inner]) => {
    const member = `struct_extract(${bag}, ${quoted(name)})`;
    const value = jsonSql({ sql: member, type: inner }, 1);
    return `CASE WHEN ${member} IS NOT NULL THEN [{'k': ${quoted(name)}, 'v': ${value}}] ELSE [] END`;
  });
  return `flatten([${members.join(', ')}])`;
}

/** Whether DuckDB's own JSON of it is KQL's. */
function isPlain(type: ParquetType): boolean {
  switch (type.kind) {
    case 'struct':
      return type.isPartial !== true && [...type.fields.values()].every(isPlain);
    case 'list':
      return isPlain(type.item);
    case 'map':
      return isPlain(type.value) && isPlain(type.key);
    case 'scalar': {
      const kind = kindOf(type);
      return kind !== 'FLOAT' && kind !== 'TIMESTAMP' && kind !== 'DATE';
    }
  }
}

/** A text in SQL. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
