import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
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

const [scheme, host, port] = ['[A-Za-z][A-Za-z0-9+.-]*', String.raw`\[[^\]]*\]|[^:/?#]*`, '[0-9]+'];
const lineEnds = '\n\r\u2028\u2029';
/** scheme://username:password@host:port/path?query#fragment. RE2 and JavaScript read it alike. */
const urlPattern = String.raw`^(?:(${scheme})://)?(?:([^:@/?#]*)(?::([^@/?#]*))?@)?(${host})(?::(${port}))?([^?#]*)(?:\?([^#]*))?(?:#([^${lineEnds}]*))?$`;
/** The same where there is no @ and no end of a line, and nothing to trim: then nothing behind the part can keep it from being found. */
const simpleUrlPatterns: Readonly<Record<string, string>> = {
  Scheme: `^(${scheme})://`,
  Host: `^(?:${scheme}://)?(${host})`,
  Port: `^(?:${scheme}://)?(?:${host})(?::(${port}))`,
  Path: `^(?:${scheme}://)?(?:${host})(?::${port})?([^?#]*)`,
  Fragment: '#((?s:.)*)',
};
/** The same behind the scheme of most URLs, and without brackets: RE2 reads these in one pass. */
const plainUrlPatterns: Readonly<Record<string, string>> = {
  Host: '^https?://([^:/?#]*)',
  Port: `^https?://[^:/?#]*:(${port})`,
};
/** Of ASCII: what is trimmed, what ends a line, and the sign of a user. */
const hardCharacters = '\t\n\v\f\r @';
const urlExpression = new RegExp(urlPattern);
/** What JavaScript trims. */
const blanks =
  '\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';
/** Parts that are texts, by their groups. */
const urlGroups: Readonly<Record<string, number>> = {
  Scheme: 1,
  Username: 2,
  Password: 3,
  Host: 4,
  Port: 5,
  Path: 6,
  Fragment: 8,
};

function urlParts(text: string): Record<string, unknown> {
  const match = urlExpression.exec(text.trim());
  const part = (name: string): string => match?.[urlGroups[name] ?? 0] ?? '';
  return {
    Scheme: part('Scheme'),
    Host: part('Host'),
    Port: part('Port'),
    Path: part('Path'),
    Username: part('Username'),
    Password: part('Password'),
    'Query Parameters': queryOf(match?.[7] ?? ''),
    Fragment: part('Fragment'),
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

const parseUrlNative = text('parse_url', urlParts);
const parseUrl: FunctionRow = {
  ...parseUrlNative,
  aliases: ['parseurl'],
  sql: (args, call, scope) => {
    const whole = parseUrlNative.sql(args, call, scope);
    const [source] = args;
    if (!source || typeof whole === 'string') return whole;
    const { ctx } = scope;
    return {
      ...whole,
      textIn: (key) => {
        if (!Object.hasOwn(urlGroups, key)) return undefined;
        const text = cast(source, 'string');
        const found = (of: Sql, pattern: string, group = 1): Sql =>
          sql`regexp_extract(${of}, ${ctx.bind(pattern, 'VARCHAR')}, ${group})`;
        const whole = found(sql`trim(${text}, ${ctx.bind(blanks, 'VARCHAR')})`, urlPattern, urlGroups[key] ?? 0);
        const [simple, plain] = [simpleUrlPatterns[key], plainUrlPatterns[key]];
        if (simple === undefined) return whole;
        const hard = Array.from(hardCharacters, (one) => sql`contains(${text}, chr(${one.charCodeAt(0)}))`);
        const isHard = joined([sql`strlen(${text}) <> length(${text})`, ...hard], ' OR ');
        const isPlain = sql`(starts_with(${text}, 'https://') OR starts_with(${text}, 'http://')) AND NOT contains(${text}, '[')`;
        const quick = plain === undefined ? '' : sql`WHEN ${isPlain} THEN ${found(text, plain)}`;
        return sql`CASE WHEN ${isHard} THEN ${whole} ${quick} ELSE ${found(text, simple)} END`;
      },
    };
  },
};

export const parseTextFunctions: FunctionRows = {
  parse_csv: text('parse_csv', csvFields),
  parse_url: parseUrl,
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
