import { sql } from '../sql/fragment.ts';
import { cast } from '../sql/convert.ts';
import { native } from '../sql/native-row.ts';
import { nativeCall, nativeFunction } from '../sql/native.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';

/** One record of comma-separated values. */
export function csvFields(text: string): string[] {
  const fields: string[] = [];
  let current = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quoted) {
      if (character !== '"') current += character;
      else if (text.charAt(at + 1) === '"') {
        current += '"';
        at += 1;
      } else quoted = false;
    } else if (character === '"' && current === '') quoted = true;
    else if (character === ',') {
      fields.push(current);
      current = '';
    } else if (character === '\n' || character === '\r') break;
    else current += character;
  }
  fields.push(current);
  return fields;
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
};

const queryOf = (query: string): Record<string, string> =>
  Object.fromEntries(
    query
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const at = pair.indexOf('=');
        return at < 0 ? [decoded(pair), ''] : [decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))];
      }),
  );

/** scheme://username:password@host:port/path?query#fragment */
function urlParts(text: string): Record<string, unknown> {
  const match =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?(?:([^:@/?#]*)(?::([^@/?#]*))?@)?(\[[^\]]*\]|[^:/?#]*)(?::(\d+))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/.exec(
      text.trim(),
    );
  const [, scheme = '', user = '', password = '', host = '', port = '', path = '', query = '', fragment = ''] =
    match ?? [];
  return {
    Scheme: scheme,
    Host: host,
    Port: port,
    Path: path,
    Username: user,
    Password: password,
    'Query Parameters': queryOf(query),
    Fragment: fragment,
  };
}

/** Windows, UNC and Unix paths; the scheme and an alternate stream too. */
function pathParts(text: string): Record<string, string> {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):\/\//.exec(text)?.[1] ?? '';
  const body = scheme === '' ? text : text.slice(scheme.length + 3);
  const root = /^(?:\\\\\?\\)?([A-Za-z]:)/.exec(body)?.[1] ?? '';
  const end = Math.max(body.lastIndexOf('\\'), body.lastIndexOf('/'));
  const directory = end < 0 ? '' : body.slice(0, end);
  const last = body.slice(end + 1);
  const stream = last.indexOf(':');
  const file = stream > 0 ? last.slice(0, stream) : last;
  const dot = file.lastIndexOf('.');
  return {
    Scheme: scheme,
    RootPath: root,
    DirectoryPath: directory,
    DirectoryName: directory.split(/[\\/]/).at(-1) ?? '',
    Filename: file,
    Extension: dot > 0 ? file.slice(dot + 1) : '',
    AlternateDataStreamName: stream > 0 ? last.slice(stream + 1) : '',
  };
}

/** Splits as Windows programs do. The first argument is a program's name, in which a backslash is only a backslash; later ones take
 * backslashes before a quote by twos, and three quotes in a row for one.
 * @see CommandLineToArgvW */
function commandLine(text: string): string[] {
  const program = /^(?:"([^"]*)"?|([^ \t]*))/.exec(text);
  const args = text === '' ? [] : [program?.[1] ?? program?.[2] ?? ''];
  let current: string | undefined;
  let quotes = 0;
  for (const [piece] of text.slice(program?.[0].length ?? 0).matchAll(/\\*"+|[ \t]+|[^ \t"\\]+|\\+/g)) {
    if (piece.endsWith('"')) {
      const slashes = piece.lastIndexOf('\\') + 1;
      const isEscaped = slashes % 2 === 1;
      quotes += piece.length - slashes - (isEscaped ? 1 : 0);
      current = `${current ?? ''}${'\\'.repeat(slashes >> 1)}${'"'.repeat((isEscaped ? 1 : 0) + Math.floor(quotes / 3))}`;
      quotes = quotes % 3 === 1 ? 1 : 0;
    } else if (/^[ \t]/.test(piece) && quotes === 0) {
      if (current !== undefined) args.push(current);
      current = undefined;
    } else current = (current ?? '') + piece;
  }
  if (current !== undefined) args.push(current);
  return args;
}

const versionDigits = nativeFunction('parse_version', ['string'], 'string', ([text]) => {
  if (!/^\d{1,8}(\.\d{1,8}){0,3}$/.test(String(text))) return null;
  const parts = String(text).split('.');
  const value = BigInt([0, 1, 2, 3].map((index) => (parts[index] ?? '0').padStart(8, '0')).join(''));
  return value.toString();
});

/** Up to four parts of up to eight digits, compared as one number: more digits than our decimals have before the point. As
 * whole numbers they are exact, and where one meets other decimals and is too long for them DuckDB fails to convert it. */
const version: FunctionRow = {
  result: 'decimal',
  natives: [versionDigits],
  sql: ([text]) => (text ? sql`CAST(${nativeCall(versionDigits, cast(text, 'string'))} AS HUGEINT)` : 'NULL'),
};

const text = (name: string, run: (text: string) => unknown): FunctionRow =>
  native(name, ['string'], 'dynamic', ([value]) => JSON.stringify(run(String(value))));

export const parseTextFunctions: FunctionRows = {
  parse_csv: text('parse_csv', csvFields),
  parse_url: { ...text('parse_url', urlParts), aliases: ['parseurl'] },
  parse_urlquery: {
    aliases: ['parseurlquery'],
    ...text('parse_urlquery', (query) => ({ 'Query Parameters': queryOf(query.replace(/^\?/, '')) })),
  },
  parse_path: text('parse_path', pathParts),
  parse_command_line: native('parse_command_line', ['string', 'string'], 'dynamic', ([line, kind]) =>
    /^windows$/i.test(String(kind)) ? JSON.stringify(commandLine(String(line))) : null,
  ),
  parse_version: version,
};
