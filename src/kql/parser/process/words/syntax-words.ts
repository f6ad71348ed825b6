import type { KqlError } from '../../../plan/kql-error.ts';
import { engineMistake } from '../../../plan/kql-error.ts';
import { lineAndColumn } from '../../../plan/line-and-column.ts';
import type { LanguageDiagnostic } from '../language/language.ts';

/** What does not parse. To the language service a word that begins no operator, what is left over, and a name in
 * braces are no matters of syntax. */
export const isSyntax = (code: string): boolean => /^KS(00[1-6]|174|176|198|213)$/.test(code);

/** A token: a name, a number, or one sign. */
const token = /[A-Za-z_$][\w$-]*|\d[\w.]*|\S/y;
const between = /(?:\s|\/\/[^\n]*)*/y;

/** The first token at or after a place. @returns `<EOF>` at the end of the text */
export function tokenAt(text: string, from: number): { readonly start: number; readonly token: string } {
  between.lastIndex = from;
  between.exec(text);
  const start = Math.max(between.lastIndex, from);
  token.lastIndex = start;
  const found = token.exec(text)?.[0];
  return found === undefined ? { start: text.length, token: '<EOF>' } : { start, token: found.slice(0, 100) };
}

/** A literal that does not end leaves the engine's lexer without a token to name. */
const isUnended = ({ Code, Message }: LanguageDiagnostic): boolean =>
  Code === 'KS003' || (Code === 'KS001' && /^Missing: ['"`~]/.test(Message));

/** Where the engine's parser stops: the language service tells of a missing condition at its operator, and of the name in `{name}`. */
function placeOf(text: string, { Code, Message, Start, Length }: LanguageDiagnostic): number {
  if (Code === 'KS213') return Math.max(0, text.lastIndexOf('{', Start));
  return /^Missing join on/.test(Message) ? Start + Length : Start;
}

/** @param placed whether the text is the one that was sent */
export function syntaxError(text: string, diagnostic: LanguageDiagnostic, placed: boolean): KqlError {
  const { Code: ks } = diagnostic;
  if (isUnended(diagnostic)) return engineMistake('syntax', { code: 'SYN0001' }, syntaxTexts.SYN0001, undefined, ks);
  const found = tokenAt(text, placeOf(text, diagnostic));
  const { line, position } = lineAndColumn(text, found.start);
  const message = syntaxTexts.SYN0002(found.token, line, position);
  const words = { code: 'SYN0002', token: found.token };
  return engineMistake('syntax', words, message, placed ? found.start : undefined, ks);
}

const syntaxTexts = {
  SYN0001: 'I could not parse that, sorry.',
  SYN0002: (word: string, line: number, position: number) =>
    `Query could not be parsed at '${word}' on line [${String(line)},${String(position)}]`,
};
