/** A string literal in any of its forms. */
export const stringLiteral =
  /h?(?:```[\s\S]*?```|~~~[\s\S]*?~~~|@"(?:[^"]|"")*"|@'(?:[^']|'')*'|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')/i;

/** To the end of the line. */
export const comment = /\/\/[^\n]*/;

const literalsAndComments = new RegExp(`${stringLiteral.source}|${comment.source}`, 'gi');

/** What stands in literals and comments means nothing to whoever looks for punctuation. */
export const withoutLiterals = (text: string): string => text.replace(literalsAndComments, '');

/** Decodes one string literal token: `"a\tb"`, `'x'`, `@"c:\x"`, `h"secret"`, and the three-backtick and three-tilde forms. */
export function unquote(token: string): string {
  let text = token.trim();
  if (/^[hH](?=["'@`~])/.test(text)) text = text.slice(1);
  if (text.startsWith('```') || text.startsWith('~~~')) return text.slice(3, -3);
  if (text.startsWith('@')) {
    const quote = text.charAt(1);
    return text.slice(2, -1).replaceAll(quote + quote, quote);
  }
  if (!/^["']/.test(text)) return text;
  return unescape(text.slice(1, -1));
}

const simpleEscapes: Readonly<Record<string, string>> = {
  t: '\t',
  n: '\n',
  r: '\r',
  a: '\u0007',
  b: '\b',
  f: '\f',
  v: '\v',
  '0': '\0',
  '\\': '\\',
  '"': '"',
  "'": "'",
  '`': '`',
  '?': '?',
};

function unescape(text: string): string {
  return text.replace(
    /\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-7]{3}|[\s\S])/g,
    (whole, escape: string) => {
      if (/^[uUx]./.test(escape) && escape.length > 1)
        return String.fromCodePoint(Number.parseInt(escape.slice(1), 16));
      if (/^[0-7]{3}$/.test(escape)) return String.fromCharCode(Number.parseInt(escape, 8));
      return simpleEscapes[escape] ?? whole;
    },
  );
}
