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

/** Of one record. */
const fieldsMax = 1_000_000;

/** Reads records of delimited text. Empty lines are no records. In a long record or field it stops after every so many characters (undefined),
 * so that it is read in several turns. @throws DataError `MalformedData` with line and column */
export function* readDelimited(
  text: string,
  rules: DelimitedRules,
  firstLine = 1,
): Generator<DelimitedRecord | undefined, void> {
  const state: State = { at: 0, line: firstLine, lineStart: 0, stopAt: 0 };
  while (state.at < text.length) {
    if (text[state.at] === '\n' || text[state.at] === '\r') {
      endOfLine(text, state);
      continue;
    }
    const line = state.line;
    const fields: string[] = [];
    state.stopAt = state.at + unitsPerStep;
    do {
      const isQuoted = rules.escaping === 'quotes' && text[state.at] === '"';
      const field = isQuoted ? openQuoted(state) : { from: state.at };
      while (!(isQuoted ? endQuoted(text, state, field, rules.delimiter) : endPlain(text, state, rules))) {
        state.stopAt = state.at + unitsPerStep;
        yield undefined;
      }
      fields.push(fieldOf(text, state, field, rules));
      if (fields.length > fieldsMax)
        throw malformed('Stream_InputStreamTooLarge', `A record has more than ${fieldsMax} fields`, state);
    } while (text[state.at] === rules.delimiter && (state.at += 1));
    endOfLine(text, state);
    yield { line, fields, end: state.at, nextLine: state.line };
  }
}

interface State {
  at: number;
  line: number;
  lineStart: number;
  /** Whoever comes past it stops for a moment. */
  stopAt: number;
}

/** A field that is being read. */
interface Field {
  readonly from: number;
  /** Of one in quotes: where it began, and what is known of it. */
  readonly quoted?: { readonly opening: State; text: string };
}

function endOfLine(text: string, state: State): void {
  if (text[state.at] === '\r') state.at += 1;
  if (text[state.at] === '\n') state.at += 1;
  state.line += 1;
  state.lineStart = state.at;
}

/** @returns whether it has come to the end of the field */
function endPlain(text: string, state: State, { delimiter, escaping }: DelimitedRules): boolean {
  while (state.at < text.length) {
    const character = text[state.at];
    if (character === delimiter || character === '\n' || character === '\r') return true;
    if (state.at > state.stopAt) return false;
    if (character === '\\' && escaping === 'backslash') state.at += 1;
    state.at += 1;
  }
  state.at = text.length;
  return true;
}

function openQuoted(state: State): Field {
  const opening = { ...state };
  state.at += 1;
  return { from: state.at, quoted: { opening, text: '' } };
}

/** @returns whether it has come to the end of the field */
function endQuoted(text: string, state: State, { quoted }: Field, delimiter: string): boolean {
  if (quoted === undefined) return true;
  for (;;) {
    const end = text.indexOf('"', state.at);
    if (end < 0) throw malformed('Stream_ClosingQuoteMissing', 'A closing quote is missing', quoted.opening);
    quoted.text += text.slice(state.at, end);
    countLines(text, state, end);
    state.at = end + 1;
    if (text[state.at] !== '"') break;
    quoted.text += '"';
    state.at += 1;
    if (state.at > state.stopAt) return false;
  }
  const next = text[state.at];
  if (next !== undefined && next !== delimiter && next !== '\n' && next !== '\r')
    throw malformed('BadRequest_UnexpectedCharacterInInputStream', 'Text stands after a closing quote', state);
  return true;
}

function fieldOf(text: string, { at }: State, { from, quoted }: Field, { escaping }: DelimitedRules): string {
  if (quoted !== undefined) return quoted.text;
  const field = text.slice(from, at);
  return escaping === 'backslash' ? unescaped(field) : field;
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

const malformed = (code: MalformedCode, problem: string, { line, at, lineStart }: State): Error =>
  malformedData(code, problem, { line, column: at - lineStart + 1 });
