import { isJsonObject, textMember } from '../../base/json.ts';
import type { ExternalPartition } from '../catalog/external-table.ts';
import type { Column, KqlType } from '../../kql/plan/types.ts';
import { notBuiltOfDelta, notDelta, tooMuchDelta } from './delta-wrong.ts';

/** Of a table, and so of what its log may define. */
const columnsMax = 10_000;
const nameUnitsMax = 1_024;

/** @see Delta transaction log protocol, "Schema serialization format": what of it becomes what here is that of the same types in Parquet */
const types: Readonly<Record<string, KqlType>> = {
  string: 'string',
  long: 'long',
  integer: 'int',
  short: 'int',
  byte: 'int',
  float: 'real',
  double: 'real',
  boolean: 'bool',
  binary: 'string',
  date: 'datetime',
  timestamp: 'datetime',
  timestamp_ntz: 'datetime',
};
const nestedTypes = ['struct', 'array', 'map'];

/** What the log says of the columns. */
export interface DeltaSchema {
  /** All, in their order. */
  readonly columns: readonly Column[];
  /** Names of those whose values are in the log and not in the files, in the order of the folders. */
  readonly partitionColumns: readonly string[];
}

/** @param text JSON of a struct @throws DataError `MalformedData`, KqlError for a type that is not built */
export function parseDeltaSchema(text: string, partitionColumns: readonly string[]): DeltaSchema {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch {
    throw notDelta('its schema is no JSON');
  }
  const fields: unknown = isJsonObject(schema) ? schema['fields'] : undefined;
  if (!Array.isArray(fields)) throw notDelta('its schema has no fields');
  if (fields.length > columnsMax) throw tooMuchDelta(`more than ${columnsMax} columns`);
  const columns = fields.map((field: unknown): Column => {
    const name = isJsonObject(field) ? field['name'] : undefined;
    if (!isJsonObject(field) || typeof name !== 'string' || name === '' || name.length > nameUnitsMax)
      throw notDelta('a field of its schema has no name');
    return { name, type: typeOf(name, field['type']) };
  });
  const names = new Set(columns.map(({ name }) => name));
  if (names.size !== columns.length) throw notDelta('its schema has two fields of one name');
  if (partitionColumns.some((name) => !names.has(name)))
    throw notDelta('it is partitioned by a column that it has not');
  return { columns, partitionColumns };
}

function typeOf(name: string, type: unknown): KqlType {
  if (isJsonObject(type) && nestedTypes.includes(textMember(type, 'type'))) return 'dynamic';
  if (typeof type !== 'string') throw notDelta(`the field '${name.slice(0, 100)}' of its schema has no type`);
  if (/^decimal(?:\(\d{1,2},\d{1,2}\))?$/.test(type)) return 'decimal';
  const found = Object.hasOwn(types, type) ? types[type] : undefined;
  if (found === undefined)
    throw notBuiltOfDelta(`The type '${type.slice(0, 50)}' of the column '${name.slice(0, 100)}'`);
  return found;
}

/** Columns of the files, and partitions: what an external table that has no columns of its own takes from the log.
 * @see Kusto "Create and alter delta external tables": partition columns are virtual ones */
export function inferredSchema({ columns, partitionColumns }: DeltaSchema): {
  readonly columns: readonly Column[];
  readonly partitions: readonly ExternalPartition[];
} {
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  return {
    columns: columns.filter(({ name }) => !partitionColumns.includes(name)),
    partitions: partitionColumns.map((name) => ({ name, type: types.get(name) ?? 'string' })),
  };
}
