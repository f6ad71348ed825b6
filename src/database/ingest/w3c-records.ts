import { malformedData } from '../catalog/data-error.ts';
import type { JsonNode } from './json-reader.ts';
import type { SourceRecord } from './value-reader.ts';
import type { TextRecords } from './text-windows.ts';

const fieldsMax = 10_000;
const lineEnd = /\r\n|\n|\r/g;
/** A string in quotes, in which two stand for one; else what has no white space. */
const token = /"((?:[^"]|"")*)"(?=\s|$)|\S+/g;

/** Lines of a log of a web server: `#Fields` names what stands in those that follow, until it comes again.
 * @see https://www.w3.org/TR/WD-logfile.html */
export class W3cRecords implements TextRecords<SourceRecord> {
  #line = 1;
  #fields: readonly string[] | undefined;

  *read(text: string, isLast: boolean): Generator<SourceRecord, number> {
    for (let at = 0; ;) {
      lineEnd.lastIndex = at;
      const found = lineEnd.exec(text);
      const next = found === null ? text.length : lineEnd.lastIndex;
      if (at === text.length || (!isLast && next === text.length)) return at;
      const line = text.slice(at, found?.index ?? text.length);
      if (line.startsWith('#')) this.#directive(line);
      else if (line.trim() !== '') yield { line: this.#line, json: this.#recordOf(line), end: next };
      this.#line += 1;
      at = next;
    }
  }

  #directive(line: string): void {
    const fields = /^#Fields:(.*)$/i.exec(line)?.[1];
    if (fields === undefined) return;
    this.#fields = fields.trim().split(/\s+/, fieldsMax + 1);
    if (this.#fields.length > fieldsMax) throw this.#wrong(`There are more than ${fieldsMax} fields`);
  }

  #recordOf(line: string): JsonNode {
    if (this.#fields === undefined)
      throw this.#wrong('A record stands before the line #Fields that says what is in it');
    const bag = new Map<string, JsonNode>();
    token.lastIndex = 0;
    for (const name of this.#fields) {
      const found = token.exec(line);
      if (found === null) break;
      const [whole, quoted] = found;
      // A dash by itself says that there is nothing.
      if (whole !== '-') bag.set(name, quoted === undefined ? whole : quoted.replaceAll('""', '"'));
    }
    return bag;
  }

  #wrong(text: string): Error {
    return malformedData('BadRequest_UnexpectedCharacterInInputStream', text, { line: this.#line, column: 1 });
  }
}
