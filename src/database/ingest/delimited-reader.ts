import type { MalformedCode } from '../catalog/data-error.ts';
import { malformedData } from '../catalog/data-error.ts';
import { unitsPerStep } from './json-reader.ts';

export interface DelimitedRules {
  readonly delimiter: string;
  /** `quotes`: RFC 4180. `backslash`: `\t`, `\n`, `\\` stand for themselves (TSVE). */
  readonly escaping: 'quotes' | 'backslash';
}

export interface DelimitedRecord {
  readonly line: number;
  readonly fields: readonly string[];
  /** Where it ends in the text. */
  readonly end: number;
  /** The line that comes after it. */
  readonly nextLine: number;
}

export const fieldBytesMax = 1024 * 1024;

/** Reads records of delimited text. Empty lines are no records. In a long record it stops after every so many characters (undefined), so that
 * it is read in several turns. @throws DataError `MalformedData` with line and column */
export function* readDelimited(
  text: string,
  rules: DelimitedRules,
  firstLine = 1,
): Generator<DelimitedRecord | undefined, void> {
  const state = { at: 0, line: firstLine, lineStart: 0 };
  while (state.at < text.length) {
    if (text[state.at] === '\n' || text[state.at] === '\r') {
      endOfLine(text, state);
      continue;
    }
    const line = state.line;
    const fields: string[] = [];
    let stoppedAt = state.at;
    do {
      if (state.at - stoppedAt >= unitsPerStep) {
        stoppedAt = state.at;
        yield undefined;
      }
      fields.push(
        rules.escaping === 'quotes' && text[state.at] === '"'
          ? quoted(text, state, rules.delimiter)
          : plain(text, state, rules),
      );
    } while (text[state.at] === rules.delimiter && (state.at += 1));
    endOfLine(text, state);
    yield { line, fields, end: state.at, nextLine: state.line };
  }
}

interface State {
  at: number;
  line: number;
  lineStart: number;
}

function endOfLine(text: string, state: State): void {
  if (text[state.at] === '\r') state.at += 1;
  if (text[state.at] === '\n') state.at += 1;
  state.line += 1;
  state.lineStart = state.at;
}

function plain(text: string, state: State, rules: DelimitedRules): string {
  const opening = { ...state };
  while (state.at < text.length && state.at - opening.at <= fieldBytesMax) {
    const character = text[state.at];
    if (character === rules.delimiter || character === '\n' || character === '\r') break;
    if (character === '\\' && rules.escaping === 'backslash') state.at += 1;
    state.at += 1;
  }
  state.at = Math.min(state.at, text.length);
  const field = limited(text.slice(opening.at, state.at), opening);
  return rules.escaping === 'backslash' ? unescaped(field) : field;
}

function quoted(text: string, state: State, delimiter: string): string {
  const opening = { ...state };
  let field = '';
  state.at += 1;
  for (;;) {
    const end = text.indexOf('"', state.at);
    if (end < 0) throw malformed('Stream_ClosingQuoteMissing', 'A closing quote is missing', opening);
    field += text.slice(state.at, end);
    countLines(text, state, end);
    state.at = end + 1;
    if (text[state.at] !== '"') break;
    field = limited(`${field}"`, opening);
    state.at += 1;
  }
  const next = text[state.at];
  if (next !== undefined && next !== delimiter && next !== '\n' && next !== '\r')
    throw malformed('BadRequest_UnexpectedCharacterInInputStream', 'Text stands after a closing quote', state);
  return limited(field, opening);
}

function countLines(text: string, state: State, end: number): void {
  for (let at = text.indexOf('\n', state.at); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) {
    state.line += 1;
    state.lineStart = at + 1;
  }
}

const backslashes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', '\\': '\\' };

const unescaped = (field: string): string =>
  field.replace(/\\([\s\S])/g, (_match, letter: string) => backslashes[letter] ?? letter);

function limited(field: string, state: State): string {
  if (field.length > fieldBytesMax)
    throw malformed('Stream_InputStreamTooLarge', 'A field is longer than 1 MiB', state);
  return field;
}

const malformed = (code: MalformedCode, problem: string, { line, at, lineStart }: State): Error =>
  malformedData(code, problem, { line, column: at - lineStart + 1 });
