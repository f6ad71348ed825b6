import { DataError } from '../catalog/data-error.ts';
import { readDelimited } from './delimited-reader.ts';
import type { DelimitedRules } from './delimited-reader.ts';
import type { TextReader } from './formats.ts';
import type { JsonNode } from './json-reader.ts';
import { isBag, JsonReader } from './json-reader.ts';
import type { SourceRecord } from './value-reader.ts';
import type { TextRecords } from './text-windows.ts';
import { W3cRecords } from './w3c-records.ts';

/** Records of text, whose beginning and line are remembered from one piece to the next. */
export function textRecords(reader: TextReader): TextRecords<SourceRecord> {
  switch (reader.kind) {
    case 'delimited':
      return new DelimitedRecords(reader.rules);
    case 'text':
      return reader.whole ? new WholeText() : new Lines();
    case 'json':
      return new JsonRecords(reader.shape);
    case 'w3c':
      return new W3cRecords();
  }
}

class DelimitedRecords implements TextRecords<SourceRecord> {
  readonly #rules: DelimitedRules;
  #line = 1;

  constructor(rules: DelimitedRules) {
    this.#rules = rules;
  }

  *read(text: string, isLast: boolean): Generator<SourceRecord | undefined, number> {
    let read = 0;
    const records = readDelimited(text, this.#rules, this.#line);
    for (;;) {
      const next = nextWhole(records, isLast);
      if (next === undefined || next.done === true) return isLast ? text.length : read;
      const record = next.value;
      if (record !== undefined) {
        // It may go on, or the second half of a line end may follow.
        if (!isLast && record.end >= text.length) return read;
        read = record.end;
        this.#line = record.nextLine;
      }
      yield record;
    }
  }
}

/** @returns undefined where a record has no end yet */
function nextWhole<T>(records: Generator<T, void>, isLast: boolean): IteratorResult<T, void> | undefined {
  try {
    return records.next();
  } catch (error) {
    if (!isLast && error instanceof DataError && error.malformed === 'Stream_ClosingQuoteMissing') return undefined;
    throw error;
  }
}

const lineEnd = /\r\n|\n|\r/g;

class Lines implements TextRecords<SourceRecord> {
  #line = 1;

  *read(text: string, isLast: boolean): Generator<SourceRecord, number> {
    for (let at = 0; ;) {
      lineEnd.lastIndex = at;
      const found = lineEnd.exec(text);
      const next = found === null ? text.length : lineEnd.lastIndex;
      if (at === text.length || (!isLast && next === text.length)) return at;
      const end = found?.index ?? text.length;
      if (end > at) yield { line: this.#line, fields: [text.slice(at, end)], end: next };
      this.#line += 1;
      at = next;
    }
  }
}

class WholeText implements TextRecords<SourceRecord> {
  *read(text: string, isLast: boolean): Generator<SourceRecord, number> {
    if (!isLast) return 0;
    if (text !== '') yield { line: 1, fields: [text], end: text.length };
    return text.length;
  }
}

/** Wrong this near to the end of a piece, it may only be cut there: no escape or word is longer. */
const cutUnits = 8;

class JsonRecords implements TextRecords<SourceRecord> {
  readonly #shape: 'lines' | 'many' | 'one';
  #line = 1;
  /** In an array of records; `after` one of them. */
  #list: 'outside' | 'begun' | 'after' = 'outside';
  #isOver = false;

  constructor(shape: 'lines' | 'many' | 'one') {
    this.#shape = shape;
  }

  *read(text: string, isLast: boolean): Generator<SourceRecord | undefined, number> {
    const reader = new JsonReader(text, 0, this.#line);
    const lines = new LineCounter(text, this.#line);
    let read = 0;
    try {
      while (reader.more()) {
        const record = yield* this.#next(reader, text, lines);
        // It has its line by now, and so has what comes next.
        read = reader.offset;
        this.#line = lines.at(read);
        if (record !== undefined) yield record;
      }
    } catch (error) {
      if (!isLast && error instanceof DataError && text.length - reader.offset <= cutUnits) return read;
      throw error;
    }
    if (isLast && this.#list !== 'outside') throw reader.fail("',' or ']' is expected");
    return isLast ? text.length : read;
  }

  /** @returns undefined for what only stands between records */
  *#next(
    reader: JsonReader,
    text: string,
    lines: LineCounter,
  ): Generator<SourceRecord | undefined, SourceRecord | undefined> {
    if (this.#isOver) throw reader.fail("The format 'singlejson' takes one JSON value");
    if (this.#list === 'outside' && this.#shape !== 'lines' && reader.take('[')) {
      this.#list = 'begun';
      return undefined;
    }
    if (this.#list !== 'outside') {
      if (reader.take(']')) {
        this.#list = 'outside';
        this.#isOver = this.#shape === 'one';
        return undefined;
      }
      if (this.#list === 'after' && !reader.take(',')) throw reader.fail("',' or ']' is expected");
      reader.more(); // steps over white space
    }
    const start = reader.offset;
    const line = lines.at(start);
    const json = yield* reader.steps();
    if (this.#shape === 'lines' && text.slice(start, reader.offset).includes('\n'))
      throw reader.fail("A record of the format 'json' must stand on one line", start);
    const bag = requireBag(json, reader, start);
    if (this.#list !== 'outside') this.#list = 'after';
    else this.#isOver = this.#shape === 'one';
    return { line, json: bag, end: reader.offset };
  }
}

function requireBag(json: JsonNode, reader: JsonReader, start: number): JsonNode {
  if (!isBag(json)) throw reader.fail('A record is a JSON object', start);
  return json;
}

class LineCounter {
  readonly #text: string;
  #at = 0;
  #line: number;

  constructor(text: string, line: number) {
    this.#text = text;
    this.#line = line;
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
