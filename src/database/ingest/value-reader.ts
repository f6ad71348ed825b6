import type { ColumnView } from '../catalog/catalog-view.ts';
import { DataError, malformedData } from '../catalog/data-error.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import type { NativeValue } from '../../kql/sql/native.ts';
import { datetimeFromUnix, valueOfJson, valueOfText } from './convert-value.ts';
import type { Format } from './formats.ts';
import type { MappedColumn, Transform } from './ingestion-mapping.ts';
import { pathOf } from './ingestion-mapping.ts';
import { atPath, insideOf, withoutPaths } from './json-path.ts';
import type { JsonNode } from './json-reader.ts';
import { isBag, JsonBytes, JsonNumber } from './json-reader.ts';
import { unixUnits } from './unix-units.ts';

/** A column that rows are read for. */
export type ReadColumn = Pick<ColumnView, 'columnId' | 'name' | 'type'>;

export interface ReadOptions {
  readonly format: Format;
  readonly columns: readonly ReadColumn[];
  /** Undefined: delimited fields by their order, JSON properties by their names. */
  readonly mapping: readonly MappedColumn[] | undefined;
  readonly ignoreFirstRecord: boolean;
  /** Records must all have as many fields as the first one. Absent: missing ones are empty, further ones are left out. */
  readonly constantFields?: boolean;
  /** For mappings that ask where the data lay; absent: it came in a request. */
  readonly location?: string;
}

/** One record of the data. */
export interface SourceRecord {
  readonly line: number;
  readonly fields?: readonly string[];
  readonly json?: JsonNode;
  /** Where it ends in the text that is looked through. */
  readonly end: number;
}

/** Records have names for what is in them; others have an order. */
const isNamed = ({ mapping }: Format): boolean => mapping !== 'csv';

export type ReadValue = (record: SourceRecord) => NativeValue;

/** What a value cannot be is said with its line, and the number of its column. */
export function placed(read: ReadValue, record: SourceRecord, index: number): NativeValue {
  try {
    return read(record);
  } catch (error) {
    if (!(error instanceof DataError) || error.malformed === undefined || error.position !== undefined) throw error;
    throw malformedData(error.malformed, error.message.replace(/\.$/, ''), { line: record.line, column: index + 1 });
  }
}

export function valueReader(column: ReadColumn, { columns, mapping, format, location = '' }: ReadOptions): ReadValue {
  const { type, name } = column;
  const mapped = mapping?.find((entry) => entry.column === name);
  if (mapping !== undefined && mapped === undefined) return () => (type === 'string' ? '' : null);
  if (mapped === undefined) {
    if (isNamed(format)) return ({ json }) => valueOfJson(type, isBag(json) ? json.get(name) : undefined);
    const ordinal = columns.indexOf(column);
    return ({ fields }) => valueOfText(type, fields?.[ordinal] ?? '');
  }
  const { source, transform } = mapped;
  switch (source.kind) {
    case 'constant': {
      const value = valueOfText(type, source.text);
      return () => value;
    }
    case 'sourceLocation':
      return () => valueOfText(type, location);
    case 'sourceLineNumber':
      return ({ line }) => valueOfText(type, String(line));
    case 'ordinal':
      return ({ fields }) => transformText(type, fields?.[source.ordinal] ?? '', transform);
    case 'field':
    case 'path': {
      const path = pathOf(source) ?? [];
      const others = (mapping ?? []).flatMap((entry) => (entry === mapped ? [] : [pathOf(entry.source) ?? []]));
      const inside = insideOf(path, others);
      return ({ json }) => transformJson(type, json === undefined ? undefined : atPath(json, path), transform, inside);
    }
  }
}

const isUnix = (transform: Transform | undefined): transform is keyof typeof unixUnits =>
  transform !== undefined && Object.hasOwn(unixUnits, transform);

function transformText(type: KqlType, text: string, transform: Transform | undefined): NativeValue {
  if (!isUnix(transform)) return valueOfText(type, text);
  const [unitTicks, unitsPerTick] = unixUnits[transform];
  const ticks = text.trim() === '' ? null : datetimeFromUnix(text.trim(), unitTicks, unitsPerTick);
  return type === 'datetime' ? ticks : valueOfText(type, text);
}

function transformJson(
  type: KqlType,
  node: JsonNode | undefined,
  transform: Transform | undefined,
  mapped: readonly (readonly (string | number)[])[],
): NativeValue {
  if (isUnix(transform) && type === 'datetime') {
    const text = node instanceof JsonNumber ? node.text : typeof node === 'string' ? node : '';
    return transformText(type, text, transform);
  }
  if (transform === 'DropMappedFields' && node !== undefined) return valueOfJson(type, withoutPaths(node, mapped));
  if (transform === 'PropertyBagArrayToDictionary' && Array.isArray(node))
    return valueOfJson(type, dictionaryOf(node as readonly JsonNode[]));
  if (transform === 'BytesAsBase64') return valueOfJson(type, bytesOf(node)?.base64 ?? null);
  return valueOfJson(type, node);
}

/** Bytes, or an array of numbers that could be some. */
function bytesOf(node: JsonNode | undefined): JsonBytes | undefined {
  if (node instanceof JsonBytes) return node;
  if (!Array.isArray(node)) return undefined;
  const numbers = (node as readonly JsonNode[]).map((item) => (item instanceof JsonNumber ? Number(item.text) : NaN));
  const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 255;
  return numbers.every(isByte) ? new JsonBytes(Uint8Array.from(numbers)) : undefined;
}

/** `[{"n1":"v1"},{"n2":"v2"}]` becomes `{"n1":"v1","n2":"v2"}`. */
function dictionaryOf(items: readonly JsonNode[]): JsonNode {
  const bag = new Map<string, JsonNode>();
  for (const item of items) {
    if (!isBag(item)) continue;
    for (const [name, inner] of item) if (!bag.has(name)) bag.set(name, inner);
  }
  return bag;
}
