import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { MappingKind } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { Column } from '../../kql/plan/types.ts';
import { isKqlType } from '../../kql/plan/types.ts';
import type { JsonPath } from './json-path.ts';
import { parseJsonPath } from './json-path.ts';

/** Where the values of one column come from. */
export interface MappedColumn {
  readonly column: string;
  readonly source:
    | { readonly kind: 'ordinal'; readonly ordinal: number }
    | { readonly kind: 'path'; readonly path: JsonPath }
    /** A top-level field by its exact name. */
    | { readonly kind: 'field'; readonly name: string }
    | { readonly kind: 'constant'; readonly text: string }
    | { readonly kind: 'sourceLocation' | 'sourceLineNumber' };
  readonly transform?: Transform;
}

/** @returns undefined for what is in no record */
export const pathOf = (source: MappedColumn['source']): JsonPath | undefined =>
  source.kind === 'path' ? source.path : source.kind === 'field' ? [source.name] : undefined;

/** @see https://learn.microsoft.com/kusto/management/mappings#mapping-transformations */
const withPaths = ['json', 'parquet', 'avro', 'orc'] as const;
const withTimes = ['csv', ...withPaths] as const;
const everywhere = [...withTimes, 'w3clogfile'] as const;
const transforms = {
  PropertyBagArrayToDictionary: withPaths,
  SourceLocation: everywhere,
  SourceLineNumber: everywhere,
  DateTimeFromUnixSeconds: withTimes,
  DateTimeFromUnixMilliseconds: withTimes,
  DateTimeFromUnixMicroseconds: withTimes,
  DateTimeFromUnixNanoseconds: withTimes,
  DropMappedFields: withPaths,
  BytesAsBase64: ['avro'],
} as const satisfies Record<string, readonly MappingKind[]>;

export type Transform = keyof typeof transforms;

const columnsMax = 10_000;
const textMax = 1024 * 1024;

/** Reads the JSON array of an ingestion mapping; members are named without case, directly or under `Properties`.
 * @throws DataError `InvalidMapping` */
export function parseMapping(kind: MappingKind, text: string): readonly MappedColumn[] {
  let json: Json;
  try {
    json = JSON.parse(text.length > textMax ? '' : withoutLastCommas(text)) as Json;
  } catch {
    throw dataError('InvalidMapping', 'The ingestion mapping is not valid JSON.');
  }
  if (!Array.isArray(json) || json.length === 0 || json.length > columnsMax)
    throw dataError('InvalidMapping', 'An ingestion mapping is a JSON array of column mappings.');
  const columns = json.map((item: Json) => parseColumn(kind, item));
  const twice = columns.find(({ column }, index) => columns.findIndex((other) => other.column === column) !== index);
  if (twice !== undefined)
    throw dataError('InvalidMapping', `The ingestion mapping maps the column '${twice.column}' twice.`);
  return columns;
}

/** The service's JSON reader takes a comma after the last element, which Microsoft's own examples of mappings have. */
const withoutLastCommas = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[\]}])/g, (found) => (found === ',' ? '' : found));

/** A mapping fits a table when every column it names is there, or can be made.
 * @throws DataError `InconsistentMapping` */
export function requireFits(mapping: readonly MappedColumn[], columns: readonly Column[]): void {
  const missing = mapping.find(({ column }) => !columns.some(({ name }) => name === column));
  if (missing !== undefined)
    throw dataError(
      'InconsistentMapping',
      `The ingestion mapping names the column '${missing.column}', which the table does not have.`,
    );
}

function parseColumn(kind: MappingKind, item: Json): MappedColumn {
  if (!isJsonObject(item))
    throw dataError('InvalidMapping', 'An ingestion mapping is a JSON array of column mappings.');
  const members = lowered(item);
  const properties = members.get('properties');
  if (properties !== undefined && properties !== null && !isJsonObject(properties))
    throw dataError('InvalidMapping', "'Properties' of a column mapping is an object.");
  if (isJsonObject(properties)) for (const [name, value] of lowered(properties)) members.set(name, value);
  // The client for Java has names of its own for column and type.
  const column = text(members.get('column') ?? members.get('name') ?? members.get('columnname'));
  if (column === undefined || column === '') throw dataError('InvalidMapping', 'A column mapping names its column.');
  const type = text(members.get('datatype') ?? members.get('columntype'));
  if (
    type !== undefined &&
    type !== '' &&
    !isKqlType(type.toLowerCase()) &&
    !/^System\.|^(date|time|double|boolean|uuid|uniqueid)$/i.test(type)
  ) {
    throw dataError('InvalidMapping', `The column '${column}' has the unknown type '${type.slice(0, 100)}'.`);
  }
  const transform = parseTransform(
    kind,
    column,
    text(members.get('transform')) ?? text(members.get('transformationmethod')),
  );
  const source = parseSource(kind, column, members, transform);
  return transform === undefined || source.kind === 'sourceLocation' || source.kind === 'sourceLineNumber'
    ? { column, source }
    : { column, source, transform };
}

function parseSource(
  kind: MappingKind,
  column: string,
  members: ReadonlyMap<string, Json>,
  transform: Transform | undefined,
): MappedColumn['source'] {
  if (transform === 'SourceLocation') return { kind: 'sourceLocation' };
  if (transform === 'SourceLineNumber') return { kind: 'sourceLineNumber' };
  const constant = members.get('constvalue') ?? members.get('constantvalue');
  if (constant !== undefined && constant !== null && constant !== '')
    return { kind: 'constant', text: text(constant) ?? JSON.stringify(constant) };
  const ordinal = members.get('ordinal');
  if (kind === 'csv') {
    const number = typeof ordinal === 'string' ? Number(ordinal) : ordinal;
    if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number < columnsMax && ordinal !== '')
      return { kind: 'ordinal', ordinal: number };
    throw dataError('InvalidMapping', `The column '${column}' needs an 'Ordinal' or a 'ConstValue'.`);
  }
  const path = text(members.get('path'));
  const field = text(members.get('field'));
  if (kind !== 'json' && field !== undefined && field !== '') {
    // Microsoft's own examples have paths there, too.
    const asPath = kind !== 'w3clogfile' && field.startsWith('$.') ? parseJsonPath(field) : undefined;
    return asPath === undefined ? { kind: 'field', name: field } : { kind: 'path', path: asPath };
  }
  if (kind === 'w3clogfile')
    throw dataError('InvalidMapping', `The column '${column}' needs a 'Field' or a 'ConstValue'.`);
  // The service takes a path that is none for a constant.
  if (path !== undefined && path !== '' && !path.trim().startsWith('$')) return { kind: 'constant', text: path };
  const parsed = path === undefined ? undefined : parseJsonPath(path);
  if (parsed === undefined)
    throw dataError(
      'InvalidMapping',
      `The column '${column}' needs a 'Path' such as $.name; '${(path ?? '').slice(0, 100)}' is not supported.`,
    );
  return { kind: 'path', path: parsed };
}

function parseTransform(kind: MappingKind, column: string, name: string | undefined): Transform | undefined {
  if (name === undefined || name === '' || name.toLowerCase() === 'none') return undefined;
  const found = transformNames.find((known) => known.toLowerCase() === name.toLowerCase());
  if (found === undefined || !(transforms[found] as readonly MappingKind[]).includes(kind)) {
    throw dataError(
      'InvalidMapping',
      `The column '${column}' has the transformation '${name.slice(0, 100)}', which is not supported for ${kind}.`,
    );
  }
  return found;
}

const transformNames = Object.keys(transforms) as Transform[];

const lowered = (object: Readonly<Record<string, Json | undefined>>): Map<string, Json> =>
  new Map(
    Object.entries(object).flatMap(([name, value]): [string, Json][] =>
      value === undefined ? [] : [[name.toLowerCase(), value]],
    ),
  );

function text(value: Json | undefined): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' ? value : undefined;
}
