import { Turns } from '../../base/turns.ts';
import type { ColumnView } from '../catalog/catalog-view.ts';
import { DataError, dataError, malformedData } from '../catalog/data-error.ts';
import type { BatchColumn, RowBatch } from '../catalog/row-batch.ts';
import type { NativeValue } from '../../kql/sql/native.ts';
import { datetimeFromUnix, valueOfJson, valueOfText } from './convert-value.ts';
import { readDelimited } from './delimited-reader.ts';
import type { Format, FormatReader } from './formats.ts';
import type { MappedColumn, Transform } from './ingestion-mapping.ts';
import { atPath, withoutPaths } from './json-path.ts';
import type { JsonNode } from './json-reader.ts';
import { isBag, JsonNumber, JsonReader, unitsPerStep } from './json-reader.ts';
import { unixUnits } from './unix-units.ts';

export interface ReadOptions {
  readonly format: Format & { readonly reader: Exclude<FormatReader, { kind: 'parquet' }> };
  readonly columns: readonly ColumnView[];
  /** Undefined: delimited fields by their order, JSON properties by their names. */
  readonly mapping: readonly MappedColumn[] | undefined;
  readonly ignoreFirstRecord: boolean;
}

/** One record of the data. */
interface Source {
  readonly line: number;
  readonly fields?: readonly string[];
  readonly json?: JsonNode;
  /** Where it ends in the text. */
  readonly end: number;
}

type ReadValue = (record: Source) => NativeValue;

const rowsMax = 4_000_000;

/** UTF-16 units of text that is read, and values that are made, in one turn of the event loop: 10 to 30 ms. */
const unitsPerTurn = 32_768;

/** Turns data of a text format into typed rows, a part in each turn of the event loop, so that whoever sends much does not keep others
 * waiting. @throws DataError `MalformedData` with line and column; then there are no rows at all */
export async function readBatch(body: Uint8Array, options: ReadOptions): Promise<RowBatch> {
  const turns = new Turns(unitsPerTurn);
  const text = decoded(body) ?? (await invalidText(body, turns));
  const readers = options.columns.map((column) => valueReader(column, options));
  const values: NativeValue[][] = options.columns.map(() => []);
  let rowCount = 0;
  let readTo = 0;
  let first = options.ignoreFirstRecord;
  for (const record of recordsOf(text, options.format.reader)) {
    const turn = turns.after(record === undefined ? unitsPerStep : record.end - readTo + readers.length);
    if (turn !== undefined) await turn;
    if (record === undefined) continue;
    readTo = record.end;
    if (first) {
      first = false;
      continue;
    }
    if ((rowCount += 1) > rowsMax) throw dataError('PayloadTooLarge', `There are more than ${rowsMax} records.`);
    readers.forEach((read, index) => values[index]?.push(placed(read, record, index)));
  }
  const columns = options.columns.map(({ columnId, type }, index): BatchColumn => ({
    columnId,
    type,
    values: values[index] ?? [],
  }));
  return { columns, rowCount };
}

/** What a value cannot be is said with its line, and the number of its column. */
function placed(read: ReadValue, record: Source, index: number): NativeValue {
  try {
    return read(record);
  } catch (error) {
    if (!(error instanceof DataError) || error.malformed === undefined || error.position !== undefined) throw error;
    throw malformedData(error.malformed, error.message.replace(/\.$/, ''), { line: record.line, column: index + 1 });
  }
}

/** @returns undefined for what is not UTF-8 (or UTF-16 with its mark) */
function decoded(body: Uint8Array): string | undefined {
  try {
    const encoding = body[0] === 0xff && body[1] === 0xfe ? 'utf-16le' : 'utf-8';
    return new TextDecoder(encoding, { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}

/** @throws DataError `MalformedData` that says where UTF-8 ends to be UTF-8. Columns count characters. */
async function invalidText(body: Uint8Array, turns: Turns): Promise<never> {
  let [line, column] = [1, 1];
  // The decoder puts U+FFFD where something is wrong; one that was sent is three bytes of its own.
  const text = new TextDecoder('utf-8').decode(body);
  let at = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  for (const character of text) {
    if (character === '\ufffd' && !(body[at] === 0xef && body[at + 1] === 0xbf && body[at + 2] === 0xbd)) break;
    at += Buffer.byteLength(character, 'utf8');
    if (character === '\n') [line, column] = [line + 1, 1];
    else column += 1;
    const turn = turns.after(1);
    if (turn !== undefined) await turn;
  }
  throw malformedData('BadRequest_UnexpectedCharacterInInputStream', 'The data is not valid UTF-8 text', {
    line,
    column,
  });
}

/** Undefined: it stops in a long record. */
function* recordsOf(text: string, reader: ReadOptions['format']['reader']): Generator<Source | undefined> {
  switch (reader.kind) {
    case 'delimited':
      yield* readDelimited(text, reader.rules);
      return;
    case 'text':
      if (!reader.whole) yield* linesOf(text);
      else if (text !== '') yield { line: 1, fields: [text], end: text.length };
      return;
    case 'json':
      yield* jsonRecords(text, reader.shape);
  }
}

function* linesOf(text: string): Generator<Source> {
  let line = 1;
  for (let at = 0; at < text.length; line += 1) {
    lineEnd.lastIndex = at;
    const found = lineEnd.exec(text);
    const end = found?.index ?? text.length;
    const next = found === null ? end : lineEnd.lastIndex;
    if (end > at) yield { line, fields: [text.slice(at, end)], end: next };
    at = next;
  }
}

const lineEnd = /\r\n|\n|\r/g;

function* jsonRecords(text: string, shape: 'lines' | 'many' | 'one'): Generator<Source | undefined> {
  const reader = new JsonReader(text);
  const lines = new LineCounter(text);
  while (reader.more()) {
    const start = reader.offset;
    const line = lines.at(start);
    if (reader.next === '[' && shape !== 'lines') {
      for (const step of reader.items())
        yield step && { line, json: requireBag(step.item, reader, start), end: reader.offset };
      requireOnly(reader, shape);
      continue;
    }
    const json = yield* reader.steps();
    if (shape === 'lines' && text.slice(start, reader.offset).includes('\n'))
      throw reader.fail("A record of the format 'json' must stand on one line", start);
    requireOnly(reader, shape);
    yield { line, json: requireBag(json, reader, start), end: reader.offset };
  }
}

function requireOnly(reader: JsonReader, shape: 'lines' | 'many' | 'one'): void {
  if (shape === 'one' && reader.more()) throw reader.fail("The format 'singlejson' takes one JSON value");
}

function requireBag(json: JsonNode, reader: JsonReader, start: number): JsonNode {
  if (!isBag(json)) throw reader.fail('A record is a JSON object', start);
  return json;
}

class LineCounter {
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  /** Offsets come in ascending order. */
  at(offset: number): number {
    for (
      let next = this.#text.indexOf('\n', this.#at);
      next >= 0 && next < offset;
      next = this.#text.indexOf('\n', this.#at)
    ) {
      this.#line += 1;
      this.#at = next + 1;
    }
    return this.#line;
  }
}

function valueReader(column: ColumnView, { columns, mapping, format }: ReadOptions): ReadValue {
  const { type, name } = column;
  const mapped = mapping?.find((entry) => entry.column === name);
  if (mapping !== undefined && mapped === undefined) return () => (type === 'string' ? '' : null);
  if (mapped === undefined) {
    if (format.reader.kind === 'json') return ({ json }) => valueOfJson(type, isBag(json) ? json.get(name) : undefined);
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
      return () => valueOfText(type, ''); // data that comes in a request has no location
    case 'sourceLineNumber':
      return ({ line }) => valueOfText(type, String(line));
    case 'ordinal':
      return ({ fields }) => transformText(type, fields?.[source.ordinal] ?? '', transform);
    case 'field':
      return ({ json }) => valueOfJson(type, isBag(json) ? json.get(source.name) : undefined);
    case 'path': {
      const { path } = source;
      const others = (mapping ?? []).flatMap((entry) =>
        entry !== mapped && entry.source.kind === 'path' ? [entry.source.path] : [],
      );
      const inside = others
        .filter((other) => other.length > path.length && path.every((step, index) => step === other[index]))
        .map((other) => other.slice(path.length));
      return ({ json }) => transformJson(type, json === undefined ? undefined : atPath(json, path), transform, inside);
    }
  }
}

const isUnix = (transform: Transform | undefined): transform is keyof typeof unixUnits =>
  transform !== undefined && Object.hasOwn(unixUnits, transform);

function transformText(type: ColumnView['type'], text: string, transform: Transform | undefined): NativeValue {
  if (!isUnix(transform)) return valueOfText(type, text);
  const [unitTicks, unitsPerTick] = unixUnits[transform];
  const ticks = text.trim() === '' ? null : datetimeFromUnix(text.trim(), unitTicks, unitsPerTick);
  return type === 'datetime' ? ticks : valueOfText(type, text);
}

function transformJson(
  type: ColumnView['type'],
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
  return valueOfJson(type, node);
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
